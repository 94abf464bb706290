"""What work costs by the record of runs: start-up and work apart, from numbers that are given."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from llm4es import Project
from llm4es.project.costs import Amount, estimate
from llm4es.project.underway import Underway
from llm4es_store import Store

LIKE = {"layers": 30}
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store", create=True)


def past(store: Store, tokens: int, seconds: float, ready: float, working: float | None) -> None:
    """A run of so many tokens and seconds."""
    with store.run("embed", "shop", {}, "0") as run:
        run.record.started_at, run.record.ended_at = BEGAN, BEGAN + timedelta(seconds=seconds)
        run.record.ready, run.record.working = ready, working
        run.record.cost = Amount(tokens).recorded(LIKE)
        run.begin()


def seconds_of(store: Store, tokens: int) -> float | None:
    return estimate(store, "embed", LIKE, Amount(tokens)).seconds


def test_the_start_up_of_a_tiny_run_is_no_work(store: Store) -> None:
    past(store, tokens=300, seconds=12.0, ready=10.0, working=0.5)  # planning and the record take the other 1.5
    assert seconds_of(store, 30_000) == pytest.approx(11.5 + 50.0)
    assert seconds_of(store, 300) == pytest.approx(12.0)


def test_of_several_runs_the_larger_tells_the_rate(store: Store) -> None:
    past(store, tokens=100, seconds=12.0, ready=10.0, working=1.0)
    past(store, tokens=9_900, seconds=30.0, ready=10.0, working=19.0)
    past(store, tokens=0, seconds=99.0, ready=10.0, working=0.0)  # says nothing
    assert seconds_of(store, 20_000) == pytest.approx(11.0 + 40.0)


def test_runs_of_earlier_versions_tell_all_but_their_loading(store: Store) -> None:
    past(store, tokens=300, seconds=12.0, ready=11.0, working=None)
    assert seconds_of(store, 3_000) == pytest.approx(11.0 + 10.0)
    past(store, tokens=300, seconds=20.0, ready=11.0, working=1.0)
    assert seconds_of(store, 3_000) == pytest.approx(15.0 + 10.0)


def test_the_time_left_is_told_by_the_work_alone() -> None:
    work, said = Underway("embed m", 4, "entities", began=0.0), []
    for moment, step in ((100.0, 0), (102.0, 1), (103.0, 0), (104.0, 1), (109.0, 0)):
        work.advance(step, moment)
        said.append(work.line(moment))
    left = ((1, "6.0s"), (1, "5.0s"), (2, "4.0s"), (2, "2.0s"))  # never less than one unit takes
    assert said == [
        "embed m: 0/4 entities, after 0.0s",
        *(f"embed m: {done}/4 entities, {rest} left" for done, rest in left),
    ]


def test_a_run_keeps_both(project: Project, model: Path) -> None:
    project.serialize()
    project.embed(model=str(model), k=1, max_length=32, device="cpu")
    ((seconds, text),) = project.store.sql("SELECT seconds, cost FROM runs WHERE stage = 'embed'").fetchall()
    cost = json.loads(text)
    assert cost["working"] > 0
    assert cost["ready"] > 0
    assert cost["ready"] + cost["working"] <= seconds + 0.01  # both are rounded
