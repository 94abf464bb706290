"""Workers that are no more than objects: who takes what, and what becomes of one that dies or of Ctrl-C."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pytest

from llm4es.core.errors import WorkerError
from llm4es.project import mapping
from llm4es.project.commits import joined
from llm4es.project.increments import Setup, TableRows
from llm4es.project.mapping import MOST_LEFT_OUT, LostWorkerError, NotReadyError, map_over
from llm4es.project.portions import Portion, Portions
from llm4es.project.worker import ADVANCE, INCREMENT
from llm4es_store.data_file import DataFile

IDS = [f"e{i:02d}" for i in range(40)]


class Thread:
    """A worker that dies over some entities."""

    def __init__(self, poison: Callable[[str], bool] = lambda _: False, wait: threading.Event | None = None) -> None:
        self._poison, self._wait = poison, wait

    def set_up(self, setup: Setup) -> None:
        setup()

    def do(self, rows: pa.RecordBatch) -> Iterator[tuple[str, Any]]:
        for entity in rows["entity_id"].to_pylist():
            if self._poison(entity):
                raise LostWorkerError("was killed by SIGKILL")
            if self._wait is not None:
                self._wait.wait(0.02)
            yield INCREMENT, [TableRows("t", pa.table({"entity_id": [entity]}), ("entity_id",))]
            yield ADVANCE, 1

    def end(self) -> None:
        """Nothing."""

    def hand_over(self) -> None:
        """It ends with its portion."""

    def kill(self) -> None:
        """Nothing."""


def mapped(worker: Callable[[], Thread], rows: list[str], done: list[int], told: list[str]) -> None:
    """Map over two workers; what comes is put into the lists."""
    portions = Portions([pa.record_batch({"entity_id": IDS})], 2, most_rows=10, patience=3)
    for increment in map_over(
        [worker] * 2, lambda: lambda *_: iter(()), portions, done.append, told.append, restarts=True
    ):
        rows += [entity for part in increment for entity in part.rows["entity_id"].to_pylist()]


def test_an_entity_that_kills_is_found_by_halving_and_left_out() -> None:
    rows: list[str] = []
    done: list[int] = []
    told: list[str] = []
    with pytest.raises(WorkerError) as raised:
        mapped(lambda: Thread(lambda entity: entity in ("e03", "e27")), rows, done, told)
    said = str(raised.value)
    assert said.startswith("2 entities were left out: whatever worker read it died ('e")
    assert "'e03'" in said
    assert "'e27'" in said
    assert sorted(rows) == sorted({*IDS} - {"e03", "e27"})
    assert sum(done) == len(rows)
    assert {*told} == {"a worker was killed by SIGKILL: it is started again, and goes on with what it had taken"}


def test_a_worker_that_finds_no_room_again_leaves_its_share_to_the_others() -> None:
    started: list[Thread] = []

    class Homeless(Thread):
        """The third of them is not up in time."""

        def set_up(self, setup: Setup) -> None:
            if self is started[2]:
                raise NotReadyError("no worker was ready after 10 minutes")

    def start() -> Thread:
        kind = Homeless if len(started) == 2 else Thread
        started.append(kind(lambda entity: entity == "e03" and len(started) < 3))
        return started[-1]

    rows: list[str] = []
    told: list[str] = []
    mapped(start, rows, [], told)
    assert sorted(rows) == IDS
    assert told[1:] == [
        "a worker that died is not started again, for lack of room: the other goes on with what it had taken"
    ]


def test_a_worker_that_cannot_be_started_again_ends_the_work() -> None:
    left = [Thread(lambda _: True), Thread(lambda _: True)]

    def start() -> Thread:
        if not left:
            raise RuntimeError("the cluster takes nothing more")
        return left.pop()

    with pytest.raises(RuntimeError, match="the cluster takes nothing more"):
        mapped(start, [], [], [])


def test_of_files_done_twice_only_what_is_new_is_kept() -> None:
    ids = [["a", "b"], ["a", "b", "c"]]
    files = [DataFile(f"{len(each)}.parquet", 1, len(each), {}) for each in ids]
    first, again = (
        TableRows("t", pa.table({"entity_id": each}), ("entity_id",), files=(file,))
        for each, file in zip(ids, files, strict=True)
    )
    portion = Portion(pa.record_batch({"entity_id": ids[1]}))
    told = [portion.not_told([first])]
    portion.again()
    together = joined([*told, portion.not_told([again])])
    # else the second file would be taken for one of which only c is not there yet, and a and b be read from both
    assert [(rows.rows["entity_id"].to_pylist(), rows.files) for rows in together] == [
        (["a", "b"], (files[0],)),
        (["c"], (files[1],)),
    ]


def test_where_everything_kills_the_work_is_stopped() -> None:
    rows: list[str] = []
    with pytest.raises(WorkerError, match=r"entities were left out, and the work was stopped|all workers ended"):
        mapped(lambda: Thread(lambda _: True), rows, [], [])
    assert not rows
    assert len(IDS) > MOST_LEFT_OUT


def test_what_is_made_when_ctrl_c_comes_is_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    heard, real = [0], mapping._next

    def interrupted(*waited: Any) -> Any:
        heard[0] += 1
        if heard[0] == 5:
            raise KeyboardInterrupt
        return real(*waited)

    monkeypatch.setattr(mapping, "_next", interrupted)
    rows: list[str] = []
    done: list[int] = []
    wait = threading.Event()
    with pytest.raises(KeyboardInterrupt):
        mapped(lambda: Thread(wait=wait), rows, done, [])
    assert 2 < len(rows) <= 20  # of both their first portions
    assert len(rows) == len({*rows}) == sum(done)
