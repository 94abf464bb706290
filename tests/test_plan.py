"""What is wanted against what is live."""

from pathlib import Path

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
    plan = filled(tmp_path).plan("texts", other, wanted({"1": "a", "9": "z"}), ["entity_id"], kin={"dataset": "d"})
    assert plan.reasons == {Reason.CONFIG: 1, Reason.NEW: 1}


def test_one_missing_key_of_an_entity_leaves_its_others_alone(tmp_path: Path) -> None:
    import pyarrow as pa

    two = pa.concat_tables(
        [wanted({"1": "a"}).append_column("variant", pa.array([variant])) for variant in ("raw", "json")]
    )
    plan = filled(tmp_path).plan("texts", SCOPE, two, KEY)
    assert plan.todo["variant"].to_pylist() == ["json"]
    assert plan.reused == 1
    assert len(plan.stale) == 0
