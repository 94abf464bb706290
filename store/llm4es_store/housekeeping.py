"""Keeping a store small: fewer files, and none that nobody needs.

In: a store. Out: what was done, a row a table. Knows tables, not models' insides.
"""

import shutil
import time
from pathlib import Path

import pyarrow as pa

from .delta import ConflictError
from .layout import TABLES, events_table
from .running import TARGET_SIZE
from .store import Store


def optimize(store: Store, code_version: str) -> pa.Table:
    """Compact every table's small files. Returns (table, files_before, files_after)."""
    rows = []
    with store.run("optimize", "", {}, code_version) as run:
        run.begin()
        for table in _names(store):
            found = store.table(table)
            if found is None or table == "runs":
                continue
            before = found.files().num_rows
            try:
                found.compact(run.run_id, TARGET_SIZE)
            except ConflictError:
                found.refresh()  # a writer is busy there: the next optimize finds it
            run.record.written[table] = found.version
            rows.append({"table": table, "files_before": before, "files_after": found.files().num_rows})
    return pa.Table.from_pylist(rows, _OPTIMIZED)


def collect(store: Store, older_than_days: int, dry_run: bool, code_version: str) -> pa.Table:
    """Drop files that only versions older than so many days need, and what killed runs left behind.

    Returns (what, files): what was, or with ``dry_run`` would be, removed.
    """
    hours = older_than_days * 24
    rows = []
    for table in _names(store):
        found = store.table(table)
        if found is None or table == "runs":
            continue
        young = [c["version"] for c in found.history() if c["timestamp"] / 1000 > time.time() - hours * 3600]
        gone = found.vacuum(hours, [*young, found.version], dry_run)
        rows.append({"what": table, "files": len(gone)})
    rows.append({"what": "models", "files": _collect_models(store, hours, dry_run)})
    if not dry_run and any(row["files"] for row in rows):
        with store.run("gc", "", {"older_than_days": older_than_days}, code_version) as run:
            run.begin()
    return pa.Table.from_pylist(rows, _COLLECTED)


def _collect_models(store: Store, hours: int, dry_run: bool) -> int:
    """Remove model folders that no live row names and that nobody has touched for so long."""
    folder = store.layout.folder("models")
    if not folder.exists():
        return 0
    live = {Path(path).name for (path,) in store.sql("SELECT path FROM models WHERE path IS NOT NULL").fetchall()}
    old = time.time() - hours * 3600
    gone = [path for path in folder.iterdir() if path.name not in live and _touched(path) < old]
    if not dry_run:
        for path in gone:
            shutil.rmtree(path)
    return len(gone)


def _touched(folder: Path) -> float:
    """When anything in a folder was last written, in seconds since 1970."""
    return max(path.stat().st_mtime for path in (folder, *folder.rglob("*")))


def _names(store: Store) -> list[str]:
    return [*TABLES, *(events_table(dataset) for dataset in store.datasets())]


_OPTIMIZED = pa.schema([("table", pa.string()), ("files_before", pa.int64()), ("files_after", pa.int64())])
_COLLECTED = pa.schema([("what", pa.string()), ("files", pa.int64())])
