"""``gc --models``: which versions of models go, which stay, and a store of 0.1 whose model is the first version."""

import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest

from llm4es import Project
from llm4es_store import Store

from . import shop
from .shell import Call

ARCHIVE = Path(__file__).parent / "data" / "store-0.1.tar.xz"
WINDOW: dict[str, Any] = {"max_length": 64, "k": 1}
TUNE: dict[str, Any] = {"max_length": 64, "method": "full"}


@pytest.fixture(scope="module")
def made(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of a shop with three versions of a tuned model."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LLM4ES_CACHE", str(folder / "cache"))
        project = Project(shop.write(folder / "shop"), folder / "store", observer="silent")
        project.serialize()
        for steps in (1, 2, 3):
            project.finetune(str(model), name="mine", steps=steps, **TUNE)
            project.embed("mine", **WINDOW)
    return folder / "store"


@pytest.fixture
def project(place: Path, made: Path) -> Project:
    """The shop, and a copy of its store."""
    shutil.copytree(made, place / "store")
    return Project(shop.write(place / "shop"), place / "store", observer="silent")


def there(store: Store) -> dict[str, list[str]]:
    """Table -> versions that it has rows of."""
    tables = ("models", "embeddings", "canaries", "exposures")
    rows = {table: store.sql(f"SELECT DISTINCT model FROM {table} ORDER BY 1").fetchall() for table in tables}
    return {table: [name for (name,) in found] for table, found in rows.items()}


def test_older_versions_go_when_asked(project: Project, place: Path, llm4es: Call) -> None:
    before = there(project.store)
    version = project.store.record()["version"].to_pylist()[-1]
    assert before == {table: ["mine", "mine@v2", "mine@v3"] for table in before}
    assert llm4es("gc", "--store", place / "store", "--quiet")[0] == 0
    code, out, _ = llm4es("gc", "--models", "--dry-run", "--store", place / "store", "--quiet", "--format", "csv")
    assert code == 0
    # 20 vectors, 3 fixed texts, the model, and 16 entities it has seen
    assert out.splitlines()[:3] == ["what,files,rows", "model mine@v1,,40", "model mine@v2,,40"]
    assert there(project.store) == before
    assert llm4es("gc", "--models", "--store", place / "store", "--quiet")[0] == 0
    assert there(project.store) == {table: ["mine@v3"] for table in before}
    assert project.embed("mine", **WINDOW).computed == 0
    assert project.store.sql("SELECT count(*) FROM embeddings", at=version).fetchall() == [(60,)]
    assert project.finetune("mine@v3", name="next", steps=1, dry_run=True, **TUNE).what == "next"
    _, _, err = llm4es("embed", place / "shop/shop.toml", "--model", "mine@v1", "--store", place / "store")
    assert "mine has no version v1: there is v3" in err


def test_what_is_needed_stays(project: Project, place: Path, model: Path, llm4es: Call) -> None:
    project.finetune("mine@v1", name="heir", steps=1, **TUNE)
    project.finetune(str(model), name="mine", steps=4, **TUNE)  # it has no vectors yet
    assert llm4es("gc", "--models", "--store", place / "store", "--quiet")[0] == 0
    assert there(project.store)["models"] == ["heir", "mine", "mine@v2", "mine@v3", "mine@v4"]
    project.embed("mine", **WINDOW)
    assert llm4es("gc", "--models", "--store", place / "store", "--quiet")[0] == 0
    assert there(project.store)["models"] == ["heir", "mine", "mine@v4"]


def test_nothing_goes_while_anybody_writes(project: Project, place: Path, llm4es: Call) -> None:
    with project.store.run("embed", "shop", {}, "0.1") as run:
        run.begin()
        code, _, err = llm4es("gc", "--models", "--store", place / "store")
    assert code == 2
    assert f"--models: run {run.run_id} is writing: wait for its end" in err


def test_the_model_of_an_earlier_store_is_its_first_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM4ES_CACHE", str(tmp_path / "cache"))
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    project = Project(tmp_path / "shop/shop.toml", tmp_path / "store", observer="silent")
    project.serialize()
    assert [project.embed(name, **WINDOW).computed for name in ("tiny-shop", "tiny-shop@v1")] == [0, 0]
    before = project.sql("SELECT entity_id, vector FROM embeddings WHERE model = 'tiny-shop'").to_pylist()
    tuned = project.finetune(str(tmp_path / "tiny"), steps=3, texts="raw", **TUNE)
    assert (tuned.what, tuned.reasons) == (
        "tiny-shop@v2",
        {"other settings": 1},
    )
    assert project.embed("tiny-shop", **WINDOW).what == "tiny-shop@v2"
    assert project.embed("tiny-shop@v1", **WINDOW).computed == 0
    assert project.sql("SELECT entity_id, vector FROM embeddings WHERE model = 'tiny-shop'").to_pylist() == before
