"""Rows that take the place of others: which files are written, in how many commits, and how."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from llm4es_store import Store

from .replacing import EMBEDDED, hashes, ids, in_files, plain, replace
from .rows import KEY, SCOPE, texts, vectors, wanted


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
