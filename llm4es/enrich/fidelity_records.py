"""Does a rewriting with a line for each event say, field by field, what the events say?

In: events (escaped values), the names of their fields and a text. Out: which events its lines tell, in the order of the
lines, and which lines tell none. A line is an event where every field has its value: by its place under the table's
header, or by its name. Compares values as typed_values does. Knows nothing of prose.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from .record_lines import Cells, Mark, Place, is_named, list_cells, marked, named_places, object_cells, row_cells
from .typed_values import key_of, name_key, readings

BRACKETS = frozenset({"", "[", "]", "[]", "```"})
"""Lines that say nothing."""


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


class _Reader:
    """Reads lines one after another: what a header says holds for the rows behind it."""

    def __init__(self, events: Sequence[Sequence[str]], names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._own = [name_key(name) for name in names]
        self._fields = len(names) or (len(events[0]) if events else 0)
        self._keys = [tuple(map(key_of, event)) for event in events]
        self._reach = [6 * max(map(len, event), default=0) + 64 for event in events]
        self._left = dict.fromkeys(range(len(events)))
        self._order = list(range(self._fields))
        """Which field each column of a table is."""
        self._headed = self._ruled = False
        self._counted = 0
        self._marks: set[str] = set()
        self.told = Told()

    def read(self, text: str) -> Told:
        """All lines."""
        foreign = [line for number, text_ in enumerate(text.split("\n")) if (line := self._one(number, text_))]
        self.told.foreign = [line.number for line in foreign]
        self.told.records = [line.number for line in foreign if self._is_record(line)]
        return self.told

    def _one(self, number: int, text: str) -> _Line | None:
        """A line read; it is given back where it tells no event."""
        text = " ".join(text.split())
        if text.rstrip(",") in BRACKETS:
            return None
        line = self._taken_apart(text, number)
        if not self._headed and self._is_header(line):
            return None
        event = next((at for at in self._left if self._is(line, at)), None)
        if event is not None:
            del self._left[event]
            self.told.order.append(event)
        elif self._is_header(line) or self._is_rule(text):
            return None
        elif any(self._is(line, at) for at in set(self.told.order)):
            self.told.repeated += 1
        else:
            return line
        self._counted = line.mark.number
        self._marks.add(line.mark.kind)
        return None

    def _taken_apart(self, text: str, number: int) -> _Line:
        mark, body = marked(text)
        if mark.number not in (0, 1, self._counted + 1):
            mark, body = Mark(), text  # a number that counts nothing is of the record
        bodies = list(dict.fromkeys((body, text)))
        bodies += [body[:-1].rstrip() for body in bodies if body[-1:] in (".", ";", ",")]
        cells: list[Cells] = []
        for body in bodies:
            cells += [self._in_order(row) for row in row_cells(body, self._fields)]
            cells += list_cells(body, self._fields)
            cells += object_cells(body, self._names)
        return _Line(text, number, mark, bodies, cells, [named_places(body, self._names) for body in bodies])

    def _in_order(self, row: Cells) -> Cells:
        """A row's cells in the order of the fields."""
        return [row[self._order.index(field)] for field in range(self._fields)]

    def _is(self, line: _Line, at: int) -> bool:
        """Whether a line is that event."""
        keys = self._keys[at]

        def says(field: int, told: str) -> bool:
            return keys[field] in readings(told.strip())

        return any(all(map(says, range(len(keys)), cells)) for cells in line.cells) or any(
            is_named(body, places, len(keys), says, self._reach[at])
            for body, places in zip(line.bodies, line.places, strict=True)
        )

    def _is_header(self, line: _Line) -> bool:
        """Whether a line names the fields, each once; the rows behind it then stand in its order."""
        for body in line.bodies:
            for row in row_cells(body, self._fields):
                found = [name_key(cell) for cell in row]
                if found == self._own or (sorted(found) == sorted(self._own) and len(set(found)) == len(found)):
                    plain = found == self._own
                    self._order = list(range(self._fields)) if plain else [self._own.index(name) for name in found]
                    self._headed, self._ruled = True, False
                    return True
        return False

    def _is_rule(self, text: str) -> bool:
        """Whether a line is the dashes under a header; there is one."""
        cells = [cell.strip() for cell in text.strip("|").split("|")]
        is_one = self._headed and not self._ruled and len(cells) == self._fields
        is_one = is_one and all(cell.strip(":") and not cell.strip(":").strip("-") for cell in cells)
        self._ruled |= is_one
        return is_one

    def _is_record(self, line: _Line) -> bool:
        shaped = "|" in line.text or line.text.startswith(("{", "[", '"')) or any(line.places)
        return shaped or (line.mark.kind in self._marks and bool(line.mark.kind))


def read_records(events: Sequence[Sequence[str]], text: str, names: Sequence[str]) -> Told:
    """What the lines of a text tell of the events, which are escaped as in the raw text."""
    return _Reader(events, names).read(text)
