"""Rows are committed while the next are made, in order, and what goes wrong is heard of."""

import threading
from collections.abc import Iterator

import pyarrow as pa
import pytest

from llm4es.project.commits import buffered, commit_behind
from llm4es.project.executor import Increment, TableRows


def batch(number: int) -> Increment:
    return [TableRows("numbers", pa.table({"n": [number]}), ("n",))]


def numbers(increment: Increment) -> list[int]:
    return [n for rows in increment for n in rows.rows["n"].to_pylist()]


def test_the_next_is_made_while_one_is_committed() -> None:
    made, committed = threading.Event(), []

    def items() -> Iterator[int]:
        yield 1
        made.set()  # reached only if the first commit does not hold up the work
        yield 2

    def commit(item: int) -> None:
        assert made.wait(10)
        committed.append(item)

    commit_behind(items(), commit)
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
        commit_behind(items(), commit)
    assert made == [0, 1]


def test_what_was_made_before_ctrl_c_is_committed() -> None:
    def batches() -> Iterator[Increment]:
        yield batch(1)
        yield batch(2)
        raise KeyboardInterrupt

    committed: list[list[int]] = []
    with pytest.raises(KeyboardInterrupt):
        commit_behind(buffered(batches()), lambda rows: committed.append(numbers(rows)))
    assert committed == [[1, 2]]


def test_rows_of_some_seconds_are_one_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 6.0, 12.0, 12.0, 14.0, 20.0])  # a third batch that takes 6 s again would be done at 18
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    found = [numbers(rows) for rows in buffered(batch(number) for number in range(4))]
    assert found == [[0, 1], [2, 3]]


def test_rows_that_are_large_together_wait_for_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llm4es.project.commits.COMMIT_BYTES", 20)  # a number takes 8
    assert [numbers(rows) for rows in buffered(map(batch, range(7)), 1000.0)] == [[0, 1, 2], [3, 4, 5], [6]]


def test_a_long_wait_for_the_first_makes_no_commits_of_one_batch_each(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 40.0, 40.0, *(float(second) for second in range(41, 61))])  # 40 s until a model is loaded
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    found = [len(numbers(rows)) for rows in buffered((batch(number) for number in range(19)), 15.0)]
    assert found == [1, 1, 15, 2]
