"""``llm4es.Project`` and ``llm4es.encode``: the face of the library, as a notebook uses it."""

import inspect
import logging
import pickle
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from llm4es import Project
from llm4es.core.errors import OptionError
from llm4es.embed import embed
from llm4es.models import load_model, resolve
from llm4es.options import (
    EmbedOptions,
    EnrichOptions,
    FinetuneOptions,
    LoadOptions,
    Options,
    ProbeOptions,
    RunOptions,
    SelectOptions,
    SerializeOptions,
    WorkerOptions,
)
from llm4es.project.executor import Increment, Setup
from llm4es.project.observer import Advance
from llm4es.recipes import load_recipe, locate, read_events
from llm4es.serialize import serialize

from . import shop

WINDOW: dict[str, Any] = {"max_length": 64}


def test_the_whole_way_without_the_command_line(project: Project, model: Path) -> None:
    assert project.serialize().computed == 20
    assert project.enrich(by="rules", variants=2).computed == 40
    tuned = project.finetune(model=str(model), name="mine", steps="dry_run", **WINDOW)
    assert (tuned.stage, tuned.what, tuned.computed) == ("finetune", "mine", 1)
    planned = project.embed(model=str(model), k=(1, "all"), dry_run=True, **WINDOW)
    done = project.embed(model=str(model), k=(1, "all"), **WINDOW)
    assert (planned.computed, planned.dry_run, done.computed) == (40, True, 40)
    assert project.embed(model="mine", k="1", history="newest", **WINDOW).computed == 20
    assert [outcome.computed for outcome in project.probe("loyal", features=["tfidf", "counts"], folds=3)] == [2]
    compared = project.compare("loyal")
    assert {row["features"] for row in compared} == {"tfidf", "counts"}
    assert repr(compared).startswith("loyal: roc_auc on 20 entities")
    assert compared._repr_html_().startswith("<p><strong>loyal: roc_auc on 20 entities")
    assert compared._repr_html_().count("<th>") < len(compared.column_names) / 2
    ids, matrix = project.vectors("tinyllama", k=4)
    assert (matrix.shape, str(matrix.dtype)) == ((20, 32), "float32")
    assert ids.to_pylist() == sorted(ids.to_pylist())
    for repeated in (
        project.serialize(),
        project.enrich(by="rules", variants=2),
        project.embed(model=str(model), **WINDOW, k=(1, 4)),
    ):
        assert repeated.computed == 0


def test_vectors_are_those_of_the_pure_stages(project: Project, place: Path, model: Path) -> None:
    project.serialize()
    project.embed(model=str(model), k=2, **WINDOW)
    ids, matrix = project.vectors("tinyllama", k=2)
    recipe = load_recipe(place / "shop/shop.toml")
    texts = list(serialize(read_events(recipe, locate(recipe), SerializeOptions()), recipe, SerializeOptions()))
    rows = pa.Table.from_batches(embed(texts, load_model(resolve(str(model))), EmbedOptions(k=(2,), max_length=64)))
    plain = dict(zip(rows["entity_id"].to_pylist(), rows["vector"].to_pylist(), strict=True))
    np.testing.assert_allclose(matrix, [plain[entity] for entity in ids.to_pylist()], atol=1e-5)


def test_the_store_keeps_the_recipe_and_says_when_the_file_has_changed(
    project: Project, place: Path, caplog: pytest.LogCaptureFixture
) -> None:
    project.serialize()
    toml = place / "shop/shop.toml"
    assert Project("shop", place / "store", observer="log").recipe.content_hash() == project.recipe.content_hash()
    assert not caplog.records
    toml.write_text(toml.read_text().replace("decimals = 2", "decimals = 1"))
    with caplog.at_level(logging.WARNING, "llm4es"):
        kept = Project("shop", place / "store", observer="log")
    assert f"{toml} has changed since 'shop' was serialized" in caplog.text
    assert kept.recipe.content_hash() == project.recipe.content_hash()
    changed = Project(toml, place / "store", observer="silent")
    assert changed.serialize().computed == 20
    assert Project("shop", place / "store").recipe.content_hash() == changed.recipe.content_hash()


def test_results_are_frames_of_the_caller_s_choice(project: Project) -> None:
    project.serialize()
    result = project.sql("SELECT entity_id, n_events FROM texts ORDER BY 1")
    assert isinstance(result.to_pandas(), pd.DataFrame)
    assert isinstance(result.to_polars(), pl.DataFrame)
    assert result.to_arrow().num_rows == len(result) == 20
    assert pl.DataFrame(result).height == 20  # by the Arrow interface alone
    assert repr(result).splitlines()[:2] == ["entity_id  n_events", "c0                3"]
    assert result._repr_html_().startswith("<table><thead><tr><th>entity_id</th>")
    html = project.sql("SELECT '<script>' AS name")._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_imported_vectors_are_compared_like_our_own(project: Project) -> None:
    project.serialize()
    frame = pd.DataFrame({"id": [f"c{i}" for i in range(20)], "x": np.arange(20.0), "y": np.ones(20)})
    assert project.import_vectors(frame, name="coles").computed == 20
    assert project.import_vectors(frame, name="coles").computed == 0
    project.probe("loyal", features="coles,counts", folds=3)
    assert {row["features"] for row in project.compare()} == {"coles", "counts"}
    assert project.import_vectors(frame.iloc[:19], name="coles").reasons == {"vanished": 1}
    assert project.sql("SELECT count(*) AS n FROM embeddings WHERE model = 'coles'").to_pylist() == [{"n": 19}]


def test_observers_by_name(place: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    recipe = shop.write(place / "shop")
    (place / "shop/customers.csv").write_text("customer,loyal\nc0,no\nc1,yes\nstranger,no\n")
    Project(recipe, place / "one", observer="silent").serialize()
    assert capsys.readouterr() == ("", "")
    with caplog.at_level(logging.INFO, "llm4es"):
        Project(recipe, place / "two", observer="log").serialize()
    assert "1 entities have labels and no events" in caplog.text
    Project(recipe, place / "three", observer="bar").serialize()
    assert "1 entities have labels and no events" in capsys.readouterr().err
    with pytest.raises(OptionError, match="observer 'loud' is unknown: give one of bar, log, silent"):
        Project(recipe, place / "four", observer="loud")


class Elsewhere:
    """An executor whose set-ups travel as bytes, as to another machine; it says what came back."""

    def __init__(self) -> None:
        self.tables: list[str] = []

    def map(self, setup: Setup, batches: Iterable[pa.RecordBatch], advance: Advance) -> Iterator[Increment]:
        for increment in pickle.loads(pickle.dumps(setup))()(batches, advance):
            self.tables += [rows.table for rows in increment]
            yield increment


def test_the_stages_that_are_mapped_travel_as_bytes(place: Path, model: Path) -> None:
    recipe = shop.write(place / "shop")
    here = Project(recipe, place / "here", observer="silent")
    executor = Elsewhere()
    there = Project(recipe, place / "there", observer="silent")
    for project in (here, there):
        project.serialize()
    away = Project(recipe, place / "there", observer="silent", executor=executor)
    for project in (here, away):
        project.enrich(by="rules", variants=2)
        project.embed(model=str(model), k=(1, 2), layers="keep", **WINDOW)
    assert set(executor.tables) == {"texts", "embeddings", "layers", "canaries"}
    texts = "SELECT entity_id, variant, text FROM texts ORDER BY ALL"
    assert here.store.sql(texts).fetchall() == there.store.sql(texts).fetchall()
    for k in (1, 2):
        np.testing.assert_allclose(here.vectors("tinyllama", k=k)[1], there.vectors("tinyllama", k=k)[1], atol=1e-6)


STEPS: dict[str, tuple[type[Options], ...]] = {
    "serialize": (SerializeOptions,),
    "enrich": (EnrichOptions, LoadOptions),
    "finetune": (FinetuneOptions, LoadOptions),
    "embed": (EmbedOptions, LoadOptions, WorkerOptions),
    "probe": (ProbeOptions, SelectOptions),
    "run": (RunOptions, LoadOptions),
}
"""Step -> the classes whose every option it takes."""


@pytest.mark.parametrize("step", STEPS)
def test_every_option_of_a_step_can_be_given(project: Project, model: Path, step: str) -> None:
    project.serialize()
    options = {name: None for cls in STEPS[step] for name in cls.settings()}  # None: not given
    method = getattr(project, step)
    assert options.keys() <= inspect.signature(method).parameters.keys()
    words = {"model": str(model)} if step in ("finetune", "embed", "run") else {}
    sized = {"max_length": 64} if "max_length" in options else {}
    assert method(dry_run=True, **words, **(options | sized)) is not None
    for name in options:
        assert f"\n{name} : " in method.__doc__, name
