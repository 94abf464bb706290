"""Several processes for one stage: the same rows, one who commits, and nothing lost when any of them is killed."""

import os
import signal
import threading
import time
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import pyarrow as pa
import pytest

from llm4es.core.errors import DataError, OptionError, WorkerError
from llm4es.project.executor import Increment, Local, Setup, TableRows, Work
from llm4es.project.observer import Advance

IDS = [f"e{i}" for i in range(40)]


def batches() -> Iterator[pa.RecordBatch]:
    for start in range(0, len(IDS), 10):
        yield pa.record_batch({"entity_id": IDS[start : start + 10]})


def set_up(folder: Path | None = None, kill: str = "", fail: str = "", seconds: float = 0.0) -> Work:
    """A stage that says which process did what; at some entity it ends its process, or fails."""

    def work(given: Iterable[pa.RecordBatch], advance: Advance) -> Iterator[Increment]:
        for batch in given:
            for entity in batch["entity_id"].to_pylist():
                if entity == fail:
                    raise DataError(f"the text of {entity!r} has no tokens: leave it out")
                if entity == kill or kill == "any":
                    first = folder is None or not (folder / "killed").exists()
                    if folder is not None:
                        (folder / "killed").touch()
                    if first:
                        os.kill(os.getpid(), signal.SIGKILL)
                time.sleep(seconds)
                if folder is not None:
                    (folder / str(os.getpid())).touch()
                print("what a library prints is no message")  # noqa: T201
                rows = {"entity_id": [entity], "pid": [os.getpid()], "threads": [os.environ["OMP_NUM_THREADS"]]}
                yield [TableRows("t", pa.table(rows), ("entity_id",))]
                advance(1)

    return work


def fails_to_set_up(tried: Path) -> Work:
    """A stage that never is one."""
    tried.touch()
    raise DataError("the model is gone")


def leaves() -> Work:
    """A stage whose process ends by itself, as a library's own exit does."""
    os._exit(3)


def mapped(setup: Setup, workers: int = 2, **more: object) -> tuple[list[dict[str, object]], int]:
    """Rows, and how much was told to be done."""
    done: list[int] = []
    rows = []
    for increment in Local(workers, **more).map(setup, batches(), done.append):  # type: ignore[arg-type]
        rows += [row for part in increment for row in part.rows.to_pylist()]
    return rows, sum(done)


def test_the_work_is_shared_and_its_threads_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    rows, done = mapped(partial(set_up, seconds=0.02))
    assert sorted(str(row["entity_id"]) for row in rows) == sorted(IDS)
    assert done == len(IDS)
    assert len({row["pid"] for row in rows}) == 2
    assert os.getpid() not in {row["pid"] for row in rows}
    assert {row["threads"] for row in rows} == {"2"}


def test_one_worker_is_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    for workers in (None, 1):
        rows = [r.rows["pid"][0].as_py() for (r,) in Local(workers).map(set_up, batches(), lambda _: None)]
        assert set(rows) == {os.getpid()}
    with pytest.raises(OptionError, match="--workers 0 is below 1: give 1 or more"):
        Local(0)


def test_what_a_killed_worker_had_taken_is_done_by_the_others(tmp_path: Path) -> None:
    told: list[str] = []
    rows, done = mapped(partial(set_up, tmp_path, kill="e13", seconds=0.01), warn=told.append)
    assert sorted(str(row["entity_id"]) for row in rows) == sorted(IDS)
    assert done == len(IDS)
    assert told == [
        "a worker was killed by SIGKILL (perhaps for lack of memory): the other goes on with what it had taken"
    ]


def test_all_killed_is_one_line() -> None:
    told: list[str] = []
    with pytest.raises(WorkerError, match=r"all workers ended .* by SIGKILL .* fewer --workers"):
        mapped(partial(set_up, kill="any"), warn=told.append)
    assert len(told) == 1


def test_a_worker_that_ends_by_itself_is_told_of_as_that() -> None:
    told: list[str] = []
    with pytest.raises(WorkerError, match=r"all workers ended .*, the last ended with exit code 3: give fewer"):
        mapped(leaves, warn=told.append)
    assert told == ["a worker ended with exit code 3: the other goes on with what it had taken"]


def test_an_error_is_the_same_as_in_one_process() -> None:
    for workers in (1, 2):
        with pytest.raises(DataError, match="no tokens") as raised:
            mapped(partial(set_up, fail="e17"), workers)
        assert str(raised.value) == "the text of 'e17' has no tokens: leave it out"
    assert "test_workers.py" in raised.value.__notes__[0]  # where in the worker it happened


def test_a_set_up_that_fails_before_there_is_input_is_its_own_error(tmp_path: Path) -> None:
    def slow() -> Iterator[pa.RecordBatch]:
        deadline = time.monotonic() + 60
        while not (tmp_path / "tried").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.5)  # it ends
        yield from batches()

    with pytest.raises(DataError, match="the model is gone"):
        list(Local(2).map(partial(fails_to_set_up, tmp_path / "tried"), slow(), lambda _: None))


def test_an_error_of_the_input_comes_out() -> None:
    def broken() -> Iterator[pa.RecordBatch]:
        yield pa.record_batch({"entity_id": ["a"]})
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        list(Local(2).map(set_up, broken(), lambda _: None))


def test_workers_end_with_whoever_asks_no_more(tmp_path: Path) -> None:
    out = Local(2).map(partial(set_up, tmp_path, seconds=0.05), batches(), lambda _: None)
    next(iter(out))
    out.close()  # type: ignore[attr-defined]
    pids = [int(file.name) for file in tmp_path.iterdir()]
    assert pids
    assert not [pid for pid in pids if _lives(pid)]
    assert threading.active_count() < 10


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
