"""What ``run`` gives back beside the comparison: a plan, what was done and where it lies, what to type next."""

import json
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from llm4es import Project
from llm4es.project.context import Context
from llm4es.project.observer import Advance
from llm4es.project.outcome import Outcome
from llm4es.project.planned_first import planned_first
from llm4es.recipes import load_recipe
from llm4es_store import Store

from . import shop
from .heard import Heard
from .shell import invoke

pytestmark = pytest.mark.usefixtures("few_folds")

WORDS = ("--max-length", "64", "--k", "1", "--finetune", "1", "--variants", "1", "--format", "json", "-q")
PLANNED = ("stage", "what", "rows", "reused", "why", "reasons")


class Following(Heard):
    """Notes what is followed, how many units of it there are, and how many are done."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[tuple[str, int | None, int]] = []

    @contextmanager
    def progress(self, what: str, total: int | None, unit: str) -> Iterator[Advance]:
        steps: list[int] = []
        yield steps.append
        self.done.append((what, total, sum(steps)))


def alike(stages: list[dict[str, Any]], computed: str) -> list[tuple[Any, ...]]:
    return [(stage[computed], *(stage[name] for name in PLANNED)) for stage in stages]


def test_one_document_holds_the_plan_what_was_done_and_the_comparison(place: Path, model: Path) -> None:
    root = place / "store"
    every = ("run", shop.write(place / "shop", 12), "--model", model, *WORDS, "--store", root)
    planned = json.loads(invoke(*every, "--dry-run").stdout)
    assert list(planned) == ["dataset", "store", "plan"]
    assert not root.exists()
    done = json.loads((ran := invoke(*every)).stdout)
    assert list(done) == ["dataset", "store", "plan", "done", "comparison", "cautions", "next"]
    compared = invoke("compare", "shop", "--format", "json", "--common", "--store", root)
    assert done["cautions"]
    told = [line for line in compared.stderr.splitlines() if "seen in tuning" not in line]
    assert [f"warning: {caution}" for caution in done["cautions"]] == told
    assert compared.stderr in ran.stderr
    assert alike(planned["plan"], "to compute") == alike(done["plan"], "to compute") == alike(done["done"], "computed")
    assert (done["dataset"], Path(done["store"])) == ("shop", root)
    store, tables = Store(root), {stage["stage"]: stage for stage in done["done"]}
    for stage in tables.values():
        for view, rows in stage["tables"].items():
            some = "true" if view in ("events_shop", "labels", "splits") else f"config_id = '{stage['config_id']}'"
            query = f"SELECT count(*) FROM {view} WHERE {some} AND dataset = 'shop'"
            assert store.sql(query).fetchall() == [(rows,)], (stage["stage"], view)
    of_texts = store.sql("SELECT variant = 'raw', count(*) FROM texts GROUP BY 1 ORDER BY 1").fetchall()
    assert of_texts == [(False, tables["enrich"]["tables"]["texts"]), (True, tables["serialize"]["tables"]["texts"])]
    runs = store.sql("SELECT stage, sum(rows_computed), sum(rows_reused) FROM runs GROUP BY 1").fetchall()
    counted: dict[str, tuple[int, int]] = {}
    for row in done["done"]:
        before = counted.get(row["stage"], (0, 0))
        counted[row["stage"]] = (before[0] + row["computed"], before[1] + row["reused"])
    assert counted == {stage: (computed, reused) for stage, computed, reused in runs}
    probed = store.sql("SELECT features, value FROM probes WHERE metric = 'roc_auc'").fetchall()
    assert {row["features"]: row["value"] for row in done["comparison"]} == pytest.approx(dict(probed))
    assert len(done["next"]) == 3
    for line in done["next"]:
        program, *words = shlex.split(line)
        assert program == "llm4es"
        invoke(*words)


def test_every_part_of_the_work_has_a_name_and_a_count(
    place: Path, model: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    heard = Following()
    recipe = shop.write(place / "shop", 24)
    late = [f"c{customer},{'yes' if customer % 4 > 1 else 'no'}" for customer in range(24)]  # who comes longest
    (place / "shop/customers.csv").write_text("\n".join(["customer,loyal", *late]))
    project = Project(recipe, place / "store", observer=heard)
    ran = project.run(model=str(model), k=1, max_length=64, finetune=2, variants=0, method="full", plan_first=True)
    followed = [what for what, *_ in heard.done]
    named = ["measuring before training", "measuring after training", "writing the weights", "cutting texts into rows"]
    named += ["training", "loading tinyllama", "writing", "comparing what was probed", "reading the raw files"]
    assert [what for what in named if what not in followed] == []
    stages = ("serialize", "enrich", "finetune", "embed", "probe")
    for doing in ("planning", "run"):
        numbered = [f"{doing}, stage {number} of 5: {stage}" for number, stage in enumerate(stages, 1)]
        assert [what for what in followed if what.startswith(f"{doing},")] == numbered
    counted = [(total, done) for what, total, done in heard.done if total]
    assert all(total == done for total, done in counted)
    assert ran.plan is not None
    assert [outcome.stage for outcome in ran.plan] == [outcome.stage for outcome in ran.outcomes]
    told = heard.since()
    assert told.index("plan for shop") < told.index("serialize shop: 24 computed")
    assert "    in events_shop (" in told
    assert ran.comparison is not None
    for once in ("seen in tuning: compare with", "told by when histories end", *ran.comparison.cautions):
        assert told.count(once) + "\n".join(ran.comparison.cautions).count(once) == 1, once
    assert "Writing model shards" not in "".join(capfd.readouterr())


def test_a_plan_that_cannot_be_made_is_told_and_ends_nothing(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(context: Context) -> list[Outcome]:
        raise OSError(28, "No space left on device")

    recipe = load_recipe(str(shop.write(place / "shop")))
    context = Context("shop", Store(place / "store", create=True), given_recipe=recipe, observer=(heard := Heard()))
    assert planned_first(context, full) is None
    assert "no plan beforehand ([Errno 28] No space left on device)" in heard.since()
    monkeypatch.setattr(type(context.store.layout), "is_remote", True)
    assert planned_first(context, full) is None  # a bucket's store is not copied for it
    assert not heard.since()
