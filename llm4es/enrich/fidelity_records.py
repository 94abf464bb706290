"""Does a rewriting with a line for each event say, field by field, what the events say?

In: events (escaped values), the names of their fields and a text. Out: which events its lines tell, in the order of the
lines, and which lines tell none. A line is an event where every field has its value: by its place under the table's
header, or by its name. Compares values as typed_values does. Knows nothing of prose.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, product
from types import MappingProxyType

from .paraphrase import may_stand_for, room
from .record_lines import (
    DASHES,
    Cells,
    Mark,
    Place,
    is_dashed,
    is_named,
    list_cells,
    marked,
    named_cells,
    named_places,
    object_cells,
    row_cells,
)  # fmt: skip
from .typed_values import is_number, key_of, name_key, readings, spelled

BRACKETS = frozenset({"", "[", "]", "[]", "```"})
"""Lines that say nothing."""

NEXT = 32
"""Events that a line is compared with name by name where its values hold names too."""

RULES = "|-\u2013\u2014=+:_ "
"""What the lines between the rows of a table are made of."""

WAYS = 256
"""Ways in which the escapes of a line's cells may be undone."""


Free = Mapping[int, Collection[str]]
"""Fields that may be said in other words, and the words that no event borrows from another."""

NOTHING_FREE: Free = MappingProxyType({})
"""Every value is copied."""


@dataclass
class Told:
    """What the lines of a rewriting tell."""

    order: list[int] = field(default_factory=list)
    """Events told, line by line."""

    repeated: int = 0
    """Lines that tell an event once more than it happened."""

    foreign: list[int] = field(default_factory=list)
    """Lines that tell no event, from 0."""

    records: list[int] = field(default_factory=list)
    """Those of them that have the form of a record: a row, an object, a field's name, a mark as events have it."""


@dataclass
class _Line:
    """A line, taken apart once whatever it is compared with."""

    text: str
    number: int
    mark: Mark
    bodies: list[str]
    cells: list[Cells]
    places: list[list[Place]]
    dashed: list[bool]


class _Reader:
    """Reads lines one after another: what a header says holds for the rows behind it."""

    def __init__(self, events: Sequence[Sequence[str]], names: Sequence[str], free: Free) -> None:
        self._events, self._free = events, free
        self._names = tuple(names)
        self._own = [name_key(name) for name in names]
        self._fields = len(names) or (len(events[0]) if events else 0)
        self._exact = [_spelling_tells(set(column)) for column in zip(*events, strict=True)]
        """Of each field, whether its values are told apart by what is otherwise another writing of the same."""
        self._keys = [
            tuple(spelled(value) if exact else key_of(value) for value, exact in zip(event, self._exact, strict=True))
            for event in events
        ]
        self._reach = [6 * max(map(len, event), default=0) + 64 for event in events]
        self._left = dict.fromkeys(range(len(events)))
        self._waiting: dict[tuple[str, ...], list[int]] = {}
        for at in reversed(self._left):
            self._waiting.setdefault(self._keys[at], []).append(at)
        self._order = list(range(self._fields))
        """Which field each column of a table is."""
        self._headed = self._ruled = self._told_since = False
        self._turned: _Line | None = None
        """The header of the rows to come, where rows before it stand in another order."""
        self._counted = 0
        self._dashed: bool | None = None
        """Whether dashes stand between the fields of the line before; None: there was none."""
        self._marks: set[str] = set()
        self.told = Told()

    def read(self, text: str) -> Told:
        """All lines."""
        foreign = [line for number, text_ in enumerate(text.split("\n")) if (line := self._one(number, text_))]
        if self._turned:  # no row behind it: it names the columns of those before, and wrongly
            foreign = sorted([*foreign, self._turned], key=lambda line: line.number)
        self.told.foreign = [line.number for line in foreign]
        self.told.records = [line.number for line in foreign if self._is_record(line)]
        return self.told

    def _one(self, number: int, text: str) -> _Line | None:
        """A line read; it is given back where it tells no event."""
        text = " ".join(text.split())
        if text.rstrip(",") in BRACKETS:
            self._dashed = self._dashed if text else None  # another chunk may begin here
            return None
        line = self._taken_apart(text, number)
        if not self._headed and self._begins_table(line):
            return None
        event = self._event(line)
        if event is not None:
            del self._left[event]
            alike = self._waiting[self._keys[event]]
            alike.pop(-1 if alike[-1] == event else alike.index(event))
            self.told.order.append(event)
        elif (self._told_since and self._begins_table(line)) or self._is_rule(text):
            return None
        elif self._is_repeated(line):
            self.told.repeated += 1
        else:
            return line
        self._counted, self._told_since, self._turned = line.mark.number, True, None
        self._marks.add(line.mark.kind)
        self._dashed = any(line.dashed)
        return None

    def _taken_apart(self, text: str, number: int) -> _Line:
        mark, records = marked(text, self._counted)
        bodies = records + [body[:-1].rstrip() for body in records if body[-1:] in (".", ";", ",")]
        cells: list[Cells] = []
        for body in bodies:
            rows, lists = list(row_cells(body, self._fields)), list(list_cells(body, self._fields))
            if not text.startswith(body):  # without its mark
                rows = [row for row in rows if mark.kind not in DASHES or not is_number(row[0].strip())]
            if self._is_signed(mark):
                lists = [row for row in lists if not is_number(row[0].strip())]
            cells += map(self._in_order, [*rows, *lists])
            cells += object_cells(body, self._names)
        places = [named_places(body, self._names) for body in bodies]
        dashed = [
            self._dashed is not False and is_dashed(body, places_, self._fields)
            for body, places_ in zip(bodies, places, strict=True)
        ]
        for body, found, by_dashes in zip(bodies, places, dashed, strict=True):
            cells += named_cells(body, found, self._fields, by_dashes)
        return _Line(text, number, mark, bodies, cells, places, dashed)

    def _is_signed(self, mark: Mark) -> bool:
        """Whether a dash, or none, may be a number's sign: other lines begin otherwise."""
        return bool(self._marks - {mark.kind}) and not DASHES.isdisjoint(self._marks | {mark.kind})

    def _in_order(self, row: Cells) -> Cells:
        """A row's cells in the order of the fields."""
        return [row[self._order.index(field)] for field in range(self._fields)]

    def _event(self, line: _Line) -> int | None:
        """Which event that has not been told yet a line is; None: none."""
        for keys in self._readings(line):
            if self._waiting.get(keys):
                return self._waiting[keys][-1]
        following = list(islice(self._left, NEXT))
        named = next((at for at in following if self._names_all(line, at)), None)
        if named is not None or not self._free:
            return named
        return next((at for at in following if any(self._stands_for(cells, at) for cells in line.cells)), None)

    def _stands_for(self, cells: Cells, at: int) -> bool:
        """Whether cells are that event, with other words where it may be said in such."""
        told = zip(map(str.strip, cells), self._events[at], self._keys[at], strict=True)
        return all(
            key in readings(cell)
            or (field in self._free and len(cell) < room(value) and may_stand_for(cell, value, self._free[field]))
            for field, (cell, value, key) in enumerate(told)
        )

    def _is_repeated(self, line: _Line) -> bool:
        """Whether a line is an event that has been told as often as it happened."""
        return any(keys in self._waiting for keys in self._readings(line)) or any(
            self._names_all(line, at) for at in self.told.order[-NEXT:]
        )

    def _names_all(self, line: _Line, at: int) -> bool:
        """Whether a line is that event, name by name, though its values may hold what looks like names."""
        keys = self._keys[at]
        return any(
            len(places) > len(keys)
            and is_named(
                body,
                places,
                len(keys),
                lambda field, told: keys[field] in self._of(field, told),
                self._reach[at],
                dashed,
            )
            for body, places, dashed in zip(line.bodies, line.places, line.dashed, strict=True)
        )

    def _begins_table(self, line: _Line) -> bool:
        """Whether a line is a header; it is remembered where rows before it stand in another order."""
        before = self._order
        if not self._is_header(line):
            return False
        self._turned = line if self.told.order and self._order != before else None
        return True

    def _is_header(self, line: _Line) -> bool:
        """Whether a line names the fields, each once; the rows behind it then stand in its order."""
        for body in line.bodies:
            for row in row_cells(body, self._fields):
                found = [name_key(cell) for cell in row]
                if found == self._own or (sorted(found) == sorted(self._own) and len(set(found)) == len(found)):
                    plain = found == self._own
                    self._order = list(range(self._fields)) if plain else [self._own.index(name) for name in found]
                    self._headed, self._ruled, self._told_since = True, False, False
                    return True
        return False

    def _is_rule(self, text: str) -> bool:
        """Whether a line is the dashes under a header; there is one."""
        cells = [cell.strip() for cell in text.strip("|").split("|")]
        is_one = self._headed and not self._ruled and len(cells) == self._fields
        is_one = is_one and all(cell.strip(":") and not cell.strip(":").strip("-\u2013\u2014") for cell in cells)
        self._ruled |= is_one
        return is_one

    def _is_record(self, line: _Line) -> bool:
        shaped = "|" in line.text or line.text.startswith(("{", "[", '"')) or any(line.places)
        shaped &= bool(line.text.strip(RULES))
        return shaped or (line.mark.kind in self._marks and bool(line.mark.kind))

    def _readings(self, line: _Line) -> Iterator[tuple[str, ...]]:
        """The keys of the events that a line may be."""
        for cells in line.cells:
            yield from islice(product(*(self._of(field, cell.strip()) for field, cell in enumerate(cells))), WAYS)

    def _of(self, field: int, told: str) -> frozenset[str]:
        return readings(told, self._exact[field])


def _spelling_tells(values: set[str]) -> bool:
    """Whether values of a field differ in case, quotes or zeros alone: versions 1.1 and 1.10, codes aB and Ab."""
    return len(set(map(key_of, values))) < len(set(map(spelled, values)))


def read_records(events: Sequence[Sequence[str]], text: str, names: Sequence[str], free: Free = NOTHING_FREE) -> Told:
    """What the lines of a text tell of the events, which are escaped as in the raw text; ``free`` fields in any words
    that may stand for their values."""
    return _Reader(events, names, free).read(text)
