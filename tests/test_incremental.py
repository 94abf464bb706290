"""The incremental way itself, with a stage that upper-cases words: what is computed, committed, dropped and told."""

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from llm4es.core.plan import Plan
from llm4es.project.context import Context
from llm4es.project.costs import Amount
from llm4es.project.executor import Increment, Setup, TableRows, Work
from llm4es.project.incremental import Job, incremental
from llm4es.project.observer import Advance
from llm4es_store import Run, Store

KEY = ("entity_id", "variant")


def set_up(words: Mapping[str, str]) -> Work:
    def work(batches: Iterable[pa.RecordBatch], advance: Advance) -> Iterator[Increment]:
        for batch in batches:
            ids = batch["entity_id"].to_pylist()
            rows = {
                "dataset": ["d"] * len(ids),
                "entity_id": ids,
                "variant": ["raw"] * len(ids),
                "text": [words[entity].upper() for entity in ids],
                "source_hash": batch["source_hash"].to_pylist(),
            }
            yield [TableRows("texts", pa.table(rows), KEY)]
            advance(len(ids))

    return work


def job(words: Mapping[str, str], **more: Any) -> Job:
    wanted = {"entity_id": list(words), "variant": ["raw"] * len(words), "source_hash": list(words.values())}
    scope = {"dataset": "d", "config_id": more.pop("config_id", "c")}
    given: dict[str, Any] = {
        "stage": "enrich",
        "what": "upper",
        "config_id": scope["config_id"],
        "record": {"config_id": scope["config_id"], "options": more.pop("options", {})},
        "table": "texts",
        "scope": scope,
        "key": KEY,
        "wanted": pa.table(wanted),
        "setup": partial(set_up, dict(words)),
        "related_scope": {"dataset": "d"},
        "complete": True,
        "batch_rows": 1,
    }
    return Job(**(given | more))


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context("d", Store(tmp_path / "store", create=True))


def texts(context: Context) -> dict[str, str]:
    return dict(context.store.sql("SELECT entity_id, text FROM texts ORDER BY 1").fetchall())


def test_only_what_is_missing_is_computed(context: Context) -> None:
    first = incremental(context, job({"a": "tea", "b": "milk"}))
    assert (first.rows, first.computed, first.reused, first.reasons) == (2, 2, 0, {"new": 2})
    again = incremental(context, job({"a": "tea", "b": "milk"}))
    assert (again.rows, again.computed, again.reused, again.reasons) == (2, 0, 2, {})
    assert texts(context) == {"a": "TEA", "b": "MILK"}


def test_changed_new_and_vanished_rows_are_told_apart(context: Context) -> None:
    incremental(context, job({"a": "tea", "b": "milk"}))
    done = incremental(context, job({"b": "rice", "c": "salt"}))
    assert (done.computed, done.reasons) == (2, {"text changed": 1, "new": 1, "vanished": 1})
    assert texts(context) == {"b": "RICE", "c": "SALT"}


def test_a_dry_run_says_what_the_run_then_does_and_writes_nothing(context: Context) -> None:
    incremental(context, job({"a": "tea"}))
    before = context.store.snapshot()
    planned = incremental(context.with_(dry_run=True), job({"a": "tea", "b": "milk"}))
    assert (planned.dry_run, planned.computed, planned.reused) == (True, 1, 1)
    assert context.store.snapshot() == before
    done = incremental(context, job({"a": "tea", "b": "milk"}))
    assert (done.computed, done.reused, done.reasons) == (planned.computed, planned.reused, planned.reasons)


def test_other_settings_are_named(context: Context) -> None:
    incremental(context, job({"a": "tea"}, options={"length": 8, "by": "rules"}))
    done = incremental(context, job({"a": "tea"}, config_id="other", options={"length": 16, "by": "rules"}))
    assert done.reasons == {"other settings (length 8 \u2192 16)": 1}


def test_rows_that_nobody_asked_for_are_not_kept(context: Context) -> None:
    def too_many(batches: Iterable[pa.RecordBatch], advance: Advance) -> Iterator[Increment]:
        for increment in set_up({"a": "tea", "b": "milk"})(batches, advance):
            extra = increment[0].rows.set_column(1, "entity_id", pa.array(["stranger"]))
            yield [*increment, TableRows("texts", extra, KEY)]

    incremental(context, job({"a": "tea", "b": "milk"}, setup=lambda: too_many))
    assert texts(context) == {"a": "TEA", "b": "MILK"}


def test_what_was_done_before_an_error_is_committed_and_the_rerun_ends_it(context: Context) -> None:
    def fails(batches: Iterable[pa.RecordBatch], advance: Advance) -> Iterator[Increment]:
        work = set_up({"a": "tea", "b": "milk"})(batches, advance)
        yield next(work)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        incremental(context, job({"a": "tea", "b": "milk"}, setup=lambda: fails))
    assert texts(context) == {"a": "TEA"}
    done = incremental(context, job({"a": "tea", "b": "milk"}))
    assert (done.computed, done.reused) == (1, 1)
    runs = context.store.sql("SELECT status FROM runs ORDER BY version").fetchall()
    assert runs == [("interrupted",), ("done",)]


def test_the_work_goes_through_the_executor_and_the_commits_stay_here(context: Context) -> None:
    class Elsewhere:
        batches = 0

        def map(self, setup: Setup, batches: Iterable[pa.RecordBatch], advance: Advance) -> Iterator[Increment]:
            work = setup()  # as on another machine: the set-up is all that travels
            for batch in reversed(list(batches)):
                self.batches += 1
                yield from work([batch], advance)

    executor = Elsewhere()
    done = incremental(context.with_(executor=executor), job({"a": "tea", "b": "milk", "c": "salt"}))
    assert (done.computed, executor.batches) == (3, 3)
    assert texts(context) == {"a": "TEA", "b": "MILK", "c": "SALT"}


def test_rows_that_take_the_place_of_others_are_replaced_in_one_commit(context: Context) -> None:
    scope = {"dataset": "d", "config_id": "c"}

    def whole(words: Mapping[str, str]) -> Work:
        def work(batches: Iterable[pa.RecordBatch], advance: Advance) -> Iterator[Increment]:
            everything = pa.table(
                {"entity_id": list(words), "variant": ["raw"] * len(words), "source_hash": list(words.values())}
            )
            for _ in batches:
                pass
            yield [TableRows("texts", next(iter(set_up(words)(everything.to_batches(), advance)))[0].rows, scope=scope)]

        return work

    for words, computed in (({"a": "tea", "b": "milk"}, 2), ({"a": "tea", "b": "rice"}, 1)):
        done = incremental(context, job(words, replaces=True, setup=partial(whole, words)))
        assert done.computed == computed
    assert texts(context) == {"a": "TEA", "b": "RICE"}
    versions = context.store.table("texts")
    assert versions is not None
    assert versions.version == 2  # made empty, then one commit a run


def test_what_a_step_does_before_and_after_is_part_of_the_run(context: Context) -> None:
    handed_over: list[int] = []

    def prepare(run: Run, plan: Plan) -> pa.Table:
        handed_over.append(len(plan.todo))
        return plan.todo

    done = incremental(
        context, job({"a": "tea"}, prepare=prepare, finish=lambda run: f"{run.record.rows_computed} done")
    )
    assert handed_over == [1]
    assert done.message == "1 done"
    assert context.store.sql("SELECT message FROM runs").fetchall() == [("1 done",)]


def test_work_done_elsewhere_is_recorded_as_work(context: Context) -> None:
    class Elsewhere:
        """Takes a while, as other processes do."""

        def map(self, setup: Setup, batches: Iterable[pa.RecordBatch], advance: Advance) -> Iterator[Increment]:
            time.sleep(0.1)
            return setup()(batches, advance)

    made = job({"a": "tea"}, amount=lambda plan: Amount(len(plan.todo)), executor=lambda todo: Elsewhere())
    incremental(context, made)
    ((seconds, cost),) = context.store.sql("SELECT seconds, cost FROM runs").fetchall()
    assert 0.1 <= json.loads(cost)["working"] <= seconds
