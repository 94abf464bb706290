"""Hashes of histories: the events themselves, as they are kept beside the texts for baselines, SQL and reports.

In: batches of whole entities' events. Out: the same rows with a hash of each entity's history. Knows nothing of texts
and stores.
"""

import hashlib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..core.entities import by_distinct, entity_starts
from ..core.schemas import EVENT_KEYS

_NULL, _BETWEEN, _END = "\x00", "\x1f", "\x1e"
"""Marks of a missing value, between two values, and between two events: none of them can stand in for another."""


def with_hashes(events: pa.RecordBatch) -> pa.Table:
    """The events with a hash of the history that each is part of.

    Parameters
    ----------
    events : pyarrow.RecordBatch
        Whole entities, sorted by entity and time, in the columns of ``recipes.derive.events_schema``.

    Returns
    -------
    pyarrow.Table
        One more column, ``source_hash``: SHA-256 over the times and fields of all events of the entity, 64 digits. A
        dictionary: they would be the larger part of the events.
    """
    starts = entity_starts(events["entity_id"])
    counts = np.diff(np.append(starts, events.num_rows))
    values = [events[name] for name in events.schema.names if name not in EVENT_KEYS.names or name == "event_time"]
    lines = pc.binary_join_element_wise(*map(_marked, values), _BETWEEN)
    offsets = pa.array(np.append(starts, events.num_rows), pa.int32())
    histories = pc.binary_join(pa.ListArray.from_arrays(offsets, lines), _END)
    hashes = [hashlib.sha256(history).hexdigest() for history in histories.cast(pa.binary()).to_pylist()]
    rows = np.repeat(np.arange(len(starts), dtype=np.int32), counts)
    column = pa.DictionaryArray.from_arrays(pa.array(rows), pa.array(hashes, pa.string()))
    return pa.Table.from_batches([events]).append_column("source_hash", column)


def histories(events: pa.Table) -> pa.Table:
    """The ``entity_id`` and ``source_hash`` of each entity: its first row stands for it.

    Parameters
    ----------
    events : pyarrow.Table
        From ``with_hashes``.
    """
    starts = pa.array(entity_starts(events["entity_id"].combine_chunks()))
    ids, hashes = (events[name].take(starts) for name in ("entity_id", "source_hash"))
    return pa.table({"entity_id": ids, "source_hash": hashes.cast(pa.string())})


def _marked(column: pa.Array) -> pa.Array:
    """Values as text, missing ones marked; times as their count of microseconds, which needs no zone database."""
    if pa.types.is_date(column.type):
        text = by_distinct(column, lambda days: days.cast(pa.string()))
    else:
        plain = column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column
        text = plain.cast(pa.string())
    return pc.fill_null(text, _NULL)
