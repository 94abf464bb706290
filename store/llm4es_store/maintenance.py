"""Keeping a store small: fewer files, and none that nobody needs.

In: a store. Out: what was done, a row a table. Knows tables, not models' insides.
"""

import json
import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa

from llm4es.core.errors import StoreError
from llm4es.core.tables import events_table

from .delta import TARGET_SIZE, Table
from .delta_errors import ConflictError
from .explain import explained
from .layout import TABLES
from .recovery import mark_killed_runs
from .store import Store
from .views import select_sql

_SAFE_DAYS = 7
"""No run takes longer: younger files may be those of a commit that is still to come."""


def optimize(store: Store, code_version: str) -> pa.Table:
    """Compact every table's small files. A table that is written to just then is left to the next time.

    Parameters
    ----------
    store : Store
        The store.
    code_version : str
        Of the program that does it, for the record.

    Returns
    -------
    pyarrow.Table
        A row a table: (table, files_before, files_after).

    Examples
    --------
    >>> from llm4es_store import Store
    >>> from llm4es_store.maintenance import optimize
    >>> optimize(Store("example-optimize", create=True), "0.1").to_pylist()
    [{'table': 'runs', 'files_before': 1, 'files_after': 1}]
    """
    rows = []
    with store.run("optimize", "", {}, code_version) as run:
        run.begin()
        for table in _names(store):
            found = store.table(table)
            if found is None:
                continue
            before = found.files().num_rows
            try:
                found.compact(run.run_id, TARGET_SIZE)
            except ConflictError:
                found.refresh()  # a writer is busy there: the next optimize finds it
            run.record.written[table] = found.version
            rows.append({"table": table, "files_before": before, "files_after": found.files().num_rows})
    return pa.Table.from_pylist(rows, _OPTIMIZED)


def vacuum(store: Store, older_than_days: int, dry_run: bool, code_version: str) -> pa.Table:
    """Drop files that only versions older than so many days need, and what killed runs left behind.

    Every version that ``at`` can name within those days stays whole.

    Parameters
    ----------
    store : Store
        The store.
    older_than_days : int
        Days that stay.
    dry_run : bool
        Count only.
    code_version : str
        Of the program that does it, for the record.

    Returns
    -------
    pyarrow.Table
        (what, files): of each table and of the models, what was, or with ``dry_run`` would be, removed.

    Raises
    ------
    StoreError
        For less than a week while anybody writes: their files are not known yet.

    Examples
    --------
    >>> from llm4es_store import Store
    >>> from llm4es_store.maintenance import vacuum
    >>> vacuum(Store("example-vacuum", create=True), 30, dry_run=True, code_version="0.1").to_pylist()
    [{'what': 'runs', 'files': 0}, {'what': 'models', 'files': 0}]
    """
    mark_killed_runs(store)
    busy = sorted({row["run_id"] for row in store.not_ended().values()})
    if busy and older_than_days < _SAFE_DAYS:
        raise StoreError(f"run {busy[0]} is writing: wait for its end, or keep at least {_SAFE_DAYS} days")
    hours = older_than_days * 24
    needed = _needed(store.record(), datetime.now(UTC) - timedelta(days=older_than_days))
    # What a writer has not committed yet is known by its time alone, which a clock that jumped has made old.
    strays = not busy or store.layout.is_remote
    rows = []
    for table in _names(store):
        found = store.table(table)
        if found is None:
            continue
        then = needed.get(table, set()) if table != "runs" else set()  # the record of then is part of the newest
        keep = sorted({*then, found.version})
        rows.append({"what": table, "files": len(found.vacuum(hours, keep, dry_run, strays=strays))})
    models = _vacuum_models(store, hours, needed.get("models", set()), dry_run) if strays else 0
    rows.append({"what": "models", "files": models})
    if not dry_run and any(row["files"] for row in rows):
        with store.run("gc", "", {"older_than_days": older_than_days}, code_version) as run:
            run.begin()
    return pa.Table.from_pylist(rows, _VACUUMED)


def _needed(record: pa.Table, since: datetime) -> dict[str, set[int]]:
    """Table -> versions that the store had at any moment since then, from our own record, never from file times.

    The record's order is that of its versions. A clock that jumped back may date a commit before those that it came
    after: it is as young as the youngest of them.
    """
    rows = record.select(["committed_at", "snapshot"]).to_pylist()
    first, latest = 0, None
    for place, row in enumerate(rows):
        latest = row["committed_at"] if latest is None else max(latest, row["committed_at"])
        if latest > since:
            break
        first = place  # the newest of the old ones was still in force then
    needed: dict[str, set[int]] = {}
    for row in rows[first:]:
        for table, version in json.loads(row["snapshot"]).items():
            needed.setdefault(table, set()).add(version)
    return needed


def _vacuum_models(store: Store, hours: int, versions: set[int], dry_run: bool) -> int:
    """Remove model folders that no row of a kept version names and that nobody has touched for so long."""
    live = {Path(path).name for path in _paths(store, versions)}
    old = time.time() - hours * 3600
    remote = store.remote_folders()
    if remote is not None:
        gone = [name for name, written in remote.names().items() if name not in live and written.timestamp() < old]
        for name in [] if dry_run else gone:
            remote.remove(name)
        return len(gone)
    folder = store.layout.folder("models")
    if not folder.exists():
        return 0
    stray = [path for path in folder.iterdir() if path.name not in live and _touched(path) < old]
    for path in [] if dry_run else stray:
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    return len(stray)


def _paths(store: Store, versions: set[int]) -> set[str]:
    """The model folders that any of these versions of the table ``models``, or the newest, names."""
    found = store.table("models")
    if found is None:
        return set()
    tables = [found, *(Table.open(found.path, version) for version in versions if version != found.version)]
    paths: set[str] = set()
    with store.trusted() as connection, explained():
        for table in tables:
            if table is not None:
                rows = connection.sql(f"SELECT path FROM ({select_sql(table)}) WHERE path IS NOT NULL").fetchall()
                paths |= {path for (path,) in rows}
    return paths


def _touched(folder: Path) -> float:
    """When anything in a folder was last written, in seconds since 1970; of a link the link itself, wherever it
    leads."""
    inside = [] if folder.is_symlink() else list(folder.rglob("*"))
    return max(path.lstat().st_mtime for path in [folder, *inside])


def _names(store: Store) -> list[str]:
    return [*TABLES, *(events_table(dataset) for dataset in store.datasets())]


_OPTIMIZED = pa.schema([("table", pa.string()), ("files_before", pa.int64()), ("files_after", pa.int64())])
_VACUUMED = pa.schema([("what", pa.string()), ("files", pa.int64())])
