"""Which words may stand for a value, where a recipe says that a field may be paraphrased.

In: words, a value, the words of other events. Out: yes or no. It keeps words from saying what only another event says;
whether they mean the same it does not know.
"""

import unicodedata
from collections.abc import Collection, Iterable, Sequence

from ..serialize.escaping import unescape
from .prose_claims import DENIALS, SCALES
from .prose_doubts import CURRENCIES, UNREAL
from .words import normal

SLACK = 24
"""Characters that a paraphrase may have beside twice those of the value."""

SHUT = r'0-9|;:"\\`~*_<>(){}\[\]$€£%+=@#\x00-\x1f\x7f-\xa0\xb2\xb3\xb9\xbc-\xbe\u2000-\u206f\u3000\ue000-\uf8ff\ufeff'
"""What no paraphrase holds: digits, what formats and amounts are made of, and spaces other than the plain one."""

_BETWEEN = frozenset(" ,.'&/!-")
"""What a paraphrase may have besides letters."""

_OTHER = DENIALS | SCALES | UNREAL | CURRENCIES | {"non"}
"""Words that turn a value round, or make another amount of it; one that the value has itself may stay."""


def room(value: str) -> int:
    """Characters that words for a value may have; 0: it is copied, as are all with a digit.

    Examples
    --------
    >>> room("Comedy"), room("Route 66")
    (36, 0)
    """
    return 2 * len(value) + SLACK if value and not any(map(str.isdigit, value)) else 0


def words_of(events: Iterable[Sequence[str]]) -> tuple[frozenset[str], ...]:
    """For each field the words of its values (escaped): a paraphrase borrows none of them from another event.

    Examples
    --------
    >>> [sorted(words) for words in words_of([("Comedy", "good"), ("Drama", "good")])]
    [['comedy', 'drama'], ['good']]
    """
    columns = zip(*events, strict=True)
    return tuple(frozenset(word for value in column for word in normal(unescape(value))) for column in columns)


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
        and not (set(said) - set(normal(unescape(value)))).intersection(_OTHER.union(others))
    )
