"""Events before a cut-off: one for everybody, or each entity's own.

In: batches of whole entities' events. Out: the events before the cut-off, which is exclusive; texts that bear it. The
one rule of ``serialize``; what is derived later joins the events to ``as_of`` of the texts by the same rule. Knows no
recipe and no store.
"""

import hashlib
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..core.entities import entity_starts
from ..core.schemas import TIME

CUTOFFS = pa.schema([("entity_id", pa.string()), ("as_of", TIME)])
"""Each entity's own cut-off: one row an entity."""


def before(events: pa.RecordBatch, as_of: datetime | None) -> pa.RecordBatch:
    """The events before a point in time.

    Parameters
    ----------
    events : pyarrow.RecordBatch
        With a column ``event_time``.
    as_of : datetime or None
        Exclusive; without a zone it is in UTC. None keeps all.
    """
    if as_of is None:
        return events
    moment = as_of if as_of.tzinfo else as_of.replace(tzinfo=UTC)
    return events.filter(pc.less(events["event_time"], pa.scalar(moment, TIME)))


def before_own(events: pa.RecordBatch, cutoffs: pa.Table) -> pa.RecordBatch:
    """The events before each entity's own cut-off; none of an entity that has none.

    Parameters
    ----------
    events : pyarrow.RecordBatch
        Columns ``entity_id`` and ``event_time``; whole entities.
    cutoffs : pyarrow.Table
        CUTOFFS.

    Returns
    -------
    pyarrow.RecordBatch
        In the order of the events.

    Examples
    --------
    >>> day = [datetime(2024, 1, n, tzinfo=UTC) for n in (1, 2, 3)]
    >>> events = pa.record_batch({"entity_id": ["a", "a", "b"], "event_time": pa.array([*day[:2], day[0]], TIME)})
    >>> before_own(events, pa.table({"entity_id": ["a"], "as_of": pa.array(day[1:2], TIME)})).num_rows
    1
    """
    starts = entity_starts(events["entity_id"])
    counts = np.diff(np.append(starts, events.num_rows))
    of_entities = _own(events["entity_id"].take(pa.array(starts)), cutoffs)
    of_events = of_entities.take(pa.array(np.repeat(np.arange(len(starts)), counts)))
    return events.filter(pc.fill_null(pc.less(events["event_time"], of_events), False))


def with_own(texts: pa.Table, cutoffs: pa.Table) -> pa.Table:
    """Texts that bear their own cut-off; where it moves, a text is another one, though it may read the same.

    Parameters
    ----------
    texts : pyarrow.Table
        TEXTS, of events from ``before_own``.
    cutoffs : pyarrow.Table
        CUTOFFS.

    Returns
    -------
    pyarrow.Table
        ``as_of`` and ``source_hash`` are others.
    """
    as_of = _own(texts["entity_id"].combine_chunks(), cutoffs)
    contents = pc.binary_join_element_wise(texts["source_hash"].combine_chunks(), as_of.cast(pa.string()), " ")
    hashes = [hashlib.sha256(content).hexdigest() for content in contents.cast(pa.binary()).to_pylist()]
    for name, column in (("as_of", as_of), ("source_hash", pa.array(hashes, pa.string()))):
        texts = texts.set_column(texts.column_names.index(name), texts.schema.field(name), column)
    return texts


def _own(ids: pa.Array, cutoffs: pa.Table) -> pa.Array:
    """The cut-off of each id; null where there is none."""
    return cutoffs["as_of"].combine_chunks().take(pc.index_in(ids, value_set=cutoffs["entity_id"].combine_chunks()))
