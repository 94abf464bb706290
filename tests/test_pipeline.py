"""The table of what each stage reads and writes says what the runs themselves have recorded."""

import json
from pathlib import Path

import pytest

from llm4es import Project
from llm4es.project.pipeline import STAGES

from . import shop, tiny

BINNED = """
[[fields]]
name = "size"
from = "amount"
type = "number"
bins = 3
in_text = false
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("LLM4ES_CACHE", str(tmp_path / "cache"))
    model = str(tiny.save(tmp_path / "model"))
    recipe = shop.write(tmp_path / "shop")
    recipe.write_text(recipe.read_text() + BINNED)
    project = Project(recipe, tmp_path / "store", observer="silent")
    project.serialize()
    project.enrich(variants=1)
    project.finetune(model, name="tuned", steps=1, max_length=64)
    project.embed("tuned", k=1, max_length=64, layers="keep")
    project.embed("tuned", k=1, max_length=64, history="events", weights="tfidf")
    project.probe(features="counts,tuned@1 [64 tokens]", folds=2, repeats=1, bootstrap=20)
    return project


def test_stages_write_what_the_table_says_and_nothing_else(project: Project) -> None:
    written: dict[str, set[str]] = {}
    read: dict[str, set[str]] = {}
    for stage, versions in project.store.sql("SELECT stage, versions FROM runs").fetchall():
        for table, version in json.loads(versions).items():
            name = table.partition("/")[0]
            if version["written"] is not None:
                written.setdefault(stage, set()).add(name)
            if version["read"] is not None:
                read.setdefault(stage, set()).add(name)
    assert {stage.name: set(stage.writes) for stage in STAGES} == written
    for stage in STAGES:
        assert read[stage.name] <= {*stage.reads, *stage.sometimes, *stage.writes}, stage.name


def test_every_stage_reads_only_what_was_written_before() -> None:
    known: set[str] = set()
    for stage in STAGES:
        known |= set(stage.writes)
        assert {*stage.reads, *stage.sometimes} <= known | {"models"}, (
            stage.name
        )  # a tuned model may also be of an earlier round
