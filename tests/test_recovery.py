"""What a kill leaves: a half-made store that is finished, runs that are told as killed, links that gc steps over."""

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from llm4es.core.errors import StoreError
from llm4es_store import Store
from llm4es_store.maintenance import _needed, vacuum

from .rows import KEY, SCOPE, texts
from .shell import Shell

ROOT = Path(__file__).parent.parent
KILLED = """
import os, signal, sys
from llm4es_store import Store
from tests.rows import KEY, SCOPE, texts
with Store(sys.argv[1], create=True).run("serialize", "d", {}, "0") as run:
    run.append("texts", SCOPE, texts({"1": "a"}), KEY)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def killed_run(root: Path) -> None:
    """A run that committed a text and was killed."""
    done = subprocess.run([sys.executable, "-c", KILLED, str(root)], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL


@pytest.mark.parametrize(
    "left",
    [
        [],
        ["tables/"],
        ["tables/runs/_delta_log/"],
        ["tables/runs/_delta_log/00000000000000000000.json#1"],
        ["tables/runs/_delta_log/00000000000000000000.json", "running/"],  # empty, after a power cut
    ],
)
def test_a_half_made_store_is_finished(tmp_path: Path, left: list[str]) -> None:
    root = tmp_path / "store"
    root.mkdir()
    for name in left:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).mkdir() if name.endswith("/") else (root / name).touch()
    with pytest.raises(StoreError, match=r"no store at .*: run `llm4es run RECIPE` first"):
        Store(root)
    with Store(root, create=True).run("serialize", "d", {}, "0") as run:
        run.append("texts", SCOPE, texts({"1": "a"}), KEY)
    assert Store(root).sql("SELECT entity_id FROM texts").fetchall() == [("1",)]


@pytest.mark.parametrize("name", ["thesis.txt", "tables/mine", "tables/runs/part-0.parquet", "tables/texts/a.parquet"])
def test_a_folder_of_other_things_is_no_skeleton(tmp_path: Path, name: str) -> None:
    path = tmp_path / "store" / name
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    (tmp_path / "store/tables/runs/_delta_log").mkdir(parents=True, exist_ok=True)
    with pytest.raises(StoreError, match="is not a store and not empty"):
        Store(tmp_path / "store", create=True)
    assert path.read_text() == "mine"


def test_tables_without_a_record_are_no_new_store(tmp_path: Path) -> None:
    killed_run(tmp_path / "store")
    (tmp_path / "store/tables/runs").rename(tmp_path / "lost")
    with pytest.raises(StoreError, match="has tables and no record of runs: restore tables/runs from a copy"):
        Store(tmp_path / "store", create=True)


def test_a_killed_run_is_shown_as_killed_by_who_may_not_write(tmp_path: Path) -> None:
    killed_run(tmp_path / "store")
    store = Store(tmp_path / "store")
    version = store.snapshot()["runs"]
    assert store.sql("SELECT status FROM runs").fetchall() == [("killed",)]
    assert store.sql("SELECT status FROM runs", at=1).fetchall() == [("running",)]  # as it was then
    assert store.snapshot()["runs"] == version, "looking writes nothing"


def test_a_living_run_is_shown_as_running(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    with store.run("serialize", "d", {}, "0") as run:
        run.begin()
        assert Store(tmp_path / "store").sql("SELECT status FROM runs").fetchall() == [("running",)]
    assert store.sql("SELECT status FROM runs").fetchall() == [("done",)]


def test_a_rerun_with_nothing_to_do_records_the_killed_run(shell: Shell) -> None:
    shell.stage("serialize")
    killed_run(shell.root)
    assert {row["computed"] for row in shell.stage("serialize")} == {0}
    assert "killed" in Store(shell.root).record()["status"].to_pylist(), "recorded, not only shown"


def test_gc_steps_over_symbolic_links(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    elsewhere, models = tmp_path / "elsewhere", store.layout.folder("models")
    (elsewhere / "weights").mkdir(parents=True)
    models.mkdir()
    (models / "linked").symlink_to(elsewhere)
    (models / "nowhere").symlink_to(tmp_path / "gone")
    (models / "old").mkdir()
    (models / "old/base").symlink_to(tmp_path / "gone")
    for path in (elsewhere, models / "linked", models / "nowhere", models / "old/base", models / "old"):
        os.utime(path, (time.time() - 40 * 86400,) * 2, follow_symlinks=False)
    done = {row["what"]: row["files"] for row in vacuum(store, 30, dry_run=False, code_version="0").to_pylist()}
    assert done["models"] == 3
    assert list(models.iterdir()) == []
    assert (elsewhere / "weights").is_dir()


def test_gc_keeps_what_came_after_a_young_version_whatever_its_clock_said() -> None:
    now = datetime(2026, 6, 30, tzinfo=UTC)
    days = (90, 2, 1, 400, 0)  # the clock of the fourth commit had jumped back
    record = pa.table(
        {
            "committed_at": [now - timedelta(days=back) for back in days],
            "snapshot": [f'{{"texts": {version}}}' for version in range(len(days))],
        }
    )
    assert _needed(record, now - timedelta(days=30)) == {"texts": {0, 1, 2, 3, 4}}
    assert _needed(record.slice(0, 4), now - timedelta(hours=36)) == {"texts": {1, 2, 3}}


def test_gc_leaves_what_is_not_committed_yet_while_anybody_writes(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    with store.run("serialize", "d", {}, "0") as run:
        run.append("texts", SCOPE, texts({"1": "a"}), KEY)
        coming = tmp_path / "store/tables/texts/dataset=d/variant=raw/coming.parquet"
        coming.write_bytes(b"of a commit that is still to come, by a clock that jumped")
        os.utime(coming, (0, 0))
        vacuum(Store(tmp_path / "store"), 30, dry_run=False, code_version="0")
        assert coming.exists()
    vacuum(Store(tmp_path / "store"), 30, dry_run=False, code_version="0")
    assert not coming.exists()
