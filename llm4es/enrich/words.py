"""A text as words, and as the units that each speak of one thing: lines, or sentences.

In: any text. Out: words that can be compared whatever their case and punctuation; numbers keep their sign and lose what
says nothing. Knows nothing of events.
"""

import re
from collections.abc import Sequence
from itertools import pairwise

_WORD = re.compile(r"(?<!\w)[-\u2212]\d+(?:[.,]\d+)*|[^\W_]+(?:[.,]\d+)*")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_THOUSANDS = re.compile(r"[,](?=\d{3}(?:\D|$))")
_ENDS = re.compile(r"[.!?;][\"'\u201d\u2019)\]*_]*\s|\n")
"""What stands between two words of different sentences."""

Span = tuple[int, int]
"""The first word and the one behind the last."""


def normal(value: str) -> list[str]:
    """The words of a value: 1,000.50 and 1000.5 are the same, and so are Bad and bad."""
    return [_plain(word) for word in _WORD.findall(value.casefold())]


def _plain(word: str) -> str:
    word = _THOUSANDS.sub("", word.replace("\N{MINUS SIGN}", "-"))
    if not _NUMBER.fullmatch(word):
        return word
    sign, digits = ("-", word[1:]) if word.startswith("-") else ("", word)
    whole, _, fraction = digits.partition(".")
    fraction = fraction.rstrip("0")
    return sign + (whole.lstrip("0") or "0") + (f".{fraction}" if fraction else "")


class WordIndex:
    """A text's words in order, where each stands, and where sentences end."""

    def __init__(self, text: str) -> None:
        text = text.casefold()
        matches = list(_WORD.finditer(text))
        self.words = [_plain(match[0]) for match in matches]
        self.where: dict[str, list[int]] = {}
        for at, word in enumerate(self.words):
            self.where.setdefault(word, []).append(at)
        self._ends = [
            at + 1
            for at, (match, following) in enumerate(pairwise(matches))
            if _ENDS.search(text, match.end(), following.start())
        ]

    def find(self, value: Sequence[str]) -> list[int]:
        """Where a run of words begins, each time that it is said."""
        starts = self.where.get(value[0], []) if value else []
        return [at for at in starts if self.words[at : at + len(value)] == list(value)]

    def sentences(self, whole: Sequence[Span]) -> list[Span]:
        """The sentences, none of which ends inside one of the spans ``whole`` (titles hold points too)."""
        inside = {at for begin, end in whole for at in range(begin + 1, end)}
        ends = [at for at in self._ends if at not in inside]
        return [(begin, end) for begin, end in pairwise([0, *ends, len(self.words)]) if begin < end]
