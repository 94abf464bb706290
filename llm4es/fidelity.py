"""Does a rewriting say what the events say?

In: events (their values) and a text that a language model made of them. Out: which share of the events survived, and
the reasons to refuse the text. Compares characters, not meanings: a value counts as kept where it stands in the part
of the text that speaks of its event. Knows nothing of models.
"""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from .escape import unescape

MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip

FEW = 12
"""A field with at most so many different values in a history is a choice: another one of them is an alteration."""

_WORD = re.compile(r"[^\W_]+(?:[.,]\d+)*")
_NUMBER = re.compile(r"\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")
_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?: .*)?")
_NUMBERING = re.compile(r"^\W*(\d{1,4})[.):]", re.MULTILINE)


@dataclass(frozen=True)
class Fidelity:
    """What became of the events of one rewriting."""

    events: int
    """Events that went in."""

    kept: int
    """Events all of whose values stand together in the text."""

    altered: int
    """Events that the text tells with another value in place of their own."""

    repeated: int
    """Times that an event is told more often than it happened; counted in line-by-line rewritings."""

    numbers_kept: float
    """Share of the numbers that survive, 0..1; 1 where there are none."""

    invented: tuple[str, ...]
    """Numbers in the text that no event has, in order."""

    finished: bool
    """False: the model was cut off by the token limit."""

    @property
    def score(self) -> float:
        """Share of events kept, 0..1."""
        return self.kept / self.events if self.events else 1.0

    def refusal(self, min_fidelity: float) -> str | None:
        """Why the text is not good enough; None: it is."""
        if not self.finished:
            return "cut off by --max-new-tokens"
        if self.altered:
            return f"{self.altered} of {self.events} events altered"
        if self.invented:
            return f"numbers invented: {', '.join(self.invented[:3])}"
        if self.repeated:
            return f"events told {self.repeated} times too often"
        if self.score < min_fidelity:
            return f"{self.kept} of {self.events} events kept"
        return None


def check(events: Sequence[Sequence[str]], text: str, *, finished: bool = True, by_line: bool = False) -> Fidelity:
    """Compare a text with the events (escaped values) that it was made of. ``by_line``: each event has its line."""
    rows = [[unescape(value) for value in event] for event in events]
    words = _Words(text)
    anchors = _anchors(rows, words)
    places = _places(anchors, words)
    kept = altered = 0
    choices = _choices(rows)
    for at, row in enumerate(rows):
        if places[at] is None:
            continue
        part = _part(at, places, words, by_line=by_line)
        missing = [i for i, value in enumerate(row) if not _says(part, value)]
        kept += not missing
        altered += any(_says(part, other) for i in missing for other in choices[i] if other != row[i])
    said, numbers = _numbers(text, len(rows)), Counter(_source_numbers(rows))
    return Fidelity(
        events=len(rows),
        kept=kept,
        altered=altered,
        repeated=_repeated(anchors, words) if by_line else 0,
        numbers_kept=sum(number in said for number in numbers) / len(numbers) if numbers else 1.0,
        invented=tuple(dict.fromkeys(number for number in said if number not in numbers and number != str(len(rows)))),
        finished=finished,
    )


class _Words:
    """A text as words in lower case, and where each line begins."""

    def __init__(self, text: str) -> None:
        self.words: list[str] = []
        self.line_starts: list[int] = []
        self.where: dict[str, list[int]] = {}
        for line in text.splitlines():
            self.line_starts.append(len(self.words))
            self.words += normal(line)
        for at, word in enumerate(self.words):
            self.where.setdefault(word, []).append(at)

    def find(self, value: list[str]) -> list[int]:
        """Where a run of words stands."""
        starts = self.where.get(value[0], []) if value else []
        return [at for at in starts if self.words[at : at + len(value)] == value]

    def line(self, at: int) -> tuple[int, int]:
        """The words of the line that a word is in."""
        number = bisect_right(self.line_starts, at)
        end = self.line_starts[number] if number < len(self.line_starts) else len(self.words)
        return self.line_starts[number - 1], end


def normal(value: str) -> list[str]:
    """The words of a value, without case and punctuation; 1,000.50 and 1000.50 are the same."""
    return [re.sub(r",(?=\d{3})", "", word) for word in _WORD.findall(value.casefold())]


def _anchors(rows: Sequence[Sequence[str]], words: _Words) -> list[list[str]]:
    """For each event, the words of the value that fewest others share; of several, the longest that is told."""
    columns = [Counter(column) for column in zip(*rows, strict=True)]
    anchors = []
    for row in rows:
        shared = [(columns[at][value], value) for at, value in enumerate(row) if normal(value)]
        rarest = [value for count, value in shared if count == min(shared)[0]]
        rarest.sort(
            key=lambda value: (not words.find(normal(value)), not re.search(r"[^\W\d_]", value), -len(value), value)
        )
        anchors.append(normal(rarest[0]) if rarest else [])
    return anchors


def _places(anchors: Sequence[list[str]], words: _Words) -> list[int | None]:
    """Where each event is told: after the one before it if it can be, else anywhere that is not taken."""
    taken: set[int] = set()
    places: list[int | None] = []
    last = -1
    for anchor in anchors:
        free = [at for at in words.find(anchor) if at not in taken]
        place = next((at for at in free if at > last), free[0] if free else None)
        if place is not None:
            taken.add(place)
            last = place
        places.append(place)
    return places


def _part(at: int, places: Sequence[int | None], words: _Words, *, by_line: bool) -> str:
    """The words that speak of one event: its line, or all between its neighbours' anchors. Spaces around each word."""
    place = places[at] or 0
    begin, end = words.line(place)
    if not by_line:
        others = [other for other in places if other is not None and other != place]
        begin = max((other + 1 for other in others if other < place), default=0)
        end = min((other for other in others if other > place), default=len(words.words))
    return f" {' '.join(words.words[begin:end])} "


def _says(part: str, value: str) -> bool:
    """Whether a part holds a value; a date also as day, month's name and year."""
    if f" {' '.join(normal(value))} " in part or not normal(value):
        return True
    if date := _DATE.fullmatch(value):
        year, month, day = date[1], MONTHS[int(date[2]) - 1] if 1 <= int(date[2]) <= 12 else "", int(date[3])
        days = {f" {day} ", f" {day:02} ", f" {day}th ", f" {day}st ", f" {day}nd ", f" {day}rd "}
        return f" {year} " in part and f" {month}" in part and any(form in part for form in days)
    return False


def _choices(rows: Sequence[Sequence[str]]) -> list[set[str]]:
    """For each field, the values that stand in place of one another; none where a field has too many."""
    columns = [set(column) for column in zip(*rows, strict=True)]
    return [column if len(column) <= min(FEW, len(rows) - 1) else set() for column in columns]


def _source_numbers(rows: Sequence[Sequence[str]]) -> list[str]:
    """The numbers in the events, in the form in which they are compared."""
    return [_number(number) for row in rows for value in row for number in _NUMBER.findall(value)]


def _numbers(text: str, events: int) -> list[str]:
    """The numbers in a text but for those that number its lines."""
    counting = {str(number) for number in range(1, events + 1)}
    text = _NUMBERING.sub(lambda found: "" if found[1] in counting else found[0], text)
    return [_number(number) for number in _NUMBER.findall(text)]


def _number(text: str) -> str:
    """A number without thousands separators and without zeros that say nothing."""
    whole, _, fraction = text.replace(",", "").partition(".")
    fraction = fraction.rstrip("0")
    return (whole.lstrip("0") or "0") + (f".{fraction}" if fraction else "")


def _repeated(anchors: Sequence[list[str]], words: _Words) -> int:
    """How often events are told beyond the times they happened; one that is part of another's anchor is not counted."""
    counts = Counter(" ".join(anchor) for anchor in anchors if anchor)
    alone = [text for text in counts if not any(f" {text} " in f" {other} " for other in counts if other != text)]
    return sum(max(0, len(words.find(text.split(" "))) - counts[text]) for text in alone)
