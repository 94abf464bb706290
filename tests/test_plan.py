"""What is wanted against what is live."""

from pathlib import Path

import pyarrow as pa

from llm4es.core.plan import Reason
from llm4es_store import Store

from .rows import KEY, SCOPE, texts, wanted


def filled(tmp_path: Path) -> Store:
    store = Store(tmp_path / "store", create=True)
    with store.run("serialize", "d", {}, "0") as run:
        run.append("texts", SCOPE, texts({"1": "a", "2": "b", "3": "c"}), KEY)
    return store


def test_everything_is_new_in_an_empty_store(tmp_path: Path) -> None:
    plan = Store(tmp_path / "store", create=True).plan("texts", SCOPE, wanted({"1": "a", "2": "b"}), ["entity_id"])
    assert plan.reasons == {Reason.NEW: 2}
    assert plan.reused == 0
    assert len(plan.stale) == 0


def test_new_changed_and_untouched_rows_are_told_apart(tmp_path: Path) -> None:
    plan = filled(tmp_path).plan("texts", SCOPE, wanted({"4": "d", "2": "B", "1": "a"}), ["entity_id"])
    assert plan.todo.to_pylist() == [  # in the order wanted
        {"entity_id": "4", "source_hash": "d", "reason": "new"},
        {"entity_id": "2", "source_hash": "B", "reason": "text changed"},
    ]
    assert plan.reused == 1
    assert plan.stale.to_pylist() == [{"entity_id": "2", "source_hash": "b"}]


def test_equal_sets_need_no_join_and_nearly_equal_ones_are_told_apart(tmp_path: Path) -> None:
    store = filled(tmp_path)
    for hashes in ({"3": "c", "1": "a", "2": "b"}, {"1": "a", "2": "b", "3": "c"}):
        plan = store.plan("texts", SCOPE, wanted(hashes), ["entity_id"], complete=True)
        assert (len(plan.todo), len(plan.stale), plan.vanished, plan.reused) == (0, 0, 0, 3)
        assert plan.todo.column_names == ["entity_id", "source_hash", "reason"]
    swapped = store.plan("texts", SCOPE, wanted({"1": "b", "2": "a", "3": "c"}), ["entity_id"], complete=True)
    assert swapped.todo["entity_id"].to_pylist() == ["1", "2"]
    other = store.plan("texts", SCOPE, wanted({"1": "a", "2": "b", "4": "c"}), ["entity_id"], complete=True)
    assert (other.reasons, other.vanished, other.why) == ({Reason.NEW: 1}, 1, {Reason.NEW: 1, "vanished": 1})


def test_only_the_whole_set_tells_what_has_vanished(tmp_path: Path) -> None:
    store = filled(tmp_path)
    sample = store.plan("texts", SCOPE, wanted({"1": "a"}), ["entity_id"])
    assert (sample.vanished, len(sample.stale)) == (0, 0)
    whole = store.plan("texts", SCOPE, wanted({"1": "a"}), ["entity_id"], complete=True)
    assert whole.vanished == 2
    assert sorted(whole.stale["entity_id"].to_pylist()) == ["2", "3"]


def test_a_row_known_under_another_configuration_is_said_to_be_so(tmp_path: Path) -> None:
    other = {"dataset": "d", "config_id": "other"}
    plan = filled(tmp_path).plan(
        "texts", other, wanted({"1": "a", "9": "z"}), ["entity_id"], related_scope={"dataset": "d"}
    )
    assert plan.reasons == {Reason.CONFIG: 1, Reason.NEW: 1}


def test_one_missing_key_of_an_entity_leaves_its_others_alone(tmp_path: Path) -> None:
    two = pa.concat_tables(
        [wanted({"1": "a"}).append_column("variant", pa.array([variant])) for variant in ("raw", "json")]
    )
    plan = filled(tmp_path).plan("texts", SCOPE, two, KEY)
    assert plan.todo["variant"].to_pylist() == ["json"]
    assert plan.reused == 1
    assert len(plan.stale) == 0


def probed(features: str, hash_: str, metrics: tuple[str, ...] = ("f1", "roc_auc")) -> pa.Table:
    """A probe's rows, one a metric."""
    n = len(metrics)
    return pa.table({"features": [features] * n, "metric": list(metrics), "source_hash": [hash_] * n})


PROBED = {"dataset": "d", "task": "t", "config_id": "c"}


def with_probes(tmp_path: Path) -> Store:
    store = Store(tmp_path / "store", create=True)
    with store.run("probe", "d", {}, "0") as run:
        for features, hash_ in (("tfidf", "a"), ("m@1", "b"), ("m@8", "c")):
            run.replace("probes", {**PROBED, "features": features}, probed(features, hash_))
    return store


def asked(hashes: dict[str, str]) -> pa.Table:
    """Probes that are wanted: (features, source_hash)."""
    return pa.table({"features": list(hashes), "source_hash": list(hashes.values())})


def test_several_live_rows_of_one_key_count_once(tmp_path: Path) -> None:
    store = with_probes(tmp_path)
    same = store.plan("probes", PROBED, asked({"tfidf": "a", "m@1": "b", "m@8": "c"}), ["features"], complete=True)
    assert (same.subject, len(same.todo), len(same.stale), same.vanished, same.reused) == ("features", 0, 0, 0, 3)
    plan = store.plan("probes", PROBED, asked({"tfidf": "a", "m@1": "B", "counts": "d"}), ["features"], complete=True)
    assert plan.todo.to_pylist() == [
        {"features": "m@1", "source_hash": "B", "reason": "text changed"},
        {"features": "counts", "source_hash": "d", "reason": "new"},
    ]
    assert sorted(plan.stale.to_pylist(), key=str) == [
        {"features": "m@1", "source_hash": "b"},
        {"features": "m@8", "source_hash": "c"},
    ]
    assert (plan.reused, plan.vanished) == (1, 1)  # one probe has vanished, of two rows


def test_as_many_live_rows_as_wanted_are_not_taken_for_them(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    with store.run("probe", "d", {}, "0") as run:
        run.replace("probes", {**PROBED, "features": "tfidf"}, probed("tfidf", "a"))
    plan = store.plan("probes", PROBED, asked({"tfidf": "a", "m@1": "b"}), ["features"])
    assert (plan.todo["features"].to_pylist(), plan.reused, len(plan.stale)) == (["m@1"], 1, 0)


def test_a_subject_is_known_by_its_own_column(tmp_path: Path) -> None:
    other, task = {**PROBED, "config_id": "other"}, {"dataset": "d", "task": "t"}
    wanted_ = asked({"m@1": "b", "counts": "d"})
    plan = with_probes(tmp_path).plan("probes", other, wanted_, ["features"], related_scope=task)
    assert plan.reasons == {Reason.CONFIG: 1, Reason.NEW: 1}


def test_a_run_drops_the_stale_rows_of_any_subject(tmp_path: Path) -> None:
    store = with_probes(tmp_path)
    plan = store.plan("probes", PROBED, asked({"tfidf": "A", "m@1": "b"}), ["features"])
    with store.run("probe", "d", {}, "0") as run:
        run.start_from(plan)
        assert run.drop("probes", PROBED, plan.stale) == 2
    assert store.sql("SELECT DISTINCT features FROM probes ORDER BY 1").fetchall() == [("m@1",), ("m@8",)]


def test_a_key_that_is_live_in_both_states_is_reused_and_its_old_rows_are_stale(tmp_path: Path) -> None:
    store = with_probes(tmp_path)
    with store.run("probe", "d", {}, "0") as run:
        run.append("probes", PROBED, probed("tfidf", "A", ("accuracy",)), ("features", "metric"))
    plan = store.plan("probes", PROBED, asked({"tfidf": "A"}), ["features"])
    assert (len(plan.todo), plan.reused) == (0, 1)
    assert plan.stale.to_pylist() == [{"features": "tfidf", "source_hash": "a"}]


def test_models_are_planned_by_name_with_no_table_there_yet(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    row, scope = pa.table({"model": ["m"], "source_hash": ["h"]}), {"config_id": "c"}
    plan = store.plan("models", scope, row, ["model"], related_scope={"dataset": "d"})
    assert (plan.subject, plan.reasons, plan.version) == ("model", {Reason.NEW: 1}, None)
    with store.run("finetune", "d", {}, "0") as run:
        run.start_from(plan)
        run.append("models", scope, pa.table({"model": ["m"], "source_hash": ["h"], "dataset": ["d"]}), ["model"])
    assert store.plan("models", scope, row, ["model"]).reused == 1


def test_rows_of_one_subject_may_be_made_from_different_things(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    rows = pa.concat_tables([texts({"1": "a"}), texts({"1": "b"})])
    rows = rows.set_column(rows.column_names.index("variant"), "variant", pa.array(["raw", "json"]))
    with store.run("serialize", "d", {}, "0") as run:
        run.append("texts", SCOPE, rows, KEY)
    both = rows.select([*KEY, "source_hash"])
    swapped = pa.table({"entity_id": ["1", "1"], "variant": ["raw", "json"], "source_hash": ["a", "c"]})
    assert len(store.plan("texts", SCOPE, pa.concat_tables([both, wanted_more()]), KEY).stale) == 0
    plan = store.plan("texts", SCOPE, swapped, KEY)
    assert plan.todo.to_pylist() == [
        {"entity_id": "1", "variant": "json", "source_hash": "c", "reason": "text changed"}
    ]
    assert plan.stale.to_pylist() == [{"entity_id": "1", "source_hash": "b"}]


def wanted_more() -> pa.Table:
    """One row more than is live, so that the quick way does not answer."""
    return pa.table({"entity_id": ["2"], "variant": ["raw"], "source_hash": ["z"]})
