"""``run`` without a way to read histories: single events where they repeat, and rows that nobody has chosen."""

from pathlib import Path
from typing import Any

import pytest

from llm4es import Project
from llm4es.core.errors import OptionError
from llm4es.options import History, RunOptions
from llm4es.project.run_result import RunResult

from . import shop, tiny
from .heard import Heard

pytestmark = pytest.mark.usefixtures("few_folds")

QUICK: dict[str, Any] = {"k": (1, 2), "max_length": 64, "variants": 0, "finetune": "none"}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny.save(tmp_path_factory.mktemp("models") / "model"))


def project(folder: Path, repeating: bool) -> tuple[Project, Heard]:
    """A shop, whose amounts make each event distinct unless they are words."""
    path, ears = shop.write(folder / "shop"), Heard()
    if repeating:
        path.write_text(path.read_text().replace("decimals = 2", "bins = [5, 10]"))
    return Project(path, folder / "store", observer=ears), ears


def names(ran: RunResult) -> set[str]:
    assert ran.comparison is not None
    return {row["features"] for row in ran.comparison}


def test_events_that_repeat_are_read_once_each(tmp_path: Path, model: str) -> None:
    of_shop, ears = project(tmp_path, repeating=True)
    ran = of_shop.run(model=model, **QUICK)
    vectors = {"model@1 [64 tokens, events]", "model@2 [64 tokens, events]"}
    vote = "vote(tfidf, model@2 [64 tokens, events])"
    chosen = f"best(tfidf, words, model@2 [64 tokens, events], {vote})"
    baselines = {"tfidf", "words", "words-aligned", "counts", "recency", "majority"}
    assert names(ran) == {*vectors, *baselines, vote, chosen}
    assert repr(ran.comparison).startswith("loyal: ")
    ((distinct, events),) = of_shop.store.sql(
        "SELECT count(DISTINCT event_hash), (SELECT count(*) FROM events_shop) FROM event_vectors"
    ).fetchall()
    assert distinct < events
    assert not [line for line in ears.since().splitlines() if line.startswith("run:")]
    again = of_shop.run(model=model, **QUICK)
    assert [outcome.computed for outcome in again.outcomes] == [0] * len(again.outcomes)
    planned = of_shop.run(model=model, dry_run=True, **QUICK)
    assert [outcome.computed for outcome in planned.outcomes] == [0] * len(planned.outcomes)


def test_events_that_are_all_distinct_are_read_as_histories(tmp_path: Path, model: str) -> None:
    of_shop, ears = project(tmp_path, repeating=False)
    ran = of_shop.run(model=model, **QUICK)
    assert "run: 90 of 90 events are distinct, so that reading each once spares nothing" in ears.since()
    assert "model@2 [64 tokens]" in names(ran)
    assert of_shop.run(model=model, history="newest", **QUICK).outcomes[-2].computed == 0  # the very same vectors
    by_product = of_shop.run(model=model, by="product", **QUICK)  # what has a meaning for events alone asks for them
    assert any(", events" in name for name in names(by_product))


@pytest.mark.parametrize(
    ("words", "history", "steps"),
    [
        ({}, None, 5),
        ({"by": "product"}, "events", 5),
        ({"history": "events", "finetune": 7}, "events", 7),
        ({"history": "newest"}, "newest", 50),
        ({"history": "full", "finetune": "none"}, "full", 0),
    ],
)
def test_how_long_is_tuned(words: dict[str, Any], history: str | None, steps: int) -> None:
    options = RunOptions.of(**words)
    wanted = "events" if options.wants_events else None if options.history is None else options.history.value
    assert wanted == history
    assert options.steps(options.history or History.EVENTS) == steps


def test_what_events_alone_have_is_refused_beside_another_way() -> None:
    with pytest.raises(OptionError, match="--weights tfidf with --history newest"):
        RunOptions.of(history="newest", weights="tfidf")


def test_events_of_far_too_many_kinds_are_read_on_request_only(
    tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """20 customers, 64 tokens: 256 events of about 20 tokens are four times what the newest windows hold."""
    of_shop, ears = project(tmp_path, repeating=True)
    of_shop.serialize()
    for distinct, history in ((256, "events"), (257, "newest")):
        monkeypatch.setattr("llm4es.project.run.distinct_events", lambda _, n=distinct: (1000, n))
        planned = of_shop.run(model=model, dry_run=True, **QUICK)
        assert ("257 of 1,000 events are distinct, so that reading each once takes far longer" in ears.since()) == (
            history == "newest"
        )
        assert planned.outcomes
