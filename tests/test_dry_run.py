"""What ``run --dry-run`` tells is what ``run`` then does, a stage after the other, and telling it changes nothing."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llm4es import Project
from llm4es.project.outcome import Outcome
from llm4es.project.run_result import RunResult
from llm4es_store import Store

from . import shop
from .heard import Heard
from .test_cutoff_own import ROWS, dated

pytestmark = pytest.mark.usefixtures("few_folds")

STORIES: dict[str, Any] = {"history": "newest", "k": 1, "max_length": 64, "variants": 1, "finetune": 1}
EVENTS: dict[str, Any] = {"k": 1, "max_length": 64, "variants": 0, "finetune": 1}


def content(folder: Path) -> dict[str, tuple[str, int]]:
    """File -> what is in it, and when it was written."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns) for path in files}


def told(result: RunResult) -> list[tuple[Any, ...]]:
    """Stage by stage: of what, how many rows, how many of them are made, how many reused, and why."""
    return [(each.stage, each.what, each.rows, each.computed, each.reused, each.why) for each in result.outcomes]


def planned_and_done(project: Project, **options: Any) -> tuple[RunResult, RunResult]:
    """The plan and the run, which are alike; the plan has written nothing."""
    root = Path(project._store if isinstance(project._store, str | Path) else project._store.layout.root)
    before = content(root)
    planned = project.run(dry_run=True, **options)
    assert content(root) == before
    assert all(outcome.dry_run for outcome in planned.outcomes)
    done = project.run(**options)
    assert told(planned) == told(done)
    return planned, done


def stages(result: RunResult, stage: str) -> list[Outcome]:
    return [outcome for outcome in result.outcomes if outcome.stage == stage]


def relabelled(folder: Path) -> None:
    """Three customers are the other kind now."""
    path = folder / "customers.csv"
    text = path.read_text()
    for customer in ("c2", "c3", "c5"):
        old = next(line for line in text.splitlines() if line.startswith(f"{customer},"))
        text = text.replace(old, f"{customer},{'no' if old.endswith('yes') else 'yes'}")
    path.write_text(text)


Change = Callable[[Path], object]


def same(_: Path) -> None:
    """The files stay as they are."""


TUNED: list[tuple[str, Change, dict[str, Any], str, str]] = [
    # what it is, what happens to the files, other options, stages with something to do, and stages without
    ("a first tuning", lambda at: shop.write(at, 12), {}, "serialize enrich finetune embed probe", ""),
    ("nothing to do", same, {}, "", "serialize enrich finetune embed probe"),
    ("new entities", lambda at: shop.write(at, 14), {}, "serialize enrich embed probe", "finetune"),
    ("tuned anew", same, {"retune": True}, "finetune embed probe", "serialize enrich"),
    ("another tuning", same, {"finetune": 2}, "finetune embed probe", "serialize enrich"),
]  # fmt: skip

UNTUNED: list[tuple[str, Change, dict[str, Any], str, str]] = [
    ("an empty store", lambda at: shop.write(at, 12), {}, "serialize enrich embed probe", ""),
    ("changed entities", lambda at: shop.write(at, 12, {7: "coffee"}), {}, "serialize enrich embed probe", ""),
    ("vanished entities", lambda at: shop.write(at, 11, {7: "coffee"}), {}, "probe", "serialize enrich embed"),
    ("other labels", relabelled, {}, "probe", "serialize enrich embed"),
    ("new variants", same, {"variants": 3}, "enrich", "serialize embed"),
    ("another k", same, {"k": (1, 3)}, "embed probe", "serialize enrich"),
    ("another length", same, {"max_length": 48}, "embed probe", "serialize enrich"),
    ("a cut-off", same, {"as_of": "2026-01-03"}, "serialize enrich embed probe", ""),
    ("no cut-off any more", same, {"as_of": "none"}, "", "serialize enrich embed"),
    ("fewer entities", same, {"max_entities": 10}, "probe", "serialize enrich embed"),
]


@pytest.mark.parametrize(("situations", "finetune"), [(TUNED, 1), (UNTUNED, "none")], ids=["tuned", "untuned"])
def test_the_plan_is_the_run_in_every_situation(
    place: Path, model: Path, situations: list[tuple[str, Change, dict[str, Any], str, str]], finetune: Any
) -> None:
    """One store, one day after the other."""
    folder = place / "shop"
    for what, change, more, busy, idle in situations:
        change(folder)
        options = {**STORIES, "finetune": finetune, **more}
        n = options.pop("max_entities", None)
        project = Project(folder / "shop.toml", place / "store", max_entities=n, observer="silent")
        planned, _ = planned_and_done(project, model=str(model), **options)
        at_work = {outcome.stage for outcome in planned.outcomes if outcome.computed}
        assert at_work >= set(busy.split()), what
        assert not at_work & set(idle.split()), what


def test_the_plan_is_the_run_where_tasks_have_cut_offs_of_their_own(place: Path, model: Path) -> None:
    project = dated(place, ROWS)
    planned, _ = planned_and_done(project, model=str(model), **STORIES | {"variants": 0})
    assert [outcome.what for outcome in stages(planned, "finetune")] == ["tinyllama-shop-loyal", "tinyllama-shop-churn"]
    assert len(stages(planned, "embed")) == 4
    again, _ = planned_and_done(project, model=str(model), **STORIES | {"variants": 0})
    assert not any(outcome.computed for outcome in again.outcomes)


def events_read(root: Path) -> list[int]:
    """Tokens of the events that each run read, the first run first; none of those that read none."""
    query = """SELECT sum(n_tokens)::BIGINT FROM
        (SELECT DISTINCT event_hash, config_id, run_id, n_tokens FROM event_vectors) GROUP BY run_id ORDER BY run_id"""
    return [n for (n,) in Store(root).sql(query).fetchall()]


def test_each_event_that_will_be_read_is_counted_to_the_token(place: Path, model: Path) -> None:
    folder, root = place / "shop", place / "store"
    recipe = shop.write(folder, 12)
    recipe.write_text(recipe.read_text().replace("decimals = 2", "bins = [5, 10]"))
    events = recipe.read_text()
    project = Project(recipe, root, observer="silent")
    for customers, product in ((12, "tea"), (14, "coffee")):
        before = events_read(root) if root.exists() else []
        shop.write(folder, customers, {7: product})
        recipe.write_text(events)
        planned, _ = planned_and_done(project, model=str(model), **EVENTS)
        expected = [outcome.cost.tokens for outcome in stages(planned, "embed") if outcome.cost is not None]
        assert all(outcome.cost.counted for outcome in stages(planned, "embed") if outcome.cost is not None)
        assert [n for n in expected if n] == events_read(root)[len(before) :]


def test_texts_are_counted_as_they_are_read(place: Path, model: Path) -> None:
    shop.write(place / "shop", 12)
    project = Project(place / "shop/shop.toml", place / "store", observer="silent")
    planned, _ = planned_and_done(project, model=str(model), **STORIES | {"finetune": "none", "max_length": 32})
    (embedding,) = stages(planned, "embed")
    assert embedding.cost is not None
    query = "SELECT sum(n_tokens), sum(n_tokens_dropped) > 0 FROM embeddings WHERE k = 1"
    assert project.store.sql(query).fetchall() == [(embedding.cost.tokens, True)]


def test_time_is_this_machines_own_or_said_to_be_rough(place: Path, model: Path) -> None:
    shop.write(place / "shop", 12)
    heard = Heard()
    project = Project(place / "shop/shop.toml", place / "store", observer=heard)
    planned = project.run(model=str(model), dry_run=True, **STORIES)
    costs = {outcome.stage: outcome.cost for outcome in planned.outcomes}
    unknown = {stage for stage, cost in costs.items() if cost is not None and cost.rough}
    assert unknown == {"finetune", "embed", "probe"}  # texts were made, and tell it themselves
    assert "(rough: this machine has no record yet of finetune, embed, probe)" in " ".join(repr(planned).split())
    assert max(map(len, repr(planned).splitlines())) <= 80
    assert "loading" not in heard.since()
    project.run(model=str(model), **STORIES)
    shop.write(place / "shop", 14)
    planned = project.run(model=str(model), dry_run=True, **STORIES)
    known = [outcome.cost for outcome in planned.outcomes if outcome.computed]
    assert len(known) == 5  # the tuned model stays
    assert all(cost is not None and not cost.rough for cost in known)
    query = "SELECT stage, cost->>'$.units', cost->>'$.tokens' FROM runs WHERE cost IS NOT NULL ORDER BY version"
    recorded = project.store.sql(query).fetchall()
    assert [stage for stage, *_ in recorded] == ["serialize", "enrich", "finetune", "embed", "embed", "probe"]
    assert all(int(units) > 0 for _, units, _ in recorded)
    ((tokens,),) = project.store.sql("SELECT sum(n_tokens) FROM embeddings WHERE k = 1").fetchall()
    assert sum(int(read) for stage, _, read in recorded if stage == "embed") == tokens


def test_another_machines_record_tells_nothing(place: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.write(place / "shop", 12)
    project = Project(place / "shop/shop.toml", place / "store", observer="silent")
    words: dict[str, Any] = {"model": str(model), "max_length": 64, "history": "newest"}
    project.serialize()
    project.embed(k=1, **words)
    here = project.embed(k=2, dry_run=True, **words).cost
    monkeypatch.setattr("socket.gethostname", lambda: "another")
    there = project.embed(k=2, dry_run=True, **words).cost
    assert here is not None
    assert there is not None
    assert (here.tokens, here.rough, there.rough) == (there.tokens, False, True)
