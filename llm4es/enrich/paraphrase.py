"""Which words may stand for a value, where a recipe says that a field may be paraphrased.

In: words, a value, the words of other events. Out: yes or no. It keeps words from saying what only another event says;
whether they mean the same it does not know.
"""

import unicodedata
from collections.abc import Collection

from ..serialize.escaping import unescape
from .words import normal

SLACK = 24
"""Characters that a paraphrase may have beside twice those of the value."""

SHUT = r'0-9|;:"\\`~*_<>(){}\[\]$€£%+=@#\x00-\x1f\x7f-\xa0\xb2\xb3\xb9\xbc-\xbe\u2000-\u206f\u3000\ue000-\uf8ff\ufeff'
"""What no paraphrase holds: digits, what formats and amounts are made of, and spaces other than the plain one."""

_BETWEEN = frozenset(" ,.'&/!?-")
"""What a paraphrase may have besides letters."""

_DENIALS = frozenset({"not", "no", "never", "non", "without", "nothing", "none"})
"""Words that turn a value round."""


def may_stand_for(words: str, value: str, others: Collection[str]) -> bool:
    """Whether words may stand for a value: only letters, no denial, no word that another event has and this one not.

    Examples
    --------
    >>> may_stand_for("a dark comedy", "Comedy", {"comedy", "drama"})
    True
    >>> may_stand_for("a drama", "Comedy", {"comedy", "drama"})
    False
    """
    said = normal(words)
    return (
        bool(said)
        and words == unicodedata.normalize("NFKC", words)
        and all(character.isalpha() or character in _BETWEEN for character in words)
        and not _DENIALS.intersection(said)
        and not (set(said) - set(normal(unescape(value)))).intersection(others)
    )
