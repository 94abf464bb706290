"""Versions of a model side by side: what their vectors are called, and what a name without a version stands for."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from llm4es import Project
from llm4es.core.errors import ModelError, OptionError
from llm4es.core.versions import kept_name, version_of, with_version
from llm4es.features.names import parse_features
from llm4es.project.models import list_models, show_model

from . import shop, tiny
from .heard import Heard

WINDOW: dict[str, Any] = {"max_length": 64, "k": 1}
FEW: dict[str, Any] = {"folds": 2, "repeats": 1, "bootstrap": 20}


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture(scope="module")
def made(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of a shop with two versions of a tuned model, the vectors of both, and probes of the first."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LLM4ES_CACHE", str(folder / "cache"))
        project = Project(shop.write(folder / "shop"), folder / "store", observer="silent")
        project.serialize()
        project.finetune(str(model), name="mine", steps=1, max_length=64)
        project.embed("mine", **WINDOW)
        project.probe("loyal", features="mine@1,counts", **FEW)
        project.finetune(str(model), name="mine", steps=2, max_length=64)
        project.embed("mine", **WINDOW)
    return folder / "store"


@pytest.fixture
def tuned(place: Path, made: Path, heard: Heard) -> Project:
    """The shop, and a copy of its store."""
    shutil.copytree(made, place / "store")
    return Project(shop.write(place / "shop"), place / "store", observer=heard)


@pytest.mark.parametrize(
    ("name", "model", "k"),
    [
        ("mine@v2@8", "mine@v2", 8),
        ("mine@v2", "mine@v2", None),
        ("mine@v2+8bit@all", "mine@v2+8bit", 0),
        ("org/mine@v12@1", "org/mine@v12", 1),
        ("org/mine@main@8", "org/mine@main", 8),
        ("mine@8", "mine", 8),
        ("org/mine@8", "org/mine", 8),
    ],
)
def test_a_version_is_no_k(name: str, model: str, k: int | None) -> None:
    (part,) = parse_features(name)
    assert (part.model, part.k, part.name) == (model, k, name)
    joined = parse_features(f"{name} [64 tokens]+tfidf")
    assert [(each.model, each.k, each.settings) for each in joined] == [(model, k, " [64 tokens]"), (None, None, "")]


def test_names_and_numbers() -> None:
    for family in ("mine", "mine+8bit", "org/mine", "mine+8bit+bfloat16", "mine#1a2b3c4d"):
        for number in (1, 2, 13):
            assert version_of(with_version(family, number)) == (family, number)
            assert version_of(kept_name(family, number)) == (family, number)


def test_the_bare_name_is_the_newest_version(tuned: Project) -> None:
    first, second = (tuned.sql(f"SELECT vector FROM embeddings WHERE model = '{name}' ORDER BY entity_id").to_pandas()
                     for name in ("mine", "mine@v2"))  # fmt: skip
    for name, rows in (("mine", second), ("mine@v2", second), ("mine@v1", first)):
        _, matrix = tuned.vectors(name, k=1)
        np.testing.assert_array_equal(matrix, np.stack(rows["vector"].to_list()))
    shown = {name: tuned.similar("c1", model=name, k=1, n=1).features for name in ("mine", "mine@v1", "mine@v2")}
    assert shown == {"mine": "mine@v2@1 [64 tokens]", "mine@v1": "mine@v1@1 [64 tokens]"} | {
        "mine@v2": "mine@v2@1 [64 tokens]"
    }


def test_what_is_probed_and_compared(tuned: Project, heard: Heard) -> None:
    assert [row["features"] for row in tuned.compare("loyal")] == ["counts"]  # the first's probe is of no newest model
    tuned.probe("loyal", **FEW)
    assert {row["features"] for row in tuned.compare("loyal") if row["model"]} == {"mine@v2@1 [64 tokens]"}
    tuned.probe("loyal", features="mine@v1@1,mine@1,vote(mine@v1@1, mine@v2@1)", **FEW)
    rows = {row["features"]: row["model"] for row in tuned.compare("loyal") if row["model"]}
    both = "vote(mine@v1@1 [64 tokens], mine@v2@1 [64 tokens])"
    assert rows.keys() == {"mine@v1@1 [64 tokens]", "mine@v2@1 [64 tokens]", both}
    assert tuned.probe("loyal", features="mine@v1@1,mine@1", **FEW)[0].computed == 0


def test_patterns(tuned: Project) -> None:
    def probed(pattern: str) -> int:
        return tuned.probe("loyal", features=pattern, dry_run=True, **FEW)[0].rows

    assert [probed(pattern) for pattern in ("mine*", "mine@*", "mine@v*@1*", "mine@v1@*")] == [1, 1, 2, 1]
    with pytest.raises(OptionError, match=r"mine@v1@1 \[64 tokens\], mine@v2@1 \[64 tokens\]"):
        tuned.probe("loyal", features="mine@v3@1", **FEW)


def test_versions_differ(tuned: Project) -> None:
    rows = {row["measure"]: row for row in tuned.diff("mine@v1@1 [64 tokens]", "mine@1 [64 tokens]")}
    assert rows["entities before"]["value"] == rows["entities after"]["value"] == 20
    probed, now = (
        tuned.sql(f"SELECT max(version) AS v FROM runs {which}").to_pylist()[0]["v"]
        for which in ("WHERE stage = 'probe'", "")
    )
    told = {row["features"] for row in tuned.diff(str(probed), str(now))}
    assert {"mine@v1@1 [64 tokens]", "mine@v2@1 [64 tokens]"} <= told  # the first is called alike at both times


@pytest.mark.parametrize("quantized", [False, True])
def test_weights_that_were_replaced_are_a_version(place: Path, tmp_path: Path, heard: Heard, quantized: bool) -> None:
    words: dict[str, Any] = WINDOW | ({"dtype": "bfloat16"} if quantized else {})
    suffix = "+bfloat16" if quantized else ""
    folder, other = tiny.save(tmp_path / "mine"), tiny.save(tmp_path / "other", seed=1)
    kept = (folder / "model.safetensors").read_bytes()
    project = Project(shop.write(place / "shop"), place / "store", observer=heard)
    project.serialize()
    project.embed(str(folder), **words)
    before = project.sql("SELECT entity_id, vector FROM embeddings ORDER BY 1").to_pandas()
    shutil.copyfile(other / "model.safetensors", folder / "model.safetensors")
    heard.since()
    again = project.embed(str(folder), **words)
    assert (again.what, again.computed, again.reasons) == (f"mine@v2{suffix}", 20, {"model changed": 20})
    assert f"mine{suffix} stands for other weights in this store: those of {folder} are {again.what}" in heard.since()
    assert project.embed(str(folder), **words).computed == 0
    after = project.sql(f"SELECT entity_id, vector FROM embeddings WHERE model = 'mine{suffix}' ORDER BY 1").to_pandas()
    assert after["vector"].map(tuple).tolist() == before["vector"].map(tuple).tolist()  # no vector was deleted
    (folder / "model.safetensors").write_bytes(kept)
    assert (project.embed(str(folder), **words).what, project.embed(str(folder), **words).computed) == (
        f"mine{suffix}",
        0,
    )


def test_another_model_of_the_name_is_no_version(place: Path, tmp_path: Path, heard: Heard) -> None:
    project = Project(shop.write(place / "shop"), place / "store", observer=heard)
    project.serialize()
    for seed, run in enumerate(("run-a", "run-b")):
        project.embed(str(tiny.save(tmp_path / run / "final", seed=seed)), **WINDOW)
    names = [row["model"] for row in project.sql("SELECT DISTINCT model FROM embeddings ORDER BY 1").to_pylist()]
    assert names[0] == "final"
    assert names[1].startswith("final#")
    assert project.probe("loyal", features="final*", dry_run=True, **FEW)[0].rows == 2


def test_a_folder_that_is_called_like_a_version(project: Project, tmp_path: Path) -> None:
    folder = tiny.save(tmp_path / "mine@v2")
    project.serialize()
    with pytest.raises(ModelError, match=r"mine@v2: mine@v2 reads as version 2 of mine: rename it"):
        project.embed(str(folder), **WINDOW)


def test_models_that_there_are(tuned: Project) -> None:
    listed = [row["model"] for row in list_models(tuned.store)]
    assert listed[-2:] == ["mine", "mine@v2"]
    shown = {name: show_model(tuned.store, name) for name in ("mine", "mine@v1")}
    assert [(shown[name]["model"], shown[name]["version"], shown[name]["steps"]) for name in shown] == [
        ("mine@v2", 2, 2),
        ("mine", 1, 1),
    ]


def imported(project: Project, vectors: dict[str, list[float]], **options: Any) -> Any:
    rows = pa.table({"entity_id": list(vectors), "vector": list(vectors.values())})
    return project.import_vectors(rows, "coles", **options)


def test_vectors_imported_anew(place: Path, heard: Heard) -> None:
    project = Project(shop.write(place / "shop"), place / "store", observer=heard)
    project.serialize()
    first = {f"c{i}": [float(i), 1.0] for i in range(20)}
    assert (imported(project, first, seen="all").what, imported(project, first).computed) == ("coles", 0)
    some = first | {"c0": [7.0, 7.0], "c1": [8.0, 8.0]}
    assert (imported(project, some).what, imported(project, some).computed) == ("coles", 0)  # two have changed
    other = {entity: [-y, x] for entity, (x, y) in some.items()}
    heard.since()
    done = imported(project, other)
    assert (done.what, done.computed) == ("coles@v2", 20)
    assert (
        "import coles: 20 of 20 vectors are others: they are coles@v2, and coles stays until `gc --models`"
        in heard.said
    )
    assert imported(project, other).computed == 0
    assert imported(project, {entity: [x] for entity, (x, _) in other.items()}).what == "coles@v3"
    rows = project.sql("SELECT model, count(*) n, any_value(dim) d FROM embeddings GROUP BY 1 ORDER BY 1").to_pylist()
    assert [tuple(row.values()) for row in rows] == [("coles", 20, 2), ("coles@v2", 20, 2), ("coles@v3", 20, 1)]
    seen = project.sql("SELECT model, count(*) n FROM exposures GROUP BY 1 ORDER BY 1").to_pylist()
    assert [tuple(row.values()) for row in seen] == [(name, 20) for name in ("coles", "coles@v2", "coles@v3")]
    assert project.vectors("coles", k=1)[1].shape == (20, 1)
    assert project.vectors("coles@v1", k=1)[1].shape == (20, 2)
    assert project.probe("loyal", features="coles,coles@v2,counts", dry_run=True, **FEW)[0].rows == 3
