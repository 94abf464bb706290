"""Vectors of events to vectors of entities: weighted means, in streams, without a model.

In: kinds with their vectors, spaces, a stream of events sorted by entity. Out: rows of ``embeddings``. Of the entities
there is a block in memory at a time, of the kinds one matrix a k.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from ..core.limits import LEAN
from ..core.schemas import EMBEDDINGS
from ..features.event_reading import EventReading
from .context import Context
from .event_texts import DistinctEvents, EventText, events_sql
from .histories import Histories

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ROWS = 1 << 16
"""Events handed over at a time."""

# N entities of a block, E kinds, C width of a mapped vector


@dataclass(frozen=True)
class Mapped:
    """What the kinds are in the space of one k."""

    vectors: "NDArray[np.float32]"
    """(E, C)"""

    weights: "NDArray[np.float64]"
    """(E,) what an event of each kind weighs."""


@dataclass(frozen=True)
class EventPooling:
    """Entities' vectors of one reading."""

    context: Context
    """Store and dataset."""

    histories: Histories
    """Whose events, and how far."""

    text: EventText
    """What is read of an event."""

    reading: EventReading
    """What an event weighs."""

    columns: Mapping[str, Any]
    """Of every row of ``embeddings``, what is the same."""

    def rows(
        self, todo: pa.Table, kinds: DistinctEvents, mapped: Mapping[int, Mapped], n_tokens: "NDArray[np.int64]"
    ) -> Iterator[pa.RecordBatch]:
        """Rows of ``embeddings``, some entities at a time.

        Parameters
        ----------
        todo : pyarrow.Table
            ``entity_id`` and ``source_hash``, each entity once, ascending.
        kinds : DistinctEvents
            All of theirs among them.
        mapped : mapping of int to Mapped
            k -> the kinds in its space.
        n_tokens : numpy.ndarray of int64, (E,)
            Tokens that the model read for each kind.

        Yields
        ------
        pyarrow.RecordBatch
            One row an (entity, k); zeros for an entity whose events weigh nothing.
        """
        import numpy as np

        from ..features.event_counts import event_blocks
        from ..features.event_pool import pool

        todo, done = todo.combine_chunks(), 0
        with self.context.store.connect(limits=LEAN) as connection:
            connection.register("kinds", kinds.shown)
            connection.register("todo", todo)
            query = events_sql(self.histories, self.text, "SELECT entity_id FROM todo", self._columns())
            stream = connection.sql(query).to_arrow_reader(ROWS)
            for ids, counts in event_blocks(stream, len(kinds), self.reading):
                n_events = np.diff(counts.indptr)  # (N,)
                read = np.append(0, np.cumsum(n_tokens[counts.indices]))  # (events + 1,)
                tokens = np.diff(read[counts.indptr])  # (N,)
                ahead = todo.slice(done, len(ids))
                if not ahead["entity_id"].combine_chunks().equals(ids):  # somebody's events are gone by now
                    ahead = todo.take(pc.index_in(ids, value_set=todo["entity_id"].combine_chunks()))
                done += len(ids)
                for k, of_kinds in mapped.items():
                    vectors = pool(counts, of_kinds.weights, of_kinds.vectors)  # (N, C)
                    yield self._batch(ahead, k, vectors, n_events, tokens)

    def _columns(self) -> dict[str, str]:
        """Columns of the events that the weights are made of."""
        amount = {"amount": str(self.context.recipe.amount)} if self.reading.needs_amount else {}
        return amount | ({"event_time": "event_time"} if self.reading.half_life is not None else {})

    def _batch(
        self,
        entities: pa.Table,
        k: int,
        vectors: "NDArray[np.float32]",
        n_events: "NDArray[np.integer]",
        n_tokens: "NDArray[np.integer]",
    ) -> pa.RecordBatch:
        n, width = vectors.shape
        offsets = pa.array(range(0, (n + 1) * width, width) if width else [0] * (n + 1), pa.int32())
        own = {
            "entity_id": entities["entity_id"].combine_chunks(),
            "source_hash": entities["source_hash"].combine_chunks(),
            "vector": pa.ListArray.from_arrays(offsets, pa.array(vectors.ravel())),
            "n_events": pa.array(n_events, pa.int32()),
            "n_tokens": pa.array(n_tokens, pa.int64()),
        }
        same = {"k": k, "dim": width, "n_events_dropped": 0, "n_tokens_dropped": 0, **self.columns}
        arrays = [
            own[field.name] if field.name in own else pa.repeat(pa.scalar(same.get(field.name), field.type), n)
            for field in EMBEDDINGS
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=EMBEDDINGS)
