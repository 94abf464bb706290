"""Rows that another process wrote below the store: committed as any others, or found by ``gc``."""

import os
import time
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pytest

from llm4es_store import Run, Store
from llm4es_store.compaction import FILES
from llm4es_store.data_file import DataFile
from llm4es_store.elsewhere import written_elsewhere
from llm4es_store.maintenance import vacuum

from .rows import KEY, SCOPE, texts

FOLDER = "tables/texts/dataset=d/variant=raw"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store", create=True)


def written(run: Run, hashes: Mapping[str, str]) -> list[DataFile]:
    """Files of another process, which opens the store itself."""
    run.make("texts")
    files = written_elsewhere(Store(run.catalog.layout.root), "texts", SCOPE, run.run_id, texts(hashes), KEY)
    assert files is not None
    return files


def held(store: Store) -> dict[str, str]:
    return dict(store.sql("SELECT entity_id, text FROM texts ORDER BY 1").fetchall())


def on_disk(store: Store) -> int:
    return len([*Path(store.layout.root, FOLDER).glob("*.parquet")])


def test_files_are_rows_like_any_others(store: Store) -> None:
    with store.run("enrich", "d", {}, "0") as run:
        files = written(run, {"1": "a", "2": "b"})
        assert held(Store(store.layout.root)) == {}  # nobody sees what is not committed
        assert run.append_files("texts", SCOPE, files, texts({"1": "a", "2": "b"}).select(KEY), KEY) == 2
        assert run.append("texts", SCOPE, texts({"3": "c"}), KEY) == 1
    assert held(store) == {"1": "text a", "2": "text b", "3": "text c"}
    assert store.sql("SELECT DISTINCT run_id FROM texts").fetchall() == [(run.run_id,)]
    assert not store.check().num_rows
    table = store.table("texts")
    assert table is not None
    assert sorted(table.files()["min.entity_id"].to_pylist()) == ["1", "3"]  # what queries skip files by


def test_small_files_of_here_and_elsewhere_become_one(store: Store) -> None:
    expected: dict[str, str] = {}
    with store.run("enrich", "d", {}, "0") as run:
        for number in range(2 * FILES):
            rows = {f"{number:02d}": "a"}
            if number % 2:
                run.append("texts", SCOPE, texts(rows), KEY)
            else:
                run.append_files("texts", SCOPE, written(run, rows), texts(rows).select(KEY), KEY)
            expected |= dict.fromkeys(rows, "text a")
    assert held(store) == expected
    table = store.table("texts")
    assert table is not None
    assert len(table.paths()) < FILES


def test_of_rows_that_were_not_asked_for_nothing_stays(store: Store) -> None:
    with store.run("enrich", "d", {}, "0") as run:
        files = written(run, {"1": "a", "2": "b"})
        assert run.append_files("texts", SCOPE, files, texts({"2": "b"}).select(KEY), KEY) == 1
    assert held(store) == {"2": "text b"}
    assert on_disk(store) == 1


def test_what_another_run_wrote_first_stays(store: Store) -> None:
    with store.run("enrich", "d", {}, "0") as run:
        files = written(run, {"1": "a", "2": "b"})
        other = Store(store.layout.root)
        with other.run("enrich", "d", {}, "0") as first:
            first.append("texts", SCOPE, texts({"1": "other"}), KEY)
        assert run.append_files("texts", SCOPE, files, texts({"1": "a", "2": "b"}).select(KEY), KEY) == 1
    assert held(store) == {"1": "text other", "2": "text b"}
    assert on_disk(store) == 2


@pytest.mark.parametrize("meant", [{"1": "new", "3": "c"}, {"1": "new"}])
def test_rows_go_and_come_in_one_commit(store: Store, meant: dict[str, str]) -> None:
    with store.run("serialize", "d", {}, "0") as run:
        run.append("texts", SCOPE, texts({"1": "a", "2": "b"}), KEY)
    before = store.table("texts")
    assert before is not None
    version = before.version
    with store.run("serialize", "d", {}, "0") as run:
        files = written(run, {"1": "new", "3": "c"})
        stale, keys = texts({"1": "a"}).select(["entity_id", "source_hash"]), pa.table({"entity_id": list(meant)})
        assert run.append_files("texts", SCOPE, files, keys, KEY, n_rows=len(meant), stale=stale) == len(meant)
    assert held(store) == {"2": "text b", **{entity: f"text {value}" for entity, value in meant.items()}}
    after = store.table("texts")
    assert after is not None
    assert after.version == version + 1


def test_files_of_a_worker_whose_run_died_go_with_gc(store: Store) -> None:
    with store.run("enrich", "d", {}, "0") as run:
        run.append("texts", SCOPE, texts({"1": "a"}), KEY)
        (left,) = written(run, {"2": "b"})  # and nobody commits it
    path = Path(store.layout.root, "tables/texts", left.path)
    os.utime(path, (time.time() - 40 * 86400,) * 2)
    done = {row["what"]: row["files"] for row in vacuum(store, 30, dry_run=False, code_version="0").to_pylist()}
    assert done["texts"] == 1
    assert not path.exists()
    assert held(store) == {"1": "text a"}


def test_a_table_that_is_not_there_takes_no_files(store: Store) -> None:
    assert written_elsewhere(store, "texts", SCOPE, "r", texts({"1": "a"}), KEY) is None
