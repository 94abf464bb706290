"""Does free prose say what the events say?

In: events as the words of their values, and a text. Out: how many events it tells, how many with a value of their own
missing, how many once more. An event is known by its rarest value; the sentence that says it, and those beside it that
are of no other event, must say all the others too, each word for one value only. Invented numbers are not its affair.
"""

import html
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence

from .words import Span, WordIndex

MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip

ORDERS = ((-1, 1), (1, 2), (1, -1), (-2, 1))
"""Where day and year stand beside a month: 4 May 1998; May 4, 1998; 1998 May 4; 4th of May 1998."""

Words = tuple[str, ...]
Row = tuple[Words, ...]


def check_prose(rows: Sequence[Row], text: str) -> tuple[int, int, int]:
    """Events kept, told without one of their values, and told once more."""
    index = WordIndex(html.unescape(text))
    columns = [Counter(column) for column in zip(*rows, strict=True)]
    source = Counter(value for row in rows for value in row if value)
    sayings = _sayings(set(source), index)
    anchors = [_anchor(row, columns) for row in rows]
    free = {anchor: [places[0] for places in sayings.get(anchor, [])] for anchor in set(anchors)}
    units = _Units(index, sayings, {value for value, times in source.items() if times == 1} | set(anchors))
    kept = altered = 0
    untold = []
    for row, anchor in zip(rows, anchors, strict=True):
        place = next((at for at in free[anchor] if units.tells(at, row, columns)), None)
        if place is not None or not anchor:  # without any word there is nothing that could be lost
            kept += 1
        elif free[anchor]:
            altered += 1
        else:
            untold.append(row)
        if free[anchor]:
            free[anchor].remove(free[anchor][0] if place is None else place)
    less = {value for value, times in source.items() if len(sayings[value]) < times}
    # an event that was left out is missing with all of its values; where one is told as often as ever, it was altered
    altered += sum(any(value and value not in less for value in row) for row in untold)
    again = sum(units.tells(at, row, columns) for row in set(rows) for at in free[_anchor(row, columns)])
    return kept, altered, again


def _anchor(row: Row, columns: Sequence[Counter[Words]]) -> Words:
    """The value that an event is known by: the rarest, of several that of the field with the most different ones."""
    ranked = [
        (columns[at][value], -len(columns[at]), -len(" ".join(value)), value) for at, value in enumerate(row) if value
    ]
    return min(ranked)[-1] if ranked else ()


def _sayings(values: set[Words], index: WordIndex) -> dict[Words, list[tuple[int, ...]]]:
    """The words that say each value, every time; one that is part of a longer one's saying is not said there."""
    taken: set[int] = set()
    sayings: dict[Words, list[tuple[int, ...]]] = {}
    for value in sorted(values, key=lambda value: (-len(value), value)):
        runs = [tuple(range(at, at + len(value))) for at in index.find(value)]
        sayings[value] = []
        for places in sorted(runs + _dates(value, index)):
            if taken.isdisjoint(places):
                taken.update(places)
                sayings[value].append(places)
    return sayings


def _dates(value: Words, index: WordIndex) -> list[tuple[int, ...]]:
    """Where a date is said with its month's name."""
    if not _is_date(value):
        return []
    year, month, day = (int(number) for number in value)
    name = MONTHS[month - 1]
    days = {str(day), *(f"{day}{ending}" for ending in ("st", "nd", "rd", "th"))}
    runs = []
    for at in sorted(index.where.get(name, []) + (index.where.get(name[:3], []) if name != "may" else [])):
        for of_day, of_year in ORDERS:
            places = sorted((at + of_day, at, at + of_year))
            if places[0] < 0 or places[2] >= len(index.words):
                continue
            if index.words[at + of_day] in days and index.words[at + of_year] == str(year):
                runs.append(tuple(range(places[0], places[2] + 1)))
    return runs


def _is_date(value: Words) -> bool:
    """Whether words are a year, a month and a day."""
    numbers = [int(word) for word in value if word.isdecimal()]
    return len(value) == len(numbers) == 3 and numbers[0] >= 1000 and 1 <= numbers[1] <= 12 and 1 <= numbers[2] <= 31


class _Units:
    """The words that speak of one event: the sentence of its anchor, and those beside it that are of no other event."""

    def __init__(self, index: WordIndex, sayings: dict[Words, list[tuple[int, ...]]], telling: set[Words]) -> None:
        self._telling = sorted((run[0], value) for value in telling for run in sayings.get(value, []))
        """Where the values are said that are of one event alone."""
        self._sentences = index.sentences([(min(run), max(run) + 1) for runs in sayings.values() for run in runs])
        self._begins = [begin for begin, _ in self._sentences]
        self._places = {value: [run[0] for run in runs] for value, runs in sayings.items()}

    def tells(self, at: int, row: Row, columns: Sequence[Counter[Words]]) -> bool:
        """Whether the unit around an anchor holds all of an event; a date holds for what follows it, until another."""
        begin, end = self._unit(at, row)
        needed = Counter(value for value in row if value)
        for value, times in needed.items():
            if self._count(value, begin, end) >= times:
                continue
            others = columns[row.index(value)]
            if not _is_date(value) or any(self._count(other, begin, end) for other in others):
                return False
            last = {other: bisect_left(self._places.get(other, []), begin) for other in others}
            before = {self._places[other][number - 1]: other for other, number in last.items() if number}
            if not before or before[max(before)] != value:
                return False
        return True

    def _count(self, value: Words, begin: int, end: int) -> int:
        places = self._places.get(value, [])
        return bisect_left(places, end) - bisect_left(places, begin)

    def _unit(self, at: int, row: Row) -> Span:
        first = last = max(0, bisect_left(self._begins, at + 1) - 1)
        while first > 0 and not self._of_another(first - 1, row):
            first -= 1
        while last + 1 < len(self._sentences) and not self._of_another(last + 1, row):
            last += 1
        return self._sentences[first][0], self._sentences[last][1]

    def _of_another(self, number: int, row: Row) -> bool:
        begin, end = self._sentences[number]
        values = self._telling[bisect_left(self._telling, (begin,)) : bisect_left(self._telling, (end,))]
        return any(value not in row for _, value in values)
