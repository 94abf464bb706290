"""Rows that go and rows that take their place: which files are written, in how many commits, and who may read them."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from llm4es.core.errors import DataError, StoreError
from llm4es_store import Store, rewriting, writing
from llm4es_store.maintenance import vacuum

from .rows import KEY, SCOPE, texts, vectors, wanted

VECTOR = pa.list_(pa.float32())
EMBEDDED = {"dataset": "d", "model": "m", "config_id": "c"}


def ids(*numbers: int) -> list[str]:
    """Names of entities that sort as their numbers do."""
    return [f"e{number:04d}" for number in numbers]


def in_files(root: Path, *parts: Mapping[str, str]) -> Store:
    """A store whose texts lie in one file a part."""
    store = Store(root, create=True)
    with store.run("serialize", "d", {}, "0") as run:
        for part in parts:
            run.append("texts", SCOPE, texts(part), KEY)
    return store


def plain(root: Path, table: str = "texts", version: int | None = None) -> DeltaTable:
    """The table as the Delta library alone opens it."""
    return DeltaTable(str(root / "tables" / table), version=version)


def hashes(root: Path, version: int | None = None) -> dict[str, str]:
    """Entity -> hash, as the Delta library alone reads them."""
    rows = plain(root, version=version).to_pyarrow_table().select(["entity_id", "source_hash"]).to_pylist()
    found = {row["entity_id"]: row["source_hash"] for row in rows}
    assert len(found) == len(rows)
    return found


def replace(store: Store, new: Mapping[str, str]) -> int:
    """Give some texts other content."""
    plan = store.plan("texts", SCOPE, wanted(new), ["entity_id"])
    with store.run("serialize", "d", {}, "0") as run:
        run.start_from(plan)
        return run.replace_rows("texts", SCOPE, plan.stale, texts(new), KEY)


def test_one_commit_rewrites_the_files_that_hold_a_key_and_no_other(tmp_path: Path) -> None:
    parts = [dict.fromkeys(ids(*range(start, start + 100)), "a") for start in (0, 100, 200, 300)]
    store = in_files(tmp_path / "s", *parts)
    before, files = plain(tmp_path / "s").version(), set(plain(tmp_path / "s").file_uris())
    new = dict.fromkeys(ids(7, 8, 205), "b")
    assert replace(store, new) == 3
    after = plain(tmp_path / "s")
    assert after.version() == before + 1
    left = files & set(after.file_uris())
    assert len(left) == 2  # those of 100 and 300
    assert len(after.file_uris()) == 5  # two written anew, and one of what is new
    assert hashes(tmp_path / "s") == {key: value for part in parts for key, value in part.items()} | new
    assert hashes(tmp_path / "s", before) == {key: value for part in parts for key, value in part.items()}
    new_file = [path for path in after.file_uris() if len(pq.read_table(path, partitioning=None)) == 3]
    assert len(new_file) == 1
    assert store.check().to_pylist() == []


def test_what_changed_yesterday_is_found_in_a_file_of_its_own(tmp_path: Path) -> None:
    store = in_files(tmp_path / "s", dict.fromkeys(ids(*range(500)), "a"))
    replace(store, dict.fromkeys(ids(3, 50, 400), "b"))
    (large,) = [row for row in plain(tmp_path / "s").get_add_actions()["num_records"].to_pylist() if row > 3]
    before = set(plain(tmp_path / "s").file_uris())
    replace(store, dict.fromkeys(ids(3, 50, 400), "c"))
    written = set(plain(tmp_path / "s").file_uris()) - before
    assert large == 497
    assert sum(len(pq.read_table(path, partitioning=None)) for path in written) == 3


def test_files_are_ruled_out_by_the_log_alone(tmp_path: Path) -> None:
    store = in_files(tmp_path / "s", *(dict.fromkeys(ids(*range(at, at + 10)), "a") for at in range(0, 100, 10)))
    plan = store.plan("texts", SCOPE, wanted({"e0042": "b"}), ["entity_id"])
    damaged = 0
    for file in (tmp_path / "s/tables/texts").rglob("*.parquet"):
        if "e0042" not in pq.read_table(file, partitioning=None)["entity_id"].to_pylist():
            file.write_bytes(b"whoever opens this one fails")
            damaged += 1
    assert damaged == 9
    with store.run("serialize", "d", {}, "0") as run:
        run.start_from(plan)
        assert run.replace_rows("texts", SCOPE, plan.stale, texts({"e0042": "b"}), KEY) == 1


def test_dropping_however_many_is_one_commit(tmp_path: Path) -> None:
    many = dict.fromkeys(ids(*range(5000)), "a")
    store = in_files(tmp_path / "s", many)
    before = plain(tmp_path / "s").version()
    plan = store.plan("texts", SCOPE, wanted({"e0001": "a"}), ["entity_id"], complete=True)
    with store.run("serialize", "d", {}, "0") as run:
        run.start_from(plan)
        assert run.drop("texts", SCOPE, plan.stale) == 4999
        assert run.drop("texts", SCOPE, plan.stale) == 0  # they are gone: no commit
    assert plain(tmp_path / "s").version() == before + 1
    assert hashes(tmp_path / "s") == {"e0001": "a"}


def test_a_file_of_which_nothing_is_left_is_not_written_anew(tmp_path: Path) -> None:
    store = in_files(tmp_path / "s", {"1": "a", "2": "a"}, {"3": "a"})
    with store.run("serialize", "d", {}, "0") as run:
        assert run.delete("texts", SCOPE, "entity_id IN ('1', '2')") == 2
    assert hashes(tmp_path / "s") == {"3": "a"}
    assert len(plain(tmp_path / "s").file_uris()) == 1


def test_bytes_written_are_those_of_the_files_that_hold_a_key(tmp_path: Path) -> None:
    store = Store(tmp_path / "s", create=True)
    values = {entity: [float(n), 0.5, 1 / 3] * 20 for n, entity in enumerate(ids(*range(2000)))}
    with store.run("embed", "d", {}, "0") as run:
        for part in (dict(list(values.items())[:1000]), dict(list(values.items())[1000:])):
            run.append("embeddings", EMBEDDED, vectors("m", 1, part), ("entity_id", "k"))
    before = {path: Path(path).stat().st_size for path in plain(tmp_path / "s", "embeddings").file_uris()}
    with store.run("embed", "d", {}, "0") as run:
        run.delete("embeddings", EMBEDDED, "entity_id = 'e0005'")
    after = {path: Path(path).stat().st_size for path in plain(tmp_path / "s", "embeddings").file_uris()}
    (old,), (new,) = ([each[p] for p in each if p not in other] for each, other in ((before, after), (after, before)))
    assert new <= 1.2 * old
    held = store.embeddings("d", model="m", k=1)
    assert held["entity_id"].to_pylist() == [entity for entity in values if entity != "e0005"]
    expected = pa.array([v for entity, v in values.items() if entity != "e0005"], pa.list_(pa.float32()))
    assert held["vector"].combine_chunks().equals(expected)


@pytest.mark.parametrize("kind", ["any", "half", "int8"])
def test_rewritten_vectors_are_encoded_as_they_were(tmp_path: Path, kind: str) -> None:
    store = Store(tmp_path / "s", create=True)
    n, width = 3000, 16
    divisor = 8 if kind == "half" else 7
    numbers = pa.array([((i * 7919) % 251 - 125) / divisor for i in range(n * width)], pa.float32())
    offsets = pa.array(range(0, n * width + 1, width), pa.int32())
    rows = {"entity_id": ids(*range(n)), "k": pa.array([1] * n, pa.int32()), "source_hash": ["h"] * n}
    if kind == "int8":
        codes = pc.cast(pc.round(pc.divide(numbers, 2)), pa.int8())
        rows |= {"codes": pa.ListArray.from_arrays(offsets, codes), "scale": pa.array([0.5] * n, pa.float32())}
    else:
        rows |= {"vector": pa.ListArray.from_arrays(offsets, numbers)}
    with store.run("embed", "d", {}, "0") as run:
        run.append("embeddings", EMBEDDED, pa.table(rows), ("entity_id", "k"))
    (before,) = plain(tmp_path / "s", "embeddings").file_uris()
    was = store.embeddings("d", model="m", k=1).filter(pc.field("entity_id") != "e0009").drop_columns("run_id")
    with store.run("embed", "d", {}, "0") as run:
        run.delete("embeddings", EMBEDDED, "entity_id = 'e0009'")
    (after,) = plain(tmp_path / "s", "embeddings").file_uris()
    assert store.embeddings("d", model="m", k=1).drop_columns("run_id").equals(was)
    assert Path(after).stat().st_size <= 1.2 * Path(before).stat().st_size
    lists = [pq.ParquetFile(path).metadata.row_group(0) for path in (before, after)]
    column = "codes" if kind == "int8" else "vector"
    described = [
        next(g.column(i) for i in range(g.num_columns) if g.column(i).path_in_schema.startswith(column)) for g in lists
    ]
    assert described[0].compression == described[1].compression
    assert described[0].path_in_schema == described[1].path_in_schema


def test_what_is_left_of_a_file_is_written_as_it_repeats(tmp_path: Path) -> None:
    """In a table of events texts repeat and times do not; the log's bounds are those of the rows that are left."""
    store, table, n = Store(tmp_path / "s", create=True), "events/d", 400
    rows = pa.table(
        {
            "dataset": ["d"] * n,
            "entity_id": [f"e{i // 4:04d}" for i in range(n)],
            "position": pa.array([i % 4 for i in range(n)], pa.int32()),
            "event_time": pa.array(range(n), pa.timestamp("us", "UTC")),
            "shop": [None if i % 7 == 0 else f"shop {i % 3}" for i in range(n)],
            "source_hash": [f"{i // 4:064x}" for i in range(n)],
        }
    )
    with store.run("serialize", "d", {}, "0") as run:
        run.append(table, {"dataset": "d"}, rows, ("entity_id", "position"), schema=rows.schema)
    gone = pa.table({"entity_id": ["e0000", "e0050", "e0099"], "source_hash": [f"{i:064x}" for i in (0, 50, 99)]})
    with store.run("serialize", "d", {}, "0") as run:
        assert run.drop(table, {"dataset": "d"}, gone) == 12
    (file,) = plain(tmp_path / "s", table).file_uris()
    left = rows.filter(pc.invert(pc.is_in(rows["entity_id"], gone["entity_id"])))
    assert pq.read_table(file, partitioning=None).select(rows.column_names).equals(left)
    group = pq.read_metadata(file).row_group(0)
    columns = {group.column(i).path_in_schema: group.column(i) for i in range(group.num_columns)}
    repeated = {name for name, column in columns.items() if "RLE_DICTIONARY" in column.encodings}
    assert repeated >= {"entity_id", "position", "shop", "source_hash"}
    assert "event_time" not in repeated
    assert columns["entity_id"].statistics.min == "e0001"
    (told,) = plain(tmp_path / "s", table).get_add_actions(flatten=True).to_struct_array().to_pylist()
    assert (told["min.entity_id"], told["max.entity_id"]) == ("e0001", "e0098")
    assert store.check().to_pylist() == []


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


def test_rows_that_come_a_batch_at_a_time_take_a_scopes_place_in_one_commit(tmp_path: Path) -> None:
    """Those of another scope stay that lie in the same file; and so in files of a few rows each."""
    store = Store(tmp_path / "s", create=True)
    for model in ("m", "other"):
        with store.run("embed", "d", {}, "0") as run:
            rows = pa.table({"entity_id": ids(1, 2), "role": [model, model]})
            run.replace("exposures", {"dataset": "d", "model": model}, rows)
    with store.run("embed", "", {}, "0") as run:
        run.catalog.ensure("exposures").compact(run.run_id, 2**20)
    before = plain(tmp_path / "s", "exposures").version()
    batches = [pa.record_batch({"entity_id": ids(n, n + 1)}) for n in (2, 4, 6)]
    with store.run("embed", "d", {}, "0") as run:
        assert run.replace_streamed("exposures", {"dataset": "d", "model": "m"}, lambda: batches) == 6
    table = plain(tmp_path / "s", "exposures")
    assert table.version() == before + 1
    found = table.to_pyarrow_table().sort_by([("model", "ascending"), ("entity_id", "ascending")])
    assert list(zip(found["model"].to_pylist(), found["entity_id"].to_pylist(), strict=True)) == [
        *(("m", each) for each in ids(2, 3, 4, 5, 6, 7)),
        *(("other", each) for each in ids(1, 2)),
    ]


def test_what_is_streamed_is_cut_into_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llm4es_store.new_files.TARGET_SIZE", 1)
    store = Store(tmp_path / "s", create=True)
    scope: dict[str, str | int] = {**EMBEDDED, "k": 8}
    batches = [pa.record_batch({"entity_id": ids(n), "vector": pa.array([[0.5]], VECTOR)}) for n in (1, 2)]
    for _ in range(2):
        with store.run("embed", "d", {}, "0") as run:
            run.replace_streamed("embeddings", scope, lambda: batches)
    table = plain(tmp_path / "s", "embeddings")
    assert [pq.read_metadata(uri).num_rows for uri in table.file_uris()] == [1, 1]
    assert table.to_pyarrow_table(filters=[("entity_id", "=", ids(2)[0])])["k"].to_pylist() == [8]


def test_a_stream_that_fails_leaves_nothing(tmp_path: Path) -> None:
    store = in_files(tmp_path / "s", dict.fromkeys(ids(1), "a"))

    def broken() -> Iterator[pa.RecordBatch]:
        yield pa.record_batch({"entity_id": ids(2)})
        raise DataError("no more")

    files = sorted((tmp_path / "s/tables/texts").rglob("*.parquet"))
    scope = {**SCOPE, "variant": "raw"}
    with pytest.raises(DataError, match="no more"), store.run("serialize", "d", {}, "0") as run:
        run.replace_streamed("texts", scope, broken)
    assert sorted((tmp_path / "s/tables/texts").rglob("*.parquet")) == files
    assert hashes(tmp_path / "s") == dict.fromkeys(ids(1), "a")


def test_texts_that_come_as_dictionaries_are_kept_as_texts(tmp_path: Path) -> None:
    table, scope, key = "events/d", {"dataset": "d"}, ("entity_id", "position")

    def events(entity: str, digest: str) -> pa.Table:
        rows = {"dataset": ["d"] * 2, "entity_id": [entity] * 2, "position": pa.array([0, 1], pa.int32())}
        return pa.table({**rows, "source_hash": pa.array([digest] * 2).dictionary_encode()})

    store = Store(tmp_path, create=True)
    with store.run("serialize", "d", {}, "0") as run:
        for entity, digest in (("a", "1"), ("b", "2")):
            rows = events(entity, digest)
            run.append(table, scope, rows, key, schema=rows.schema)
        run.replace_rows(table, scope, pa.table({"entity_id": ["b"], "source_hash": ["2"]}), events("b", "3"), key)
    held = plain(tmp_path, table).to_pyarrow_table()
    assert held.schema.field("source_hash").type == pa.string()
    assert sorted(zip(held["entity_id"].to_pylist(), held["source_hash"].to_pylist(), strict=True)) == [
        ("a", "1"), ("a", "1"), ("b", "3"), ("b", "3")
    ]  # fmt: skip
    assert set(held["run_id"].to_pylist()) == {run.run_id}
