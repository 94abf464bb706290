"""The daily job that is killed in each of its stages: the next day finds it whole."""

import multiprocessing
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.kills import PRELOADED, alike, rows_of
from llm4es_store import Store

from .growing import Growing, Row

STAGES = ("serialize", "finetune", "embed", "probe")
EQUAL = ("events_shop", "texts", "labels", "splits", "event_vectors", "embeddings", "predictions", "probes")
"""Tables that a store which was built at once has too; a model tuned on other texts is another."""

PEOPLE, PRODUCTS = 12, ("tea", "milk", "rice", "salt")


def bought(day: int) -> list[Row]:
    """Three customers a day, one of them new; all of them on the first."""
    people = range(PEOPLE) if day == 1 else (day, day + 3, PEOPLE + day)
    return [
        (f"c{who}", f"2026-01-{day:02d} {10 + at}:00:00", PRODUCTS[(who * day + at) % len(PRODUCTS)], 100 * day + at)
        for at, who in enumerate(people)
    ]


def job(recipe: Path, store: Path, model: str, killed: str) -> None:
    """A day's job; killed as soon as a stage has committed something, where one is named."""
    os.environ["OMP_NUM_THREADS"] = "1"
    from llm4es import Project
    from llm4es_store import Run

    def and_die(write: Any) -> Any:
        def written(run: Run, *arguments: Any, **more: Any) -> Any:
            result = write(run, *arguments, **more)
            if run.record.stage == killed:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return written

    for name in ("append", "replace", "replace_rows"):
        setattr(Run, name, and_die(getattr(Run, name)))
    project = Project(recipe, store, observer="silent")
    project.serialize()
    project.finetune(model, steps=1, max_length=64)
    project.embed(model, history="events", k=(1, 2), max_length=64)
    project.probe("loyal", features="tfidf,tinyllama@2 [64 tokens, events]", folds=2, repeats=1, bootstrap=10)


@pytest.fixture
def growing(place: Path) -> Growing:
    growing = Growing(place / "raw")
    people = [f"c{who},{'yes' if who % 2 else 'no'}\n" for who in range(PEOPLE)]
    (growing.folder / "customers.csv").write_text("customer,loyal\n" + "".join(people))
    return growing


@pytest.mark.skipif(sys.platform == "win32", reason="signals of its own")
def test_a_job_that_is_killed_in_each_stage_is_found_whole_by_the_next_day(growing: Growing, model: Path) -> None:
    context: Any = multiprocessing.get_context("forkserver")
    multiprocessing.set_forkserver_preload(PRELOADED["commands"])

    def done(store: str, killed: str = "") -> int:
        process = context.Process(target=job, args=(growing.recipe, growing.folder.parent / store, str(model), killed))
        process.start()
        process.join(300)
        return int(process.exitcode)

    growing.add("day-1.csv", bought(1))
    assert done("store") == 0
    for day, stage in enumerate(STAGES, start=2):
        growing.add(f"day-{day}.csv", bought(day))
        assert done("store", stage) == -signal.SIGKILL
    growing.add("day-9.csv", bought(9))
    assert done("store") == done("at-once") == 0
    grown, at_once = (rows_of(growing.folder.parent / store) for store in ("store", "at-once"))
    for table in EQUAL:
        assert grown[table], table
        assert alike(grown[table], at_once[table]), table
    store = Store(growing.folder.parent / "store")
    statuses = store.sql("SELECT stage, count(*) FROM runs WHERE status = 'killed' GROUP BY 1 ORDER BY min(version)")
    assert statuses.fetchall() == [(stage, 1) for stage in STAGES]
