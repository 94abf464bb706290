"""Which runs are alive: each holds a lock while it lives, and whoever comes next records the dead as killed.

In: a catalog. Out: rows of its record. Knows no stage.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from filelock import FileLock, Timeout

from . import run_log
from .catalog import Catalog
from .layout import TABLES
from .locks import can_be_judged, lock_path
from .run_log import RunRecord


def mark_killed_runs(catalog: Catalog) -> list[str]:
    """Record as killed every run that never ended and whose process is gone; returns their ids."""
    dead = []
    for run_id in catalog.not_ended():
        with _if_free(catalog, run_id) as free:
            # Asked again: the run may have ended by itself, and let go of its lock, since we first looked.
            if free and (row := catalog.not_ended().get(run_id)) is not None:
                run_log.commit(catalog.ensure("runs"), catalog.snapshot, _killed(catalog, row))
                dead.append(run_id)
    return dead


def _killed(catalog: Catalog, row: dict[str, Any]) -> RunRecord:
    """The end of a run, from the row that it left when it began and from its commits: it could not say itself."""
    ended, computed = row["started_at"], 0
    written: dict[str, int] = {}
    for table in catalog.snapshot():
        if table == "runs" or (target := catalog.table(table)) is None:
            continue
        for commit in target.history():
            if commit.get("run_id") != row["run_id"]:
                continue
            written[table] = max(written.get(table, 0), commit["version"])
            ended = max(ended, datetime.fromtimestamp(commit["timestamp"] / 1000, UTC))
            if table in TABLES and TABLES[table].is_counted and commit.get("operation") == "WRITE":
                # What another version of the library leaves out counts as nothing: a rerun must not fail by it.
                added = commit.get("rows", commit.get("operationMetrics", {}).get("num_added_rows", 0))
                computed += int(added) if commit.get("operationParameters", {}).get("mode") == "Append" else 1
    return RunRecord.killed(row, written, computed, ended)


@contextmanager
def _if_free(catalog: Catalog, run_id: str) -> Iterator[bool]:
    """Whether nobody holds the run's lock. The system lets go of it when a process dies, however it dies."""
    if not can_be_judged(catalog.layout, run_id):
        yield False
        return
    lock = lock_path(catalog.layout, run_id)
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
