"""``embed --align-to``: a version's vectors turned into another's space by one map, what is told and refused."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.linalg import orthogonal_procrustes

from llm4es import Project
from llm4es.core.errors import OptionError
from llm4es.project.same_space import same_space

from . import shop, tiny
from .heard import Heard

WINDOW: dict[str, Any] = {"max_length": 64, "k": 1}
CUSTOMERS = 60
"""Some forty of them are train entities, and a vector has 32 numbers."""


def vectors(project: Project, condition: str) -> dict[str, NDArray[np.float32]]:
    rows = project.sql(f"SELECT entity_id, vector FROM embeddings WHERE {condition}").to_pylist()
    return {row["entity_id"]: np.asarray(row["vector"], np.float32) for row in rows}


def split(project: Project) -> dict[str, str]:
    return {row["entity_id"]: row["split"] for row in project.sql("SELECT entity_id, split FROM splits").to_pylist()}


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture(scope="module")
def tuned(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with two versions of a tuned model, of which the first has vectors of everybody."""
    folder = tmp_path_factory.mktemp("tuned")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LLM4ES_CACHE", str(folder / "cache"))
        made = Project(shop.write(folder / "shop", CUSTOMERS), folder / "store", observer="silent")
        made.serialize()
        for steps in (1, 20):
            made.finetune(str(model), name="mine", steps=steps, max_length=64, method="full", learning_rate=1e-2)
        made.embed("mine@v1", **WINDOW)
    return folder / "store"


@pytest.fixture
def project(place: Path, tuned: Path, heard: Heard) -> Project:
    """The shop, and a store of its own."""
    shutil.copytree(tuned, place / "store")
    return Project(shop.write(place / "shop", CUSTOMERS), place / "store", observer=heard)


def test_the_map_is_procrustes_of_common_train_entities(project: Project, place: Path, heard: Heard) -> None:
    heard.since()
    done = project.embed("mine", align_to="v1", **WINDOW)
    assert (done.what, done.computed) == ("mine@v2 aligned to mine@v1", CUSTOMERS)
    first, second = vectors(project, "model = 'mine'"), vectors(project, "model = 'mine@v2' AND aligned_to IS NULL")
    turned = vectors(project, "model = 'mine@v2' AND aligned_to = 'mine@v1'")
    train = [entity for entity, part in split(project).items() if part == "train"]
    others = sorted(first.keys() - set(train))
    x, y = (np.stack([each[entity] for entity in train]) for each in (second, first))
    matrix, _ = orthogonal_procrustes(x.astype(np.float64), y.astype(np.float64))
    for entity, vector in turned.items():
        np.testing.assert_allclose(vector, second[entity] @ matrix, rtol=1e-3, atol=1e-4)

    def error(entities: list[str], about: Any = 0.0) -> float:
        left = np.stack([second[each] @ matrix - first[each] for each in entities])
        return float(np.linalg.norm(left) / np.linalg.norm(np.stack([first[each] - about for each in entities])))

    mean = y.mean(0)
    of = "of what entities differ by"
    told = f"relative residual {error(train):.3f} ({error(train, mean):.3f} {of}) on the {len(train)} train entities"
    told += f" it was fitted on, {error(others):.3f} ({error(others, mean):.3f} {of}) on {len(others)} others"
    assert f"k 1: {told}" in done.message
    before, after = (np.linalg.norm(np.stack([v[e] - first[e] for e in others])) for v in (second, turned))
    assert after < before  # nearer than without it, of entities that it was not fitted on


def test_tomorrow_is_turned_by_the_same_map(project: Project, place: Path, heard: Heard) -> None:
    project.embed("mine", align_to="v1", **WINDOW)
    kept = project.sql("SELECT fit_hash, run_id FROM event_fits").to_pylist()
    before = vectors(project, "aligned_to IS NOT NULL")
    assert project.embed("mine", align_to="mine@v1", **WINDOW).computed == 0
    shop.write(place / "shop", CUSTOMERS + 5, changed={0: "coffee"})
    project.serialize()
    planned = project.embed("mine", align_to="v1", dry_run=True, **WINDOW)
    done = project.embed("mine", align_to="v1", **WINDOW)
    assert (planned.computed, done.computed, done.reused) == (6, 6, CUSTOMERS - 1)
    assert project.sql("SELECT fit_hash, run_id FROM event_fits").to_pylist() == kept
    now = vectors(project, "aligned_to IS NOT NULL")
    plain = vectors(project, "model = 'mine@v2' AND aligned_to IS NULL")
    same = [entity for entity in before if entity != "c0"]
    assert all((now[entity] == before[entity]).all() for entity in same)
    x, y = (np.stack([each[entity] for entity in same]) for each in (plain, now))
    matrix, *_ = np.linalg.lstsq(x, y, rcond=None)  # the map, read off those of yesterday
    for entity in ("c0", *(f"c{CUSTOMERS + new}" for new in range(5))):
        np.testing.assert_allclose(now[entity], plain[entity] @ matrix, rtol=1e-2, atol=1e-3)
    assert len(project.sql("SELECT DISTINCT fingerprint FROM embeddings WHERE aligned_to IS NOT NULL").to_pylist()) == 1


def test_what_lies_in_one_space(project: Project) -> None:
    project.embed("mine", align_to="v1", **WINDOW)
    query = "SELECT DISTINCT model, aligned_to, config_id FROM embeddings"
    made = {(row["model"], row["aligned_to"]): row["config_id"] for row in project.sql(query).to_pylist()}
    first, second, turned = made["mine", None], made["mine@v2", None], made["mine@v2", "mine@v1"]
    alike = {(a, b): same_space(project.store, "shop", a, b) for a in (first, second) for b in (second, turned)}
    assert alike == {
        (first, second): False,
        (first, turned): True,
        (second, second): True,
        (second, turned): False,
    }
    few: dict[str, Any] = {"folds": 2, "repeats": 1, "bootstrap": 20}
    project.probe("loyal", features="mine@v1@1,mine@1 [64 tokens],mine@1 [64 tokens, aligned to mine@v1]", **few)
    shown = {row["features"] for row in project.compare("loyal")}
    assert shown == {f"mine@{each}]" for each in ("v1@1 [64 tokens", "v2@1 [64 tokens")} | {
        "mine@v2@1 [64 tokens, aligned to mine@v1]"
    }
    _, matrix = project.vectors("mine", k=1)
    assert set(map(tuple, matrix.tolist())) == {
        tuple(vector.tolist()) for vector in vectors(project, "model = 'mine@v2' AND aligned_to IS NULL").values()
    }


@pytest.mark.parametrize(
    ("align_to", "options", "message"),
    [
        ("v9", {}, r"--align-to v9: no vectors of mine@v9 in 'shop': there are mine@v1$"),
        ("v2", {}, r"--align-to v2 is what is embedded: name another version"),
        ("mine@v9", {}, r"--align-to mine@v9: mine has no version v9: there is v1$"),
        (
            "v1",
            {"k": 2},
            r"--align-to v1: mine@v1 has no vectors with these settings and k 2 in 'shop': `llm4es embed shop",
        ),
        ("v1", {"max_length": 32}, r"--align-to v1: mine@v1 has no vectors with these settings in 'shop'"),
    ],
)
def test_what_cannot_be_aligned_to(project: Project, align_to: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        project.embed("mine", align_to=align_to, **{**WINDOW, **options})
    assert project.sql("SELECT DISTINCT model FROM embeddings").to_pylist() == [{"model": "mine"}]  # nothing was begun


def test_too_few_and_too_wide(place: Path, model: Path, tmp_path: Path) -> None:
    project = Project(shop.write(place / "shop"), place / "store", observer="silent")
    project.serialize()
    project.embed(str(model), **WINDOW)
    other = tiny.save(tmp_path / "gpt", "gpt2")
    with pytest.raises(OptionError, match=r"16 train entities have vectors of their present texts in tinyllama \(k 1"):
        project.embed(str(other), align_to="tinyllama", **WINDOW)
    with pytest.raises(OptionError, match="--align-to v1 with --engine openai"):
        project.embed("bge", engine="openai", base_url="http://127.0.0.1:9/v1", align_to="v1")


def test_single_events(project: Project) -> None:
    events: dict[str, Any] = {"history": "events", "max_length": 64, "k": 1, "by": "product"}
    project.embed("mine@v1", **events)
    done = project.embed("mine", align_to="v1", **events)
    assert done.computed == CUSTOMERS
    rows = project.sql(
        "SELECT count(*) n, any_value(reading) r FROM embeddings WHERE aligned_to = 'mine@v1'"
    ).to_pylist()
    assert rows == [{"n": CUSTOMERS, "r": "events, by product"}]
