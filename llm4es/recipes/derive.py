"""Columns that are computed after the events are in order: positions, times' parts, gaps, and names for codes.

In: batches of one dataset's events, sorted by entity and time. Out: the same rows with further columns. Carries what
the last row of a batch means for the next one. Knows nothing of files.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..core.decimals import plain_numbers
from ..core.schemas import EVENT_KEYS, TIME
from .model import Derive, FieldSpec, FieldType

NAIVE = pa.timestamp("us")
"""A time whose zone is left out because it is always UTC: what Arrow computes on without a zone database."""

WEEKDAYS = pa.array(["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"])

TYPES = {
    FieldType.TEXT: pa.string(),
    FieldType.INTEGER: pa.int64(),
    FieldType.NUMBER: pa.float64(),
    FieldType.DATE: pa.date32(),
    FieldType.DATETIME: TIME,
}
"""The column type of each field type."""


@dataclass(frozen=True)
class TimePart:
    """A field that is a function of an event's time and the time before it."""

    type: pa.DataType
    of: Callable[[pa.Array, pa.Array], pa.Array]
    """(times, times of the entity's previous events) to values; both without zone."""


def _gap(unit_us: int) -> Callable[[pa.Array, pa.Array], pa.Array]:
    """Whole units between an event and the one before it."""

    def gap(times: pa.Array, previous: pa.Array) -> pa.Array:
        distance = pc.subtract(times.cast(pa.int64()), previous.cast(pa.int64()))  # microseconds
        return pc.divide(distance, pa.scalar(unit_us, pa.int64()))

    return gap


HOUR_US = 3600 * 1_000_000

GAP_US = {Derive.GAP_DAYS: 24 * HOUR_US, Derive.GAP_HOURS: HOUR_US}
"""The fields that need the time of the event before, and their units in microseconds."""

PARTS = {
    Derive.DATE: TimePart(pa.date32(), lambda times, _: times.cast(pa.date32(), safe=False)),
    Derive.WEEKDAY: TimePart(pa.string(), lambda times, _: WEEKDAYS.take(pc.day_of_week(times))),
    Derive.MONTH: TimePart(pa.string(), lambda times, _: pc.strftime(times, "%Y-%m")),
    Derive.HOUR: TimePart(pa.int64(), lambda times, _: pc.hour(times)),
    Derive.TIME: TimePart(pa.string(), lambda times, _: pc.strftime(times, "%H:%M")),
    Derive.GAP_DAYS: TimePart(pa.int64(), _gap(GAP_US[Derive.GAP_DAYS])),
    Derive.GAP_HOURS: TimePart(pa.int64(), _gap(GAP_US[Derive.GAP_HOURS])),
}
"""The fields that are taken from times."""

LOGARITHMS = {Derive.LOG: pa.float64(), Derive.LOG_INTEGER: pa.int64()}
"""The fields that are a logarithm of a number, computed where the number is read."""


def column_type(field: FieldSpec) -> pa.DataType:
    """The type of a field's column."""
    if field.derive in PARTS:
        return PARTS[field.derive].type
    return LOGARITHMS[field.derive] if field.derive is not None else TYPES[field.type]


def events_schema(fields: Sequence[FieldSpec]) -> pa.Schema:
    """The keys of events, then one typed column a field."""
    return pa.schema([*EVENT_KEYS, *((field.name, column_type(field)) for field in fields)])


def _as_text(values: pa.Array) -> pa.Array:
    """Numbers as texts; those that missing values have made floats stay whole."""
    return plain_numbers(values) if pa.types.is_floating(values.type) else values.cast(pa.string())


def _written(field: FieldSpec, values: pa.Array) -> pa.Array:
    """A field's values as its column has them."""
    return _as_text(values) if column_type(field) == pa.string() else values


@dataclass
class EventBuilder:
    """Turns sorted rows into events, batch after batch. A row's ``number`` says which of ``entities`` it is of."""

    dataset: str
    fields: Sequence[FieldSpec]
    names: dict[str, dict[str, str]]
    """Of each field with names: code to name."""
    entities: pa.Array
    """Ids, in order."""
    unknown: dict[str, int] = field(default_factory=dict)
    """Of each field with names: values met whose code has none."""
    met: dict[str, int] = field(default_factory=dict)
    """The same of all values."""
    strange: dict[str, str] = field(default_factory=dict)
    """Of each field with names: the first code that has none."""
    _entity: int = -1
    _position: int = -1
    _time: int | None = None

    def events(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The events of all batches, in the columns of ``events_schema``."""
        schema = events_schema(self.fields)
        for batch in batches:
            if batch.num_rows:
                yield self._events(batch).cast(schema)

    def _events(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        numbers, times = batch["number"].to_numpy(), batch["event_time"]
        first = np.diff(numbers, prepend=self._entity) != 0  # the row is its entity's first
        position = self._positions(first)
        previous = self._previous(times, first)
        columns = {
            "dataset": pa.repeat(self.dataset, len(numbers)),
            "entity_id": self.entities.take(batch["number"]),
            "position": pa.array(position, pa.int32()),
            "event_time": times.cast(TIME),
        }
        for spec in self.fields:
            if spec.derive in PARTS:
                columns[spec.name] = PARTS[spec.derive].of(times, previous)
            elif spec.name in self.names:
                columns[spec.name] = self._named(spec.name, batch[f"f_{spec.name}"])
            else:
                columns[spec.name] = _written(spec, batch[f"f_{spec.name}"])
        self._entity, self._position = int(numbers[-1]), int(position[-1])
        self._time = times[-1].cast(pa.int64()).as_py()
        return pa.RecordBatch.from_pydict(columns)

    def _positions(self, first: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        """0, 1, 2, ... for each entity, counting on from the last batch."""
        rows = np.arange(len(first))
        begins = np.maximum.accumulate(np.where(first, rows, -1))
        return np.where(begins < 0, rows + self._position + 1, rows - begins)

    def _previous(self, times: pa.Array, first: npt.NDArray[np.bool_]) -> pa.Array:
        """The time of the entity's previous event; null for its first. Without zone."""
        if not any(spec.derive in GAP_US for spec in self.fields):
            return times
        before = pa.concat_arrays([pa.array([self._time], pa.int64()), times.cast(pa.int64()).slice(0, len(times) - 1)])
        return pc.if_else(pa.array(first), pa.scalar(None, pa.int64()), before).cast(NAIVE)

    def _named(self, name: str, codes: pa.Array) -> pa.Array:
        """Names for codes; a code without a name stays as it is, and is counted."""
        known = self.names[name]
        there, said = (pa.array(list(each), pa.string()) for each in (known, known.values()))
        encoded = codes.dictionary_encode()
        distinct = _as_text(encoded.dictionary)
        index = pc.index_in(distinct, there)
        self.met[name] = self.met.get(name, 0) + len(codes) - codes.null_count
        if index.null_count:
            strange = pc.is_null(index).take(encoded.indices)
            self.unknown[name] = self.unknown.get(name, 0) + (pc.sum(strange).as_py() or 0)
            self.strange.setdefault(name, distinct.filter(pc.is_null(index))[0].as_py())
        return pc.coalesce(said.take(index), distinct).take(encoded.indices)
