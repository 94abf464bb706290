"""Events that no text can be made of: refused before they are written down wrong.

In: record batches of events. Out: the same batches, or one line that says which column or entity is to blame and what
to do. What the last row of a batch means for the next one is carried over; nothing else is kept.
"""

from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from ..core.errors import DataError, nearest
from ..core.schemas import EVENT_KEYS
from ..recipes import FieldSpec
from ..recipes.derive import events_schema

SORT = "sort the events by entity_id and event_time, as read_events does"


def checked(batches: Iterable[pa.RecordBatch], fields: Sequence[FieldSpec]) -> Iterator[pa.RecordBatch]:
    """The batches that have rows, after a look at their columns and at the order of their rows."""
    wanted = events_schema(fields)
    schema: pa.Schema | None = None
    before: pa.RecordBatch | None = None  # the row before the batch
    for batch in batches:
        if not isinstance(batch, pa.RecordBatch):
            raise DataError(f"events are batches of {type(batch).__name__}: give record batches, as table.to_batches()")
        if batch.schema != schema:
            _check_columns(batch.schema, wanted)
            schema = batch.schema
        if batch.num_rows:
            keys = batch.select([name for name in ("entity_id", "event_time") if name in batch.schema.names])
            same_keys = before is not None and before.schema.equals(keys.schema)
            _check_order(pa.concat_batches([before, keys]) if same_keys else keys)
            before = keys.slice(batch.num_rows - 1)
            yield batch


def _check_columns(schema: pa.Schema, wanted: pa.Schema) -> None:
    """The columns that a text is made of are there, and of the types that the recipe says."""
    for field in wanted:
        needed = field.name in ("dataset", "entity_id") or field.name not in EVENT_KEYS.names
        if field.name not in schema.names:
            if needed:
                raise DataError(f"events have no column {field.name!r}: {nearest(field.name, schema.names)}")
        elif schema.field(field.name).type != field.type:
            what = f"events: column {field.name!r} is of type {schema.field(field.name).type}, not {field.type}"
            raise DataError(f"{what}: cast it, or read the events by read_events")


def _check_order(keys: pa.RecordBatch) -> None:
    """Each entity's rows stand together, entities ascend, and times do not go back within one."""
    ids = keys["entity_id"]
    if ids.null_count:
        raise DataError("events: an entity_id is null: leave such rows out")
    earlier, later = ids.slice(0, len(ids) - 1), ids.slice(1)
    if (at := pc.index(pc.less(later, earlier), True).as_py()) >= 0:
        raise DataError(f"events of entity {later[at].as_py()!r} come behind those of {earlier[at].as_py()!r}: {SORT}")
    if "event_time" not in keys.schema.names or keys["event_time"].null_count == len(ids):
        return
    times = keys["event_time"]
    back = pc.and_(pc.less(times.slice(1), times.slice(0, len(ids) - 1)), pc.equal(later, earlier))
    if (at := pc.index(back, True).as_py()) >= 0:
        raise DataError(f"events of entity {later[at].as_py()!r} are out of order in time: {SORT}")
