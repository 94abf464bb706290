"""Rows on their way into the store while the work goes on.

In: batches as a stage makes them. Out: tables, some seconds' work each, committed while the next are made. Knows no
stage and no store.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import pyarrow as pa

EVERY = 15.0
"""Seconds of work between commits: what a killed run loses at most."""

Item = TypeVar("Item")


def batched(batches: "Iterable[pa.RecordBatch]") -> "Iterator[pa.Table]":
    """Rows of some seconds' work at a time; what is done when Ctrl-C comes is still handed on."""
    import pyarrow as pa

    held: list[pa.RecordBatch] = []
    last = time.monotonic()
    try:
        for batch in batches:
            held.append(batch)
            if time.monotonic() - last > EVERY:
                rows, held = pa.Table.from_batches(held), []
                yield rows
                last = time.monotonic()
    except KeyboardInterrupt:
        if held:
            yield pa.Table.from_batches(held)
        raise
    if held:
        yield pa.Table.from_batches(held)


def beside(items: Iterable[Item], commit: Callable[[Item], None]) -> None:
    """Commit each item in a thread while the next is made, one at a time and in order; its errors are raised here."""
    with ThreadPoolExecutor(1, thread_name_prefix="commit") as thread:
        last: Future[None] | None = None
        for item in items:
            if last is not None:
                last.result()
            last = thread.submit(commit, item)
        if last is not None:
            last.result()
