"""Chunks of events with all that is made of them: texts of every cut, and hashes of histories.

In: batches of events in order. Out: the same as whole entities, with their texts; some are made while others are used.
Knows no store.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import pyarrow as pa

from ..core.entities import whole_entities
from ..recipes import Recipe
from ..serialize.event_hashes import histories, with_hashes
from .making import Making

WORKERS = 2
"""Chunks that are made at the same time, while the next events are read."""


@dataclass(frozen=True)
class Made:
    """Whole entities, ids ascending."""

    events: pa.Table
    """With ``source_hash``, of each entity's history."""
    histories: pa.Table
    """``entity_id`` and ``source_hash`` of each."""
    texts: tuple[pa.Table, ...]
    """TEXTS of each cut."""

    @property
    def ids(self) -> pa.Array:
        """Whose events they are."""
        return self.histories["entity_id"].combine_chunks()


def chunks_made(events: Iterable[pa.RecordBatch], makings: Sequence[Making], recipe: Recipe) -> Iterator[Made]:
    """All chunks, in order.

    Parameters
    ----------
    events : iterable of pyarrow.RecordBatch
        As ``read_events`` gives them.
    makings : sequence of Making
        The texts that are wanted.
    recipe : Recipe
        Its bins with their edges.

    Yields
    ------
    Made
        One a batch, about.
    """

    def made(batch: pa.RecordBatch) -> Made:
        hashed = with_hashes(batch)
        return Made(hashed, histories(hashed), tuple(making.texts(batch, recipe) for making in makings))

    with ThreadPoolExecutor(WORKERS, thread_name_prefix="texts") as pool:  # Arrow and hashlib leave Python's lock
        running: deque[Future[Made]] = deque()
        for batch in whole_entities(events):
            running.append(pool.submit(made, batch))
            if len(running) >= WORKERS:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
