"""Rows on their way into the store while the work goes on.

In: increments as a stage makes them. Out: some seconds' work at a time, committed while the next is made. Knows no
stage and no store.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import pyarrow as pa

from ..core.errors import ModelError, WorkerError
from ..core.phases import phase
from .executor import Increment, TableRows

COMMIT_SECONDS = 15.0
"""Seconds of work that a killed run loses at most, where one increment takes no longer than that."""

COMMIT_BYTES = 64 << 20
"""Bytes of rows that wait for a commit at most: a stage that makes many in a second is not to fill the memory."""

Item = TypeVar("Item")


def buffered(increments: Iterable[Increment], seconds: float | None = None) -> Iterator[Increment]:
    """Increments of so many seconds' work as one; what is done when Ctrl-C comes, or a model or worker fails, is kept.

    They are handed on before the next one, if it takes as long as those before it, would make them too old. A long one
    counts by half with each that follows: the first waits for a model to load, and what comes after it does not.

    Parameters
    ----------
    increments : iterable of increments
        As a stage makes them.

    Yields
    ------
    increment
        Appended rows of one table together, at most ``COMMIT_SECONDS`` after the first of them, and ``COMMIT_BYTES``.

    Examples
    --------
    >>> one, two = (TableRows("t", pa.table({"x": [x]}), ("x",)) for x in (1, 2))
    >>> [[rows.rows.num_rows for rows in increment] for increment in buffered([[one], [two]])]
    [[2]]
    """
    limit = COMMIT_SECONDS if seconds is None else seconds
    held: list[Increment] = []
    began = before = time.monotonic()
    expected, size = 0.0, 0
    try:
        for increment in increments:
            held.append(increment)
            size += sum(rows.rows.nbytes for rows in increment)
            now = time.monotonic()
            expected, before = max(expected / 2, now - before), now
            if now - began + expected > limit or size > COMMIT_BYTES:
                together, held, size = joined(held), [], 0
                yield together
                began = before = time.monotonic()
    except (KeyboardInterrupt, ModelError, WorkerError):
        if held:
            yield joined(held)
        raise
    if held:
        yield joined(held)


def joined(increments: Sequence[Increment]) -> Increment:
    """Appended rows of a table as one; rows that replace others stay as they are.

    Parameters
    ----------
    increments : sequence of increments
        In the order in which they were made.

    Returns
    -------
    increment
        A table at the place where it came first.

    Examples
    --------
    >>> one, two = (TableRows("t", pa.table({"x": [x]}), ("x",)) for x in (1, 2))
    >>> [rows.rows.num_rows for rows in joined([[one], [two]])]
    [2]
    """
    together: list[TableRows] = []
    for rows in (rows for increment in increments for rows in increment):
        at = next((i for i, other in enumerate(together) if rows.scope is None and _alike(other, rows)), None)
        if at is None:
            together.append(rows)
        else:
            first = together[at]
            both, files = pa.concat_tables([first.rows, rows.rows]), (*first.files, *rows.files)
            together[at] = TableRows(rows.table, both, rows.key, files=files)
    return together


def _alike(one: TableRows, other: TableRows) -> bool:
    same = (one.table, one.key, bool(one.files)) == (other.table, other.key, bool(other.files))
    # of files of which some rows are not meant, others beside them may hold those very rows
    return one.scope is None and same and one.whole and other.whole


def commit_behind(items: Iterable[Item], commit: Callable[[Item], None]) -> None:
    """Commit each item in a thread while the next is made, one at a time and in order; its errors are raised here.

    Parameters
    ----------
    items : iterable
        What is made.
    commit : callable
        Takes an item.

    Examples
    --------
    >>> kept = []
    >>> commit_behind([1, 2, 3], kept.append)
    >>> kept
    [1, 2, 3]
    """
    with ThreadPoolExecutor(1, thread_name_prefix="commit") as thread:
        last: Future[None] | None = None
        for item in items:
            if last is not None:
                last.result()
            last = thread.submit(commit, item)
        if last is not None:
            with phase("writing"):
                last.result()
