"""Rows that take the place of others beside other runs, in odd stores, and where a run is killed or a file damaged."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from llm4es.core.errors import StoreError
from llm4es_store import Store, rewriting, writing
from llm4es_store.maintenance import vacuum

from .replacing import EMBEDDED, hashes, ids, in_files, plain, replace
from .rows import KEY, SCOPE, texts, vectors, wanted


def test_a_row_that_another_run_has_made_anew_stays(tmp_path: Path) -> None:
    store = in_files(tmp_path / "s", {"1": "old", "2": "x"})
    plan = store.plan("texts", SCOPE, wanted({"1": "new"}), ["entity_id"])
    other = Store(tmp_path / "s")
    assert replace(other, {"1": "new"}) == 1
    with store.run("serialize", "d", {}, "0") as run:
        run.start_from(plan)
        assert run.replace_rows("texts", SCOPE, plan.stale, texts({"1": "new"}), KEY) == 0
    assert hashes(tmp_path / "s") == {"1": "new", "2": "x"}


@pytest.mark.parametrize("meanwhile", ["other scope", "same scope", "compaction", "append elsewhere"])
def test_who_comes_between_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, meanwhile: str) -> None:
    """Another writer commits after the files were looked at, and before they are replaced."""
    store = in_files(tmp_path / "s", {"1": "a", "2": "a"}, {"3": "a"})
    other_scope = {"dataset": "d", "config_id": "other"}
    with store.run("serialize", "d", {}, "0") as run:
        run.append("texts", other_scope, texts({"1": "o", "2": "o"}), KEY)
        store.table("texts").compact(run.run_id, 2**20)  # type: ignore[union-attr]  # both scopes in one file
    other, changed, calls = Store(tmp_path / "s"), rewriting.change, []

    def change(*asked: object) -> int:
        calls.append(asked)
        if len(calls) == 1:
            with other.run("serialize", "d", {}, "0") as between:
                if meanwhile == "other scope":
                    between.delete("texts", other_scope, "entity_id = '1'")
                elif meanwhile == "same scope":
                    between.delete("texts", SCOPE, "entity_id = '3'")
                elif meanwhile == "compaction":
                    between.append("texts", {**SCOPE, "config_id": "third"}, texts({"1": "t"}), KEY)
                    other.table("texts").compact(between.run_id, 2**20)  # type: ignore[union-attr]
                else:
                    between.append("texts", {**SCOPE, "config_id": "third"}, texts({"9": "t"}), KEY)
        return changed(*asked)  # type: ignore[arg-type]

    monkeypatch.setattr(writing, "change", change)
    assert replace(store, {"2": "b"}) == 1
    rows = plain(tmp_path / "s").to_pyarrow_table()
    found = {(r["config_id"], r["entity_id"]): r["source_hash"] for r in rows.to_pylist()}
    assert len(found) == len(rows)
    expected = {("c", "1"): "a", ("c", "2"): "b", ("c", "3"): "a", ("other", "1"): "o", ("other", "2"): "o"}
    if meanwhile == "other scope":
        del expected["other", "1"]
    elif meanwhile == "same scope":
        del expected["c", "3"]
    elif meanwhile == "compaction":
        expected["third", "1"] = "t"
    else:
        expected["third", "9"] = "t"
    assert found == expected
    assert store.check().to_pylist() == []  # nothing is left of the attempt that lost
    versions = store.sql("SELECT versions FROM runs ORDER BY version DESC LIMIT 1").fetchall()
    assert f'"written": {plain(tmp_path / "s").version()}' in versions[0][0]


def test_folders_of_any_name_are_found_again(tmp_path: Path) -> None:
    odd = "a b/ü%=:'*#?~(1),+&"
    store = Store(tmp_path / "s", create=True)
    scope = {"dataset": odd, "config_id": "c"}
    rows = texts({"1": "a", "2": "a"}).drop_columns("dataset")
    with store.run("serialize", odd, {}, "0") as run:
        run.append("texts", scope, rows, KEY)
    plan = store.plan("texts", scope, wanted({"2": "b", "3": "b"}), ["entity_id"])
    with store.run("serialize", odd, {}, "0") as run:
        run.start_from(plan)
        new = texts({"2": "b", "3": "b"}).drop_columns("dataset")
        spoken = new.slice(1).set_column(1, "variant", [["said/otherwise 100%"]])
        assert run.replace_rows("texts", scope, plan.stale, pa.concat_tables([new, spoken]), KEY) == 3
    expected = [(odd, "1", "raw"), (odd, "2", "raw"), (odd, "3", "raw"), (odd, "3", "said/otherwise 100%")]
    assert store.sql("SELECT dataset, entity_id, variant FROM texts ORDER BY ALL").fetchall() == expected
    raw = plain(tmp_path / "s").to_pyarrow_table().select(["dataset", "entity_id", "variant"]).to_pylist()
    assert sorted(tuple(row.values()) for row in raw) == expected
    assert len(list((tmp_path / "s/tables/texts").glob("dataset=*"))) == 1


def test_a_field_may_be_called_as_the_database_calls_its_own(tmp_path: Path) -> None:
    store = Store(tmp_path / "s", create=True)
    table, scope, key = "events/d", {"dataset": "d"}, ("entity_id", "position")
    rows = pa.table(
        {
            "dataset": ["d"] * 3,
            "entity_id": ["1", "1", "2"], "position": pa.array([0, 1, 0], pa.int32()), "source_hash": ["a", "a", "b"],
            "file_row_number": ["x", "y", "z"], "filename": ["f", "g", "h"],
        }
    )  # fmt: skip
    with store.run("serialize", "d", {}, "0") as run:
        run.append(table, scope, rows, key, rows.schema)
        assert run.drop(table, scope, pa.table({"entity_id": ["1"], "source_hash": ["a"]})) == 2
    assert store.sql("SELECT entity_id, file_row_number, filename FROM events_d").fetchall() == [("2", "z", "h")]


def test_older_files_keep_their_columns(tmp_path: Path) -> None:
    """Vectors of before there were codes; then some with."""
    store = Store(tmp_path / "s", create=True)
    with store.run("embed", "d", {}, "0") as run:
        run.append("embeddings", EMBEDDED, vectors("m", 1, {"1": [1.0], "2": [2.0]}), ("entity_id", "k"))
        coded = pa.table(
            {
                "entity_id": ["3"], "k": pa.array([1], pa.int32()), "source_hash": ["h"],
                "codes": pa.array([[2]], pa.list_(pa.int8())), "scale": pa.array([0.5], pa.float32()),
            }
        )  # fmt: skip
        run.append("embeddings", EMBEDDED, coded, ("entity_id", "k"))
        run.delete("embeddings", EMBEDDED, "entity_id = '1'")
    rows = store.embeddings("d", model="m", k=1)
    assert rows.select(["entity_id", "vector"]).to_pylist() == [
        {"entity_id": "2", "vector": [2.0]},
        {"entity_id": "3", "vector": [4.0]},
    ]


def test_what_a_killed_run_replaced_counts_as_computed(tmp_path: Path) -> None:
    store = in_files(tmp_path / "s", {"1": "a", "2": "a"})
    plan = store.plan("texts", SCOPE, wanted({"2": "b"}), ["entity_id"])
    run = store.run("serialize", "d", {}, "0")
    run.start_from(plan)
    run.replace_rows("texts", SCOPE, plan.stale, texts({"2": "b"}), KEY)
    run._lock.release()  # type: ignore[union-attr]  # as its process' end would
    with Store(tmp_path / "s").run("gc", "", {}, "0"):
        pass
    found = store.sql("SELECT status, rows_computed FROM runs WHERE stage = 'serialize' ORDER BY version").fetchall()
    assert found[-1] == ("killed", 1)


def test_gc_leaves_what_is_live(tmp_path: Path) -> None:
    store = in_files(tmp_path / "s", {"1": "a", "2": "a"}, {"3": "a"})
    replace(store, {"2": "b"})
    vacuum(store, 0, dry_run=False, code_version="0")
    on_disk = {path for path in (tmp_path / "s/tables/texts").rglob("*.parquet") if "_delta_log" not in path.parts}
    assert len(on_disk) == len(plain(tmp_path / "s").file_uris()) == 3
    assert hashes(tmp_path / "s") == {"1": "a", "2": "b", "3": "a"}


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    store = in_files(tmp_path / "s", dict.fromkeys(ids(*range(100)), "a"))
    (path,) = plain(tmp_path / "s").file_uris()
    file = Path(path)
    column = pq.ParquetFile(file).metadata.row_group(0).column(1)
    content = bytearray(file.read_bytes())
    begin = column.data_page_offset
    content[begin : begin + column.total_compressed_size] = b"\xff" * column.total_compressed_size
    file.write_bytes(content)
    told = f"table texts is damaged: its file .*{file.name}"
    with store.run("serialize", "d", {}, "0") as run, pytest.raises(StoreError, match=told):
        run.delete("texts", SCOPE, "entity_id = 'e0001'")
