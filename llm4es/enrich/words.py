"""A text as words, and as the units that each speak of one thing: lines, or sentences.

In: any text. Out: words that can be compared whatever their case and punctuation; numbers keep their sign and lose
zeros at their end, a currency and a percent sign are words of their own. Knows nothing of events.
"""

import re
from collections.abc import Sequence
from itertools import pairwise

CURRENCY = "$€£¥₽₹₩₺₴₸₪฿₫₱¢%"

_DASHES = "-\u2012\u2013\u2014\u2212"
_WORD = re.compile(rf"(?<!\w)[{_DASHES}]\d+(?:[.,]\d+)*|[^\W_]+(?:[.,]\d+)*|[{CURRENCY}]")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_THOUSANDS = re.compile(r"-?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_ENDS = re.compile(r"[.!?;][\"'\u201d\u2019)\]*_]*\s|\n")
"""What stands between two words of different sentences."""
_COUNTING = re.compile(r"(?<![^\n])[ \t>*•-]*(\d{1,4})[.):]")

Span = tuple[int, int]
"""The first word and the one behind the last."""


def normal(value: str) -> list[str]:
    """The words of a value: 1,000.50 and 1000.5 are the same, and so are Bad and bad."""
    return [_plain(word) for word in _WORD.findall(value.casefold())]


def is_number(word: str) -> bool:
    """Whether a word is a number."""
    return _NUMBER.fullmatch(word) is not None


def _plain(word: str) -> str:
    word = "-" + word[1:] if word[0] in _DASHES else word
    if _THOUSANDS.fullmatch(word):
        word = word.replace(",", "")
    if not _NUMBER.fullmatch(word):
        return word
    whole, _, fraction = word.partition(".")
    fraction = fraction.rstrip("0")
    return whole + (f".{fraction}" if fraction else "")


class WordIndex:
    """A text's words in order, where each stands, and where sentences end."""

    def __init__(self, text: str) -> None:
        matches = list(_WORD.finditer(text))
        self.text = text
        self.words = [_plain(match[0].casefold()) for match in matches]
        self.spans = [match.span() for match in matches]
        """Of each word in the text, in characters."""
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
        if not value:
            return []
        rarest = min(range(len(value)), key=lambda at: len(self.where.get(value[at], [])))
        starts = (at - rarest for at in self.where.get(value[rarest], []))
        return [at for at in starts if at >= 0 and self.words[at : at + len(value)] == list(value)]

    def sentences(self, whole: Sequence[Span]) -> list[Span]:
        """The sentences, none of which ends inside one of the spans ``whole`` (titles hold points too)."""
        inside = {at for begin, end in whole for at in range(begin + 1, end)}
        ends = [at for at in self._ends if at not in inside]
        return [(begin, end) for begin, end in pairwise([0, *ends, len(self.words)]) if begin < end]

    def counting(self, up_to: int) -> set[int]:
        """The words that number lines: from 1, each one more, or 1 again."""
        begins = {begin: at for at, (begin, _) in enumerate(self.spans)}
        found, last = set(), 0
        for match in _COUNTING.finditer(self.text):
            number = int(match[1])
            if match.start(1) in begins and number in (1, last + 1) and number <= up_to:
                found.add(begins[match.start(1)])
                last = number
        return found

    def is_name(self, at: int) -> bool:
        """Whether a word is written as a name: with a capital, and the one before it in the same breath."""
        begin, end = self.spans[at]
        if not self.text[begin].isupper() or not at:
            return False
        return self.text[self.spans[at - 1][1] : begin].strip(" ,") == "" and end > begin + 1
