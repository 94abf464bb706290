"""Ray: the rows of one process from workers of a cluster, whoever dies, and stages that know nothing of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from llm4es import Local, Project, Ray
from llm4es.core.errors import DataError, WorkerError
from llm4es.options import SerializeOptions
from llm4es.project import mapping, ray_worker
from llm4es.project.executor import Executor
from llm4es.project.ray_worker import RayWorker
from llm4es.project.shared_place import SharedPlace
from llm4es.recipes import load_recipe, locate, read_events
from llm4es.serialize import serialize

from . import shop
from .event_reading import lines, plain_vectors, stored
from .test_workers import IDS, batches, set_up

ray = pytest.importorskip("ray")

TABLES = ("events_shop", "labels", "splits", "texts", "embeddings", "event_vectors", "canaries")


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    """A Ray of this machine with two CPUs, once for all tests."""
    from llm4es.project import ray_cluster

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ray_cluster, "own_cores", lambda: 2)
        patched.delenv("RAY_ADDRESS", raising=False)
        ray_cluster.connected()
    yield
    ray.shutdown()


def every_stage(executor: Executor, folder: Path, recipe: Path, model: Path) -> dict[str, pa.Table]:
    """The rows of all tables, after all that can be mapped."""
    project = Project(str(recipe), folder, executor=executor, observer="silent")
    assert project.serialize().computed == 20
    assert project.enrich(variants=1).computed == 20
    assert project.embed(str(model), k=(1, 2), max_length=64, texts="all").computed == 40
    assert project.embed(str(model), k=1, max_length=64, history="events").computed == 20
    assert project.store.sql("SELECT DISTINCT status FROM runs").fetchall() == [("done",)]
    return {
        table: project.store.sql(f"SELECT * EXCLUDE (run_id) FROM {table} ORDER BY ALL").to_arrow_table()
        for table in TABLES
    }


def test_every_stage_gives_the_rows_of_one_process(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    do = RayWorker.do

    def counted(worker: RayWorker, rows: pa.RecordBatch) -> Iterator[tuple[str, Any]]:
        asked.append(len(rows))
        return do(worker, rows)

    monkeypatch.setattr(RayWorker, "do", counted)
    recipe = shop.write(tmp_path / "shop")
    executors: dict[str, Executor] = {"one": Local(1), "two": Local(2), "ray": Ray(2)}
    made = {name: every_stage(executor, tmp_path / name, recipe, model) for name, executor in executors.items()}
    for name in ("two", "ray"):
        for table, expected in made["one"].items():
            found = made[name][table]
            plain = [column for column in expected.column_names if column not in ("vector", "created_at")]
            assert found.select(plain).equals(expected.select(plain)), (name, table)
            if "vector" in expected.column_names:
                one, other = (np.array(rows["vector"].to_pylist()) for rows in (found, expected))
                assert np.allclose(one, other, rtol=1e-5, atol=1e-6), (name, table)
    assert sum(asked) >= 4 * 20  # every stage's, and each by actors
    assert not [*(tmp_path / "ray").glob(".shared*")]
    # and what the plain calls give
    texts = {(row["entity_id"], row["variant"]): row["text"] for row in made["ray"]["texts"].to_pylist()}
    options, loaded = SerializeOptions(), load_recipe(str(recipe))
    for batch in serialize(read_events(loaded, locate(loaded), options), loaded, options):
        for row in batch.to_pylist():
            assert texts[row["entity_id"], "raw"] == row["text"]
    events = Project(str(recipe), tmp_path / "ray")
    read = lines(events)["c0"]
    plain_of = plain_vectors(str(model), read, 1)
    expected = np.mean([plain_of[line] for line in read], axis=0)
    assert np.allclose(stored(events, 1, history="events")["c0"], expected, rtol=1e-4, atol=1e-5)


def ray_rows(setup: Any, told: list[str] | None = None) -> tuple[list[dict[str, Any]], int]:
    """Rows, and how much was told to be done."""
    done: list[int] = []
    rows = []
    executor = Ray(2, warn=(told if told is not None else []).append)
    for increment in executor.map(setup, batches(), done.append):
        rows += [row for part in increment for row in part.rows.to_pylist()]
    return rows, sum(done)


def test_what_a_killed_actor_had_taken_is_done_again(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    told: list[str] = []
    rows, done = ray_rows(partial(set_up, tmp_path, kill="e13", seconds=0.01), told)
    assert sorted(row["entity_id"] for row in rows) == sorted(IDS)
    assert done == len(IDS)
    assert told == ["a worker of the cluster died: it is started again, and goes on with what it had taken"]
    assert capfd.readouterr() == ("", "")  # Ray says nothing: results go to stdout


def test_an_entity_that_kills_whoever_reads_it_is_found_and_left_out() -> None:
    rows: list[str] = []

    def mapped() -> None:
        for increment in Ray(2, warn=lambda _: None).map(partial(set_up, kill="e13"), batches(), lambda _: None):
            rows.extend(row["entity_id"] for part in increment for row in part.rows.to_pylist())

    with pytest.raises(WorkerError, match=r"1 entity was left out: whatever worker read it died \('e13'\)"):
        mapped()
    assert sorted(rows) == sorted({*IDS} - {"e13"})


def test_an_error_of_the_stage_is_its_own() -> None:
    with pytest.raises(DataError, match="the text of 'e17' has no tokens: leave it out") as raised:
        ray_rows(partial(set_up, fail="e17"))
    assert "test_workers.py" in raised.value.__notes__[0]


def test_what_the_cluster_has_no_room_for_is_refused() -> None:
    with pytest.raises(
        WorkerError, match=r"--workers 3 with 1 CPU each: the cluster has 2 CPUs and 0 GPUs, which is room"
    ):
        list(Ray(3).map(set_up, batches(), lambda _: None))
    with pytest.raises(WorkerError, match=r"0 GPUs"):
        list(Ray(1, gpus=1).map(set_up, batches(), lambda _: None))


def test_what_is_made_when_ctrl_c_comes_is_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    heard, real = [0], mapping._next

    def interrupted(*waited: Any) -> Any:
        heard[0] += 1
        if heard[0] == 3:
            raise KeyboardInterrupt
        return real(*waited)

    monkeypatch.setattr(mapping, "_next", interrupted)
    rows: list[str] = []
    done: list[int] = []

    def mapped() -> None:
        for increment in Ray(1).map(partial(set_up, seconds=0.02), batches(), done.append):
            rows.extend(row["entity_id"] for part in increment for row in part.rows.to_pylist())

    with pytest.raises(KeyboardInterrupt):
        mapped()
    assert 2 < len(rows) == len({*rows}) == sum(done) < len(IDS)  # what its portion gave, and no other portion


def test_a_store_that_a_worker_does_not_see_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def elsewhere(store: str) -> Iterator[SharedPlace]:
        yield SharedPlace(f"{store}-elsewhere", "probe")

    project = Project(shop.write(tmp_path / "shop"), tmp_path / "store", executor=Ray(1), observer="silent")
    monkeypatch.setattr(SharedPlace, "of", elsewhere)
    with pytest.raises(WorkerError, match=r"the store .*store-elsewhere is not seen by the worker on .*: every worker"):
        project.serialize()
    assert project.store.sql("SELECT status FROM runs").fetchall() == [("failed",)]


def test_where_others_keep_the_room_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    class Other:
        """Somebody else's."""

        def is_up(self) -> bool:
            return True

    other = ray.remote(num_cpus=2)(Other).remote()
    assert ray.get(other.is_up.remote())
    monkeypatch.setattr(ray_worker, "READY_SECONDS", 0.6)
    with pytest.raises(WorkerError, match=r"no worker was ready after 0\.01 minutes: the cluster is busy"):
        list(Ray(1).map(set_up, batches(), lambda _: None))
    ray.kill(other)
