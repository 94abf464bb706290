"""Little work is done before a cluster's workers would have started, unless their number is given."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from llm4es import Project
from llm4es.project import worker_count
from llm4es.project.increments import Increment, Setup
from llm4es.project.observer import Advance

from . import shop
from .heard import Heard


class AskedError(Exception):
    """The cluster was asked."""


class Cluster:
    """No cluster, but an executor that is handed planned rows as Ray is."""

    at_the_store = True

    def __init__(self, workers: int | None = None) -> None:
        self.workers = workers

    def map(self, setup: Setup, batches: Iterable[pa.RecordBatch], advance: Advance) -> Iterator[Increment]:
        raise AskedError


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    return shop.write(tmp_path / "shop")


def stages(project: Project, model: Path) -> None:
    project.serialize()
    project.enrich(by="rules", variants=1)
    project.embed(str(model), k=1, max_length=64)
    project.embed(str(model), k=1, max_length=64, history="events")


def test_little_is_done_here_and_said(recipe: Path, tmp_path: Path, model: Path) -> None:
    heard = Heard()
    project = Project(recipe, tmp_path / "store", executor=Cluster(), observer=heard)
    stages(project, model)
    assert heard.since().count("--workers N starts them all the same") == 4
    rows = project.sql("SELECT history, count(*) AS n FROM embeddings GROUP BY ALL ORDER BY ALL").to_arrow()
    assert rows["n"].to_pylist() == [20, 20]


def test_workers_that_were_asked_for_are_started(recipe: Path, tmp_path: Path, model: Path) -> None:
    here = Project(recipe, tmp_path / "store", observer="silent")
    cluster = Project(recipe, tmp_path / "store", executor=Cluster(2), observer="silent")
    with pytest.raises(AskedError):
        cluster.serialize()
    here.serialize()
    with pytest.raises(AskedError):
        cluster.enrich(by="rules", variants=1)
    with pytest.raises(AskedError):
        cluster.embed(str(model), k=1, max_length=64)


def test_enough_goes_to_the_cluster(recipe: Path, tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("reading", "enrich"):
        monkeypatch.setattr(f"llm4es.project.{module}.FEW_ENTITIES", 20)
    monkeypatch.setattr(worker_count, "ENOUGH_SECONDS", 0.0)
    cluster = Project(recipe, tmp_path / "store", executor=Cluster(), observer="silent")
    with pytest.raises(AskedError):
        cluster.serialize()
    Project(recipe, tmp_path / "store", observer="silent").serialize()
    with pytest.raises(AskedError):
        cluster.enrich(by="rules", variants=1)
    with pytest.raises(AskedError):
        cluster.embed(str(model), k=1, max_length=64)
