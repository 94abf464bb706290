"""Users' vectors pooled from event vectors in a stream: events a second, and the memory that it takes.

    python benchmarks/events.py                          # 1,000,000 users x 200 events of 5,000 kinds, 576 numbers each
    python benchmarks/events.py --weights recency:90d

Events are drawn as they are read, entity by entity, kinds as popular as Zipf's law says; drawing them is timed apart.
Nothing is kept of a block of users once it is pooled, as where a store takes it. A last line checks the first users
against plain numpy.
"""

import time
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from benchmarks.measure import parser, peak_mb
from llm4es.features.event_counts import event_blocks
from llm4es.features.event_pool import pool
from llm4es.features.event_reading import EventReading
from llm4es.options.weights import weight_factors

BATCH_EVENTS = 1 << 17


def batches(users: int, events: int, kinds: int, seed: int) -> Iterator[pa.RecordBatch]:
    """``users`` x ``events`` rows, sorted by entity."""
    at_once = max(1, BATCH_EVENTS // events)
    for first in range(0, users, at_once):
        rng = np.random.default_rng([seed, first])
        n = min(at_once, users - first)
        ids = np.char.mod("user-%08d", np.arange(first, first + n))
        yield pa.record_batch(
            {
                "entity_id": pa.array(ids).take(pa.array(np.repeat(np.arange(n), events))),
                "kind": (kinds * rng.random(n * events) ** 2).astype(np.int32),
                "event_time": pa.array(rng.integers(0, 365 * 86_400, n * events) * 1_000_000, pa.timestamp("us")),
            }
        )


def main() -> None:
    options = parser(__doc__, "seed", users=1_000_000, events=200, kinds=5_000, width=576, weights="count").parse_args()
    rng = np.random.default_rng(options.seed)
    vectors = rng.standard_normal((options.kinds, options.width), dtype=np.float32)  # (E, D)
    rarity = rng.uniform(1, 8, options.kinds)  # (E,)
    reading = EventReading(weight_factors(options.weights))
    shape = (options.users, options.events, options.kinds, options.seed)
    total = options.users * options.events

    began = time.perf_counter(), time.process_time()
    for _ in batches(*shape):
        pass
    drawn = time.perf_counter() - began[0], time.process_time() - began[1]

    before = peak_mb()
    began = time.perf_counter(), time.process_time()
    users = 0
    first = None
    for ids, counts in event_blocks(batches(*shape), options.kinds, reading):
        block = pool(counts, rarity, vectors)  # (N, D)
        users += len(ids)
        first = block[:3].copy() if first is None else first
    wall, cpu = time.perf_counter() - began[0] - drawn[0], time.process_time() - began[1] - drawn[1]
    print(f"{users:,} users, {total:,} events of {options.kinds:,} kinds, {options.width} numbers, {options.weights}")
    print(f"  drawing the events: {drawn[0]:.1f} s")
    print(
        f"  pooling: {wall:.1f} s more, {cpu:.1f} s of processor time: {total / wall / 1e6:.1f} million events a second"
    )
    print(f"  with the drawing: {total / (wall + drawn[0]) / 1e6:.1f} million events a second")
    print(f"  peak memory {peak_mb():,.0f} MB, {before:,.0f} MB of it before")
    if options.weights == "count" and first is not None:
        kind = next(batches(*shape))["kind"].to_numpy()[: len(first) * options.events].reshape(len(first), -1)
        expected = [(rarity[row] @ vectors[row]) / rarity[row].sum() for row in kind]
        print(f"  largest difference from plain numpy: {np.abs(first - expected).max():.1e}")


if __name__ == "__main__":
    main()
