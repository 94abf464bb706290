"""Stages at the store: texts, variants and vectors are compared and written where a worker is, as in one process.

The worker is this process; what a cluster adds is another test's.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from llm4es import Project
from llm4es.project.increments import Increment, Setup
from llm4es.project.observer import Advance
from llm4es.project.portions import Portions

from . import growing, shop
from .test_cutoff_own import ROWS, dated

TABLES = ("events_shop", "texts", "labels", "splits")


class AtTheStore:
    """An executor that is handed what those of a cluster are, a few rows at a time, and does it here."""

    at_the_store = True

    def __init__(self) -> None:
        self.portions = 0

    def map(self, setup: Setup, batches: Iterable[pa.RecordBatch], advance: Advance) -> Iterator[Increment]:
        portions = Portions(batches, 1, most_rows=7, fewest_rows=5)
        work = setup()
        while (portion := portions.take()) is not None:
            self.portions += 1
            yield from work([portion.rows], advance)
            portions.finished()


def rows(project: Project) -> dict[str, list[tuple[Any, ...]]]:
    found = {
        table: project.store.sql(f"SELECT * EXCLUDE (run_id) FROM {table} ORDER BY ALL").fetchall() for table in TABLES
    }
    reasons = "SELECT rows_in, rows_computed, rows_reused, reasons FROM runs ORDER BY version"
    return found | {"runs": project.store.sql(reasons).fetchall()}


Steps = Callable[[Path, Callable[[Path | str], Project]], Project]


def days(place: Path, open_project: Callable[[Path | str], Project]) -> Project:
    """Somebody is new, has changed, or is gone; a sample; another cut-off, whom it leaves without a text."""
    project = open_project(shop.write(place / "shop", customers=22))
    project.serialize()
    shop.write(place / "shop", customers=21, changed={3: "oats", 7: "oil"})
    project.serialize()
    shop.write(place / "shop", customers=30)
    project.serialize()
    project.serialize(max_events=2)
    project.serialize(as_of="2026-01-03")
    return project


def own_cutoffs(place: Path, open_project: Callable[[Path | str], Project]) -> Project:
    """Texts end at each entity's own date, which some do not have; then dates move."""
    made = dated(place, ROWS[3:])
    project = open_project(place / "shop" / "shop.toml")
    assert made.recipe == project.recipe
    project.serialize()
    dated(place, [(entity, label, "2026-01-01" if entity == "c5" else day) for entity, label, day in ROWS[:9]])
    project.serialize()
    return project


def growing_folder(place: Path, open_project: Callable[[Path | str], Project]) -> Project:
    """A folder that grows, of whose second day new rows alone are read."""
    made = growing.Growing(place / "grows")
    for file in made.folder.glob("day-*.csv"):
        file.unlink()
    project = open_project(made.recipe)
    for day, events in enumerate((growing.FIRST, growing.SECOND)):
        made.add(f"day-{day}.csv", events)
        project.serialize()
    return project


@pytest.mark.parametrize("steps", [days, own_cutoffs, growing_folder])
def test_the_rows_are_those_of_one_process(tmp_path: Path, steps: Steps) -> None:
    executor = AtTheStore()
    here = steps(tmp_path, lambda recipe: Project(recipe, tmp_path / "here", observer="silent"))
    there = steps(tmp_path, lambda recipe: Project(recipe, tmp_path / "there", executor=executor, observer="silent"))
    assert rows(there) == rows(here)
    assert not there.store.check().num_rows
    assert executor.portions >= 2


def test_variants_and_vectors_are_those_of_one_process(tmp_path: Path, model: Path) -> None:
    executor, recipe = AtTheStore(), shop.write(tmp_path / "shop")
    found = []
    for project in (
        Project(recipe, tmp_path / "here", observer="silent"),
        Project(recipe, tmp_path / "there", executor=executor, observer="silent"),
    ):
        project.serialize()
        project.enrich(variants=1)
        ways: list[dict[str, Any]] = [{"texts": "all"}, {"history": "events"}]
        for options in ways:
            assert project.embed(str(model), k=(1, 2), max_length=64, **options).computed == 40
            assert project.embed(str(model), k=(1, 2), max_length=64, **options).computed == 0
        project.embed(str(model), k=3, max_length=64, texts="all", layers="keep")
        assert not project.store.check().num_rows
        found.append(
            {
                table: project.store.sql(f"SELECT * EXCLUDE (run_id) FROM {table} ORDER BY ALL").to_arrow_table()
                for table in ("texts", "embeddings", "event_vectors", "layers", "canaries")
            }
        )
    for table, here in found[0].items():
        there = found[1][table]
        plain = [column for column in here.column_names if column not in ("vector", "created_at")]
        assert there.select(plain).equals(here.select(plain)), table
        if "vector" in here.column_names:
            one, other = (np.array(rows["vector"].to_pylist()) for rows in (there, here))
            assert np.allclose(one, other, rtol=1e-5, atol=1e-6), table
    assert executor.portions > 20
