"""Housekeeping, durability, migrations, and what a store says when the system fails it."""

import hashlib
import json
import os
import subprocess
import sys
import textwrap
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from llm4es.core.errors import StoreError
from llm4es_store import TABLES, Store, layout, migrations, panics
from llm4es_store import fsync as durable
from llm4es_store import run as store_run
from llm4es_store.maintenance import _needed, optimize, vacuum

from .rows import KEY, SCOPE, texts, wanted

ROOT = Path(__file__).parent.parent


def change(store: Store, hashes: dict[str, str]) -> int:
    """Make the store hold these texts; returns its version then."""
    plan = store.plan("texts", SCOPE, wanted(hashes), ["entity_id"], complete=True)
    with store.run("serialize", "d", {}, "0") as run:
        run.start_from(plan)
        run.drop("texts", SCOPE, plan.stale)
        run.append("texts", SCOPE, texts({e: hashes[e] for e in plan.todo["entity_id"].to_pylist()}), KEY)
    assert run.version is not None
    return run.version


def test_a_version_whose_files_are_gone_is_one_clear_line(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    first = change(store, {"1": "a"})
    change(store, {"1": "b"})
    vacuum(store, 0, dry_run=False, code_version="0")
    assert store.sql("SELECT text FROM texts").fetchall() == [("text b",)]
    with pytest.raises(StoreError, match=r"its file .*parquet is gone \(with --at: `llm4es gc` has dropped"):
        store.sql("SELECT count(*) FROM texts", at=first)


def test_gc_keeps_every_version_that_at_can_name_within_the_days(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    first = change(store, {"1": "a"})
    second = change(store, {"1": "b"})
    vacuum(store, 30, dry_run=False, code_version="0")
    for version, text in ((first, "text a"), (second, "text b")):
        assert store.sql("SELECT text FROM texts", at=version).fetchall() == [(text,)]


def test_the_version_in_force_at_the_limit_is_needed_too() -> None:
    now = datetime(2026, 6, 30, tzinfo=UTC)
    record = pa.table(
        {
            "committed_at": [now - timedelta(days=days) for days in (90, 60, 40, 3)],
            "snapshot": [json.dumps({"texts": version}) for version in (1, 2, 3, 4)],
        }
    )
    assert _needed(record, now - timedelta(days=30)) == {"texts": {3, 4}}  # 3 was in force 30 days ago
    assert _needed(record, now - timedelta(days=365)) == {"texts": {1, 2, 3, 4}}
    assert _needed(record, now) == {"texts": {4}}


def test_gc_waits_for_writers(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    with store.run("embed", "d", {}, "0") as run:
        run.append("texts", SCOPE, texts({"1": "a"}), KEY)
        with pytest.raises(
            StoreError, match=rf"run {run.run_id} is writing: wait for its end, or keep at least 7 days"
        ):
            vacuum(Store(store.layout.root), 0, dry_run=False, code_version="0")
        vacuum(Store(store.layout.root), 7, dry_run=False, code_version="0")
        run.append("texts", SCOPE, texts({"2": "a"}), KEY)
    assert len(store.sql("SELECT * FROM texts").fetchall()) == 2


def test_what_a_killed_writer_left_goes_once_it_is_old(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    change(store, {"1": "a"})
    folder = tmp_path / "store/tables/texts/dataset=d/variant=raw"
    for name, days in (("young", 1), ("old", 40)):
        (folder / f"{name}.parquet").write_bytes(b"half a file")
        os.utime(folder / f"{name}.parquet", (time.time() - days * 86400,) * 2)
    done = {row["what"]: row["files"] for row in vacuum(store, 30, dry_run=False, code_version="0").to_pylist()}
    assert done["texts"] == 1
    assert (folder / "young.parquet").exists()
    assert not (folder / "old.parquet").exists()


def test_models_of_kept_versions_stay(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    for name in ("first", "second"):
        (store.layout.folder("models") / name).mkdir(parents=True)
        with store.run("finetune", "d", {}, "0") as run:
            run.replace("models", {"model": "m"}, pa.table({"path": [f"models/{name}"]}))
    for folder in store.layout.folder("models").iterdir():
        os.utime(folder, (time.time() - 40 * 86400,) * 2)
    vacuum(store, 30, dry_run=False, code_version="0")
    assert {folder.name for folder in store.layout.folder("models").iterdir()} == {"first", "second"}


def test_a_run_takes_its_lock_with_it(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    change(store, {"1": "a"})
    assert list(store.layout.folder("running").iterdir()) == []


def test_optimizing_beside_a_writer_harms_neither(tmp_path: Path) -> None:
    store, other = Store(tmp_path / "store", create=True), Store(tmp_path / "store")
    with store.run("serialize", "d", {}, "0") as run:
        for entity in range(5):
            run.append("texts", SCOPE, texts({str(entity): "a"}), KEY)
        optimize(other, "0")
        run.append("texts", SCOPE, texts({"5": "a"}), KEY)
    assert store.sql("SELECT count(*), count(DISTINCT entity_id) FROM texts").fetchall() == [(6, 6)]


def test_a_full_disk_leaves_the_store_as_it_was(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    change(store, {"1": "a"})
    script = """
        import os, resource, signal, sys
        from llm4es.core.errors import StoreError
        from llm4es_store import Store
        from tests.rows import KEY, SCOPE, texts
        store = Store(sys.argv[1])
        rows = texts({os.urandom(20).hex(): os.urandom(20).hex() for _ in range(5000)})
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        try:
            with store.run("serialize", "d", {}, "0") as run:
                run.append("texts", SCOPE, rows, KEY)
        except StoreError as error:
            print(error)
    """
    words = [sys.executable, "-c", textwrap.dedent(script), str(tmp_path / "store")]
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert "check the folder's permissions and free space" in done.stdout
    assert len(done.stdout.splitlines()) == 1
    assert "panicked" not in done.stderr
    again = Store(tmp_path / "store")
    assert again.sql("SELECT entity_id FROM texts").fetchall() == [("1",)]
    assert again.sql("SELECT status FROM runs ORDER BY version").fetchall() == [("done",), ("failed",)]
    change(again, {"1": "a", "2": "b"})
    assert len(again.sql("SELECT * FROM texts").fetchall()) == 2


def test_names_that_are_too_long_are_one_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    store = Store(tmp_path / "store", create=True)
    refused = pytest.raises(StoreError, match=r"dataset 'd{60}'... is too long for a folder's name: shorten it")
    with refused, store.run("serialize", "d", {}, "0") as run:
        run.append("texts", {**SCOPE, "dataset": "d" * 300}, texts({"1": "a"}), KEY)
    with pytest.raises(StoreError, match=r"store path .*: File name too long: choose another folder"):
        Store(tmp_path / ("s" * 300), create=True)
    assert "panicked" not in capfd.readouterr().err


def test_what_others_say_meanwhile_is_handed_on(capfd: pytest.CaptureFixture[str]) -> None:
    report = "\nthread 'tokio' (7) panicked at a.rs:1:2:\nAlready shut down\nnote: run with `RUST_BACKTRACE=1`\n"
    with panics.without_panics(), panics.without_panics():
        os.write(2, f"before\n{report}after\n".encode())
    assert capfd.readouterr().err == "before\nafter\n"


def test_commits_are_forced_to_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forced: list[str] = []
    monkeypatch.setattr(durable, "_sync", lambda path: forced.append(path.name))
    store = Store(tmp_path / "store", create=True)
    change(store, {"1": "a"})
    assert "00000000000000000001.json" in forced
    assert [name for name in forced if name.endswith(".parquet")]
    durable.flush(str(tmp_path / "store/tables/texts"), 99)  # a log entry that is gone
    durable.flush("s3://bucket/table", 1)


def test_an_older_store_is_migrated_step_by_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "store"
    change(Store(root, create=True), {"1": "a"})
    done: list[int] = []
    monkeypatch.setattr(layout, "FORMAT", 3)
    monkeypatch.setattr(migrations, "MIGRATIONS", {1: lambda _: done.append(1)})
    with pytest.raises(StoreError, match="has format 2, which this llm4es no longer migrates"):
        Store(root)
    assert done == [1]
    monkeypatch.setattr(migrations, "MIGRATIONS", {1: lambda _: done.append(1), 2: lambda _: done.append(2)})
    assert Store(root).sql("SELECT entity_id FROM texts").fetchall() == [("1",)]
    assert done == [1, 2]  # the first step was recorded when it was done
    Store(root)
    assert done == [1, 2]


def test_a_table_with_deletion_vectors_is_refused(tmp_path: Path) -> None:
    change(Store(tmp_path / "store", create=True), {"1": "a"})
    configuration = {"delta.enableDeletionVectors": "true"}
    DeltaTable.create(tmp_path / "store/tables/labels", TABLES["labels"].schema, configuration=configuration)
    with pytest.raises(StoreError, match="written with Delta features that cannot be read here"):
        Store(tmp_path / "store").sql("SELECT * FROM labels")
    assert Store(tmp_path / "store").sql("SELECT entity_id FROM texts").fetchall() == [("1",)]


def test_a_run_compacts_small_files_and_leaves_large_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path / "store", create=True)
    change(store, {str(number): "long " + hashlib.sha256(str(number).encode()).hexdigest() for number in range(3000)})
    large = _sizes(store)
    assert min(large.values()) > 500_000
    monkeypatch.setattr(store_run, "_SMALL", 50_000)
    monkeypatch.setattr(store_run, "_COMPACTED", 500_000)
    scope = {**SCOPE, "config_id": "other"}
    with store.run("serialize", "d", {}, "0") as run:
        for number in range(30):
            run.append("texts", scope, texts({str(number): "a"}), KEY)
    files = _sizes(store)
    assert len(files) == len(large) + 1
    assert large.items() <= files.items()  # not written again, beside the old one


def _sizes(store: Store) -> dict[str, int]:
    table = store.table("texts")
    assert table is not None
    files = table.files()
    return dict(zip(files["path"].to_pylist(), files["size_bytes"].to_pylist(), strict=True))
