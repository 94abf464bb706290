"""Rows are committed while the next are made, in order, and what goes wrong is heard of."""

import threading
from collections.abc import Iterator

import pyarrow as pa
import pytest
from llm4es_cli.committing import batched, beside


def batch(number: int) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict({"n": [number]})


def test_the_next_is_made_while_one_is_committed() -> None:
    made, committed = threading.Event(), []

    def items() -> Iterator[int]:
        yield 1
        made.set()  # reached only if the first commit does not hold up the work
        yield 2

    def commit(item: int) -> None:
        assert made.wait(10)
        committed.append(item)

    beside(items(), commit)
    assert committed == [1, 2]


def test_a_commit_that_fails_stops_the_work() -> None:
    made = []

    def items() -> Iterator[int]:
        for number in range(5):
            made.append(number)
            yield number

    def commit(item: int) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        beside(items(), commit)
    assert made == [0, 1]


def test_what_was_made_before_ctrl_c_is_committed() -> None:
    def batches() -> Iterator[pa.RecordBatch]:
        yield batch(1)
        yield batch(2)
        raise KeyboardInterrupt

    committed: list[list[int]] = []
    with pytest.raises(KeyboardInterrupt):
        beside(batched(batches()), lambda rows: committed.append(rows["n"].to_pylist()))
    assert committed == [[1, 2]]


def test_rows_of_some_seconds_are_one_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 10.0, 16.0, 16.0, 20.0, 40.0, 40.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    found = [table["n"].to_pylist() for table in batched(batch(number) for number in range(4))]
    assert found == [[0, 1], [2, 3]]
