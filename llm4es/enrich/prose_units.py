"""The sentences of prose that speak of one event.

In: a text's words, where values are said, and which values tell an event from others. Out: whether the sentences
around a value tell all of an event; what they say besides. Knows nothing of dates with names of months.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence, Set

from .words import Span, WordIndex

Words = tuple[str, ...]
Row = tuple[Words, ...]
"""An event as the words of its values."""

BESIDE = 8
"""Sentences before and behind the one that an event is known by which may speak of it."""

OWN_WORDS = 12
"""Words besides the events' values that a sentence may have, and as many more for each event that it tells ..."""

OWN_WORDS_A_FIELD = 4
"""... as this and its fields make."""


BRIDGES = (["of"], ["was"], ["is"], ["were"], ["at"], ["as"], ["to"], ["being"], ["the"], ["a"])
"""Words that stand between the name of a field and its value."""


def is_date(value: Words) -> bool:
    """Whether words are a year, a month and a day."""
    numbers = [int(word) for word in value if word.isdecimal()]
    return len(value) == len(numbers) == 3 and numbers[0] >= 1000 and 1 <= numbers[1] <= 12 and 1 <= numbers[2] <= 31


class Units:
    """The words that speak of one event: the sentence of its anchor, and those beside it that are of no other event."""

    def __init__(self, index: WordIndex, sayings: dict[Words, list[tuple[int, ...]]], telling: set[Words]) -> None:
        self._telling = sorted((run[0], value) for value in telling for run in sayings.get(value, []))
        """Where the values are said that are of one event alone."""
        self._sentences = index.sentences([(min(run), max(run) + 1) for runs in sayings.values() for run in runs])
        self._begins = [begin for begin, _ in self._sentences]
        self._places = {value: [run[0] for run in runs] for value, runs in sayings.items()}
        self._said = sorted((run[0], value) for value, runs in sayings.items() for run in runs)
        self._value_at = dict(self._said)
        self._index = index
        self._fields = 0
        self._rows: dict[int, list[Row]] = {}
        """By sentence, the events that are told in it or beside it."""
        self._anchored: Counter[int] = Counter()
        """By sentence, the events that are known by it."""

    def told(self, at: int, row: Row) -> None:
        """Take note that an event is told around its anchor."""
        first, last = self._unit(at, row)
        for number in range(first, last + 1):
            self._rows.setdefault(number, []).append(row)
        self._anchored[self._sentence(at)] += 1
        self._fields = len(row)

    def out_of_place(self, said: set[int], named: set[str], free_form: bool) -> list[str]:
        """Values said where no event has them, dates apart where none is told; and sentences with too much besides."""
        found = []
        for number, (begin, end) in enumerate(self._sentences[: len(self._sentences) - free_form]):
            allowed = {value for row in self._rows.get(number, []) for value in row}
            for _, value in self._in(self._said, number):
                if (
                    value not in allowed
                    and not named.issuperset(value)
                    and (number in self._anchored or not is_date(value))
                ):
                    found.append(" ".join(value))
            more = sum(at not in said for at in range(begin, end))
            if more > OWN_WORDS + OWN_WORDS_A_FIELD * self._fields * max(1, self._anchored[number]):
                found.append(f"{more} words in one sentence")
        return found

    def named(self, titles: Sequence[Words], said: set[int]) -> list[tuple[int, range, int]]:
        """Where a value is said right behind the name of a field: the field, the words between, the value's first."""
        found = []
        for field, title in enumerate(titles):
            for at in self._index.find(title):
                name = range(at, at + len(title))
                behind = name.stop
                while (
                    behind - name.stop < 2 and behind not in said and self._index.words[behind : behind + 1] in BRIDGES
                ):
                    behind += 1
                if behind in self._value_at and said.isdisjoint(name):
                    found.append((field, name, behind))
        return found

    def misnamed(self, titles: Sequence[Words], named: Sequence[tuple[int, range, int]]) -> list[str]:
        """Values said right behind the name of a field in which no event told there has them."""
        values = self._value_at
        return [
            " ".join((*titles[field], *values[behind]))
            for field, name, behind in named
            if (rows := self._rows.get(self._sentence(name.start)))
            and all(row[field] != values[behind] for row in rows)
        ]

    def telling(self) -> list[Span]:
        """The sentences in which events are told."""
        return [self._sentences[number] for number in sorted(self._rows) if self._in(self._said, number)]

    def beside(self, free_form: bool) -> tuple[Span, ...]:
        """The characters of sentences without any event's value; the last one stays in free form."""
        spans = self._index.spans
        ends = [spans[begin][0] for begin, _ in self._sentences[1:]] + [len(self._index.text)]
        begins = [0, *ends[:-1]]
        return tuple(
            (begins[number], ends[number])
            for number in range(len(self._sentences) - free_form)
            if not self._in(self._said, number)
        )

    def tells(self, at: int, row: Row, columns: Sequence[Counter[Words]]) -> bool:
        """Whether the unit around an anchor holds all of an event; a date holds for what follows it, until another."""
        first, last = self._unit(at, row)
        begin, end = self._sentences[first][0], self._sentences[last][1]
        needed = Counter(value for value in row if value)
        for value, times in needed.items():
            if self._count(value, begin, end) >= times:
                continue
            others = columns[row.index(value)]
            if not is_date(value) or any(self._count(other, begin, end) for other in others):
                return False
            until = {other: bisect_left(self._places.get(other, []), begin) for other in others}
            before = {self._places[other][number - 1]: other for other, number in until.items() if number}
            if not before or before[max(before)] != value:
                return False
        return True

    def _count(self, value: Words, begin: int, end: int) -> int:
        places = self._places.get(value, [])
        return bisect_left(places, end) - bisect_left(places, begin)

    def _sentence(self, at: int) -> int:
        return max(0, bisect_left(self._begins, at + 1) - 1)

    def _unit(self, at: int, row: Row) -> Span:
        """The first and the last sentence that may speak of an event."""
        own = first = last = self._sentence(at)
        others = set(row) - {self._value_at.get(at, ())}  # where it is said once more, another event is told
        while first > max(0, own - BESIDE) and not self._of_another(first - 1, others):
            first -= 1
        while last + 1 < min(len(self._sentences), own + BESIDE) and not self._of_another(last + 1, others):
            last += 1
        return first, last

    def _of_another(self, number: int, values: Set[Words]) -> bool:
        return any(value not in values for _, value in self._in(self._telling, number))

    def _in(self, values: list[tuple[int, Words]], number: int) -> list[tuple[int, Words]]:
        """Those of the values that are said in a sentence."""
        begin, end = self._sentences[number]
        return values[bisect_left(values, (begin,)) : bisect_left(values, (end,))]
