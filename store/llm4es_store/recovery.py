"""Which runs are alive: each holds a lock while it lives, and whoever comes next records the dead as killed.

In: a store. Out: rows of its record. Knows no stage.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from . import run_log as runs
from .layout import TABLES
from .run_log import RunRecord

if TYPE_CHECKING:
    from .store import Store


def mark_killed_runs(store: "Store") -> list[str]:
    """Record as killed every run that never ended and whose process is gone; returns their ids."""
    dead = []
    for run_id in not_ended(store):
        with _if_free(store, run_id) as free:
            # Asked again: the run may have ended by itself, and let go of its lock, since we first looked.
            if free and (row := not_ended(store).get(run_id)) is not None:
                runs.commit(store.ensure("runs"), store.snapshot, _killed(store, row))
                dead.append(run_id)
    return dead


def _killed(store: "Store", row: dict[str, Any]) -> RunRecord:
    """The end of a run, from the row that it left when it began and from its commits: it could not say itself."""
    ended, computed = row["started_at"], 0
    written: dict[str, int] = {}
    for table in store.snapshot():
        if table == "runs" or (target := store.table(table)) is None:
            continue
        for commit in target.history():
            if commit.get("run_id") != row["run_id"]:
                continue
            written[table] = max(written.get(table, 0), commit["version"])
            ended = max(ended, datetime.fromtimestamp(commit["timestamp"] / 1000, UTC))
            if table in TABLES and TABLES[table].is_counted and commit.get("operation") == "WRITE":
                # What another version of the library leaves out counts as nothing: a rerun must not fail by it.
                added = commit.get("operationMetrics", {}).get("num_added_rows", 0)
                computed += int(added) if commit.get("operationParameters", {}).get("mode") == "Append" else 1
    return RunRecord.killed(row, written, computed, ended)


def not_ended(store: "Store") -> dict[str, dict[str, Any]]:
    """Run id -> last row, of the runs that have not said how they ended."""
    last = {row["run_id"]: row for row in store.record().to_pylist()}
    return {run_id: row for run_id, row in last.items() if row["status"] == runs.NOT_ENDED}


@contextmanager
def _if_free(store: "Store", run_id: str) -> Iterator[bool]:
    """Whether nobody holds the run's lock. The system lets go of it when a process dies, however it dies."""
    lock = lock_path(store, run_id)
    # The locks of a remote store lie on each machine by itself: without one it is another machine's run, not ours to
    # judge. A local store carries its locks along; one that lost the whole folder was copied without it.
    if not (lock if store.layout.is_remote else lock.parent).exists():
        yield False
        return
    try:
        held = FileLock(lock, timeout=0)
        held.acquire()
    except (Timeout, OSError):  # it lives, or belongs to somebody whose files we may not touch
        yield False
        return
    try:
        yield True
        lock.unlink(missing_ok=True)
    finally:
        held.release()


def lock_path(store: "Store", run_id: str) -> Path:
    """The file that a run locks; the system lets go of it when the process dies."""
    return store.layout.folder("running") / f"{run_id}.lock"
