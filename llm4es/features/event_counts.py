"""A stream of events to blocks of counts: how much each entity has of each kind, a block of entities at a time.

In: events sorted by entity, each with the code of its kind (a distinct event text) and, where a reading asks for them,
its time and amount. Out: sparse blocks, which ``event_pool.pool`` makes users' vectors of; never more than a block, or
one entity, in memory. Knows no text, no vector and no store.

An event's age counts from its entity's own newest event. Any other moment would give the same mean, for it multiplies
all of an entity's weights by one number, which the mean divides out again; but from a moment far away they would all
be rounded to 0.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..core.errors import DataError
from .event_reading import EventReading

BLOCK_EVENTS = 1 << 18
"""Events of a block, and at least those of one entity."""

_DAY = 86_400e6
"""Microseconds."""

# N entities of a block, V events of it, E kinds


def event_blocks(
    batches: Iterable[pa.RecordBatch], n_kinds: int, reading: EventReading, block_events: int = BLOCK_EVENTS
) -> Iterator[tuple[pa.Array, Any]]:
    """Blocks of entities, and how much each of them has of each kind.

    Parameters
    ----------
    batches : iterable of pyarrow.RecordBatch
        ``entity_id`` (ascending, all events of an entity together), ``kind`` (a code from 0; null: the event is left
        out), ``amount`` where the reading weighs by it, ``event_time`` where it weighs by age.
    n_kinds : int
        Codes that there are.
    reading : EventReading
        What an event weighs by itself; what its kind weighs is left to whoever pools.
    block_events : int
        Events of a block; more where one entity has more.

    Yields
    ------
    tuple of pyarrow.Array and scipy.sparse.csr_matrix
        Ids, (N,), in their order, and the events' summed weights, (N, E); a kind may stand in several cells of a row,
        which add up. An entity whose events are all left out has an empty row.

    Raises
    ------
    DataError
        For an entity whose events stand apart, and once all are read, for amounts that are missing or negative, and
        times that are missing.

    Examples
    --------
    >>> from datetime import datetime
    >>> days = [datetime(2026, 1, day) for day in (1, 11, 5)]
    >>> events = pa.record_batch({"entity_id": ["a", "a", "b"], "kind": [2, 0, 0], "event_time": days})
    >>> for ids, counts in event_blocks([events], 3, EventReading(("recency:10d",))):
    ...     print(ids.to_pylist(), counts.toarray().tolist())
    ['a', 'b'] [[1.0, 0.0, 0.5], [1.0, 0.0, 0.0]]
    """
    from scipy import sparse

    checked = _Checked(reading)
    for table, ids, starts in _whole_entities(batches, block_events):
        lengths = np.diff(starts, append=len(table))  # (N,)
        weights = checked.weights(table, starts, lengths)  # (V,)
        if checked.bad:
            continue  # the rest is only counted, so that the error says how many
        kind = table["kind"].combine_chunks()
        if kind.null_count:
            weights = np.where(kind.is_null().to_numpy(zero_copy_only=False), 0.0, weights)
            kind = kind.fill_null(0)
        indices = kind.to_numpy().astype(np.int32)
        indptr = np.append(starts, len(table)).astype(np.int32)
        yield ids, sparse.csr_matrix((weights, indices, indptr), shape=(len(starts), n_kinds))
    checked.raise_if_bad()


def _whole_entities(
    batches: Iterable[pa.RecordBatch], block_events: int
) -> Iterator[tuple[pa.Table, pa.Array, NDArray[np.int64]]]:
    """Tables of whole entities, their ids, and the rows at which they begin."""
    waiting: list[pa.RecordBatch] = []
    rows, last = 0, None
    for batch in batches:
        waiting.append(batch)
        rows += len(batch)
        if rows < block_events:
            continue
        table = pa.Table.from_batches(waiting)
        ids, starts = _entities(table, last)
        if len(ids) > 1:  # the last one may go on in the next batch
            yield table.slice(0, starts[-1]), ids[:-1], starts[:-1]
            last, table = ids[-2], table.slice(starts[-1])
            waiting, rows = table.to_batches(), len(table)
    if rows:
        table = pa.Table.from_batches(waiting)
        yield table, *_entities(table, last)


def _entities(table: pa.Table, last: pa.Scalar | None) -> tuple[pa.Array, NDArray[np.int64]]:
    """(N,) ids, and the rows at which they begin; ``last`` is the id before the table's first."""
    entity = table["entity_id"].cast(pa.string()).combine_chunks()
    differs = pc.not_equal(entity.slice(1), entity.slice(0, len(entity) - 1)).to_numpy(zero_copy_only=False)
    starts = np.append(0, np.flatnonzero(differs) + 1)
    ids = entity.take(pa.array(starts))
    before = ids.slice(0, len(ids) - 1) if last is None else pa.array([last, *ids[:-1]], pa.string())
    after = ids.slice(len(ids) - len(before))
    risen = pc.less(before, after).to_numpy(zero_copy_only=False)
    if not risen.all():
        apart = after[int(risen.argmin())]
        raise DataError(f"events of entity '{apart}' stand apart: sort them by entity_id")
    return ids, starts


class _Checked:
    """Weights that events have by themselves, and a count of those that can have none."""

    def __init__(self, reading: EventReading) -> None:
        self.reading = reading
        self.events = self.missing = self.negative = self.timeless = 0

    @property
    def bad(self) -> int:
        return self.missing + self.negative + self.timeless

    def weights(self, table: pa.Table, starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.float64]:
        """(V,)"""
        self.events += len(table)
        weights = np.ones(len(table))  # (V,)
        if self.reading.needs_amount:
            amount = pc.cast(table["amount"], pa.float64()).to_numpy()  # null is NaN
            self.missing += int((~np.isfinite(amount)).sum())
            self.negative += int((amount < 0).sum())
            weights *= amount
        if self.reading.half_life is not None:
            moment = pc.cast(table["event_time"], pa.timestamp("us"), safe=False)
            self.timeless += moment.null_count
            microseconds = moment.cast(pa.int64()).fill_null(0).to_numpy()  # (V,)
            newest = np.repeat(np.maximum.reduceat(microseconds, starts), lengths)  # (V,)
            weights *= 0.5 ** ((newest - microseconds) / (_DAY * self.reading.half_life))
        return weights

    def raise_if_bad(self) -> None:
        """One line that says how many events cannot be weighed."""
        if self.missing or self.negative:
            raise unweighable_amounts(self.missing, self.negative, self.events)
        if self.timeless:
            weights = "*".join(self.reading.weights)
            raise DataError(
                f"--weights {weights}: {self.timeless:,} of {self.events:,} events have no time; leave recency out"
            )


def unweighable_amounts(missing: int, negative: int, events: int) -> DataError:
    """The error for amounts that can be no weights: so many of so many events have none, or a negative one.

    Examples
    --------
    >>> print(unweighable_amounts(2, 1, 1000))
    --weights amount: of 1,000 events 2 have no amount and 1 have a negative one, which is no weight; give another \
factor (tfidf), or name a field of 0 or more as the recipe's amount
    """
    return DataError(
        f"--weights amount: of {events:,} events {missing:,} have no amount and {negative:,} have a negative one, "
        "which is no weight; give another factor (tfidf), or name a field of 0 or more as the recipe's amount"
    )
