"""A long run's small files become fewer while it writes: how many there are, how often written, who may read them."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from llm4es_store import Store, compaction
from llm4es_store.maintenance import vacuum

from .rows import KEY, SCOPE, texts

COMMITS = 300


def plain(root: Path, version: int | None = None) -> DeltaTable:
    """The table as the Delta library alone opens it."""
    return DeltaTable(str(root / "tables/texts"), version=version)


def long_run(store: Store, commits: int = COMMITS) -> list[int]:
    """Append one row a commit; how many files were live after each."""
    files = []
    with store.run("embed", "d", {}, "0") as run:
        plan = store.plan("texts", SCOPE, texts({}).select(["entity_id", "source_hash"]), ["entity_id"])
        run.start_from(plan)
        for number in range(commits):
            run.append("texts", SCOPE, texts({f"e{number:04d}": "a"}), KEY)
            files.append(store.table("texts").files().num_rows)  # type: ignore[union-attr]
    return files


def test_a_long_run_never_has_many_files(tmp_path: Path) -> None:
    store = Store(tmp_path / "s", create=True)
    files = long_run(store)
    levels = 2  # 16 ** 2 <= 300 < 16 ** 3
    assert max(files) <= (compaction.FILES - 1) * (levels + 1)
    table = plain(tmp_path / "s")
    assert sorted(table.to_pyarrow_table()["entity_id"].to_pylist()) == [f"e{number:04d}" for number in range(COMMITS)]
    assert store.sql("SELECT count(*), count(DISTINCT entity_id) FROM texts").fetchall() == [(COMMITS, COMMITS)]
    assert store.check().to_pylist() == []
    assert store.sql("SELECT status, versions FROM runs").fetchall()[0][0] == "done"
    # every commit's row once, of 18 times 16 commits again, of 16 times 16 once more, and all at the end
    on_disk = (tmp_path / "s/tables/texts").rglob("part-*.parquet")
    assert sum(pq.read_metadata(path).num_rows for path in on_disk) == 300 + 18 * 16 + 256 + 300


def test_every_version_of_it_can_be_read(tmp_path: Path) -> None:
    store = Store(tmp_path / "s", create=True)
    long_run(store, 40)
    newest, counts = plain(tmp_path / "s").version(), []
    for version in range(newest + 1):
        counts.append(len(plain(tmp_path / "s", version).to_pyarrow_table()))
    assert counts[-1] == 40
    assert sorted(counts) == counts
    assert set(counts) == set(range(41))
    vacuum(store, 0, dry_run=False, code_version="0")
    live = {Path(path).name for path in plain(tmp_path / "s").file_uris()}
    assert {path.name for path in (tmp_path / "s/tables/texts").rglob("part-*.parquet")} == live


def test_a_folder_has_files_of_its_own(tmp_path: Path) -> None:
    store = Store(tmp_path / "s", create=True)
    scope, key = {"dataset": "d", "model": "m", "config_id": "c"}, ("entity_id", "k")
    with store.run("embed", "d", {}, "0") as run:
        for number in range(compaction.FILES):
            rows = {"entity_id": [f"e{number}"] * 2, "k": pa.array([1, 8], pa.int32()), "source_hash": ["h"] * 2}
            vectors = pa.array([[float(number), 1.0], [float(number), 8.0]], pa.list_(pa.float32()))
            run.append("embeddings", scope, pa.table(rows | {"vector": vectors}), key)
        assert store.table("embeddings").files().num_rows == 2  # type: ignore[union-attr]
    for k in (1, 8):
        ids, matrix = store.matrix("d", model="m", k=k)
        assert sorted(zip(ids.to_pylist(), matrix.tolist(), strict=True)) == sorted(
            (f"e{number}", [float(number), float(k)]) for number in range(compaction.FILES)
        )


def test_what_others_write_meanwhile_stays(tmp_path: Path) -> None:
    store = Store(tmp_path / "s", create=True)
    other = Store(tmp_path / "s")
    with store.run("embed", "d", {}, "0") as run, other.run("embed", "d", {}, "0") as second:
        for number in range(2 * compaction.FILES):
            run.append("texts", SCOPE, texts({f"a{number:02d}": "a"}), KEY)
            if number % 3 == 0:
                second.append("texts", {**SCOPE, "config_id": "z"}, texts({f"b{number:02d}": "b"}), KEY)
            if number % 7 == 0:
                second.delete("texts", SCOPE, f"entity_id = 'a{number:02d}'")
    expected = {("c", f"a{n:02d}") for n in range(2 * compaction.FILES) if n % 7}
    expected |= {("z", f"b{n:02d}") for n in range(0, 2 * compaction.FILES, 3)}
    rows = plain(tmp_path / "s").to_pyarrow_table()
    assert len(rows) == len(expected)
    assert {(row["config_id"], row["entity_id"]) for row in rows.to_pylist()} == expected
    assert store.check().to_pylist() == []


def test_where_no_room_is_left_the_files_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*asked: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(compaction, "merge", full)
    store = Store(tmp_path / "s", create=True)
    assert long_run(store, 20) == [*range(1, 21)]
    assert store.sql("SELECT count(*) FROM texts").fetchall() == [(20,)]
