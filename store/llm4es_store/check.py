"""A whole store looked at, and what is safe put right.

In: a root. Out: findings, worst first. Knows tables and the record, not models' insides; writes only to repair.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import duckdb

from llm4es.core.errors import StoreError
from llm4es.core.sql import literal
from llm4es.core.tables import EVENTS

from .catalog import Catalog
from .check_table import COPY, Advance, check_files, check_log, check_rows, files_of, open_or_say, strays
from .delta import Table
from .finding import Finding, Level
from .layout import TABLES, StoreLayout
from .locks import can_be_judged, is_dead
from .open_tables import open_record
from .remote_folders import remote_filesystem
from .repair import repair as put_right
from .skeleton import is_skeleton

Progress = Callable[[int], AbstractContextManager[Advance]]
"""Takes how many bytes there are to look at; a context around the work that takes how many more were."""


def check(root: str | Path, *, repair: bool = False, progress: Progress | None = None) -> list[Finding]:
    """Look at every table, file, checksum and key of a store, and at its record.

    Parameters
    ----------
    root : str or Path
        Where the store is.
    repair : bool, default False
        Put right what is safe: half-made skeletons, stale locks, left-over files, killed runs, missing checksums, and
        an entry at the end of a log that is empty or cut, which is set aside.
    progress : callable, optional
        Follows the work.

    Returns
    -------
    list of Finding
        Nothing for a store that is whole; the damaged first.

    Raises
    ------
    StoreError
        Where there is no store at all.

    Examples
    --------
    >>> from llm4es_store import Store
    >>> from llm4es_store.check import check
    >>> store = Store("example-check", create=True)
    >>> check("example-check")
    []
    """
    layout = StoreLayout.at(root)
    if _is_half_made(layout):
        told = "a first creation was killed: nothing was written yet"
        found = [Finding(Level.UNTIDY, "store", "tables/runs", told, "`--repair`, or the next command, finishes it")]
    else:
        found = _look(layout, progress or (lambda _: nullcontext(lambda _: None)))
    if repair:
        put_right(layout, found)
    order = [Level.DAMAGED, Level.UNTIDY, Level.MENDED, Level.NOTE]
    return sorted(found, key=lambda finding: order.index(finding.level))


def _is_half_made(layout: StoreLayout) -> bool:
    """Whether a first creation was killed here; one that was finished has a record, if an empty one."""
    root = Path(layout.root)
    if layout.is_remote or not root.is_dir() or not any(root.iterdir()) or not is_skeleton(root):
        return False
    return open_record(layout)[0] is None


def _look(layout: StoreLayout, progress: Progress) -> list[Finding]:
    found: list[Finding] = []
    store: Catalog | None = None
    try:
        store = Catalog(layout.root)
    except StoreError as error:
        if not (layout.is_remote or (Path(layout.root) / "tables").is_dir()):
            raise
        found.append(Finding(Level.DAMAGED, "runs", "", str(error), COPY))
    if store is not None and not _has_record(store):
        store = None  # which of its files, is told below
    opened: dict[str, Table] = {}
    for name in _names(layout, store):
        path = layout.table(name)
        of_log = list(check_log(path, name))
        if of_log and name == "runs":
            found = []  # told better here
        table, closed = open_or_say(path, name)
        found += of_log or ([closed] if closed is not None else [])
        if table is not None and not of_log:
            opened[name] = table
        if store is not None and name != "runs" and not of_log and closed is None:
            found += _against_record(store, name)
    total = sum(sum(files_of(table).values()) for table in opened.values())
    with progress(total) as advance:
        for name, table in opened.items():
            of_files = list(check_files(table, name, advance))
            found += of_files
            if not any(finding.level is Level.DAMAGED for finding in of_files):
                with _reader(layout) as connection:
                    found += check_rows(table, name, connection)
    if store is not None:
        left = [finding for name, table in opened.items() for finding in strays(table.path, name)]
        found += _record(store, opened)
        if all(is_dead(layout, run_id) for run_id in store.not_ended()):  # else they may be of a commit that is to come
            found += left
        found += _weights(store)
    return found


def _has_record(store: Catalog) -> bool:
    try:
        store.record()
    except StoreError:
        return False
    return True


def _names(layout: StoreLayout, store: Catalog | None) -> list[str]:
    """Every table that there is or should be: those that the record knows, and those that have a folder."""
    recorded = store.snapshot() if store is not None and store.record_damage is None else {}
    folder = Path(layout.table(EVENTS))
    events = sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    names = dict.fromkeys([*TABLES, *recorded, *(f"{EVENTS}/{name}" for name in events)])
    return [name for name in names if name in recorded or layout.is_remote or Path(layout.table(name)).exists()]


def _against_record(store: Catalog, name: str) -> Iterator[Finding]:
    """A table that is older than the record of runs says."""
    try:
        store.table(name)
    except StoreError as error:
        told = str(error).partition(" is damaged: ")[2].partition(": restore")[0]
        yield Finding(Level.DAMAGED, name, "_delta_log", told, f"{COPY}, or go on without: `--repair`")


def _record(store: Catalog, opened: dict[str, Table]) -> Iterator[Finding]:
    """The record of runs against the tables, and runs that never ended."""
    if store.record_damage is not None:
        return
    rows = store.record()
    versions = rows["version"].to_pylist()
    if versions != list(range(1, len(versions) + 1)):
        yield Finding(Level.DAMAGED, "runs", "", f"the store's versions are not 1 to {len(versions)}", COPY)
    known = set(rows["run_id"].to_pylist())
    for name, table in opened.items():
        newest = next((commit.get("run_id") for commit in table.history() if commit.get("run_id")), None)
        if newest is not None and newest not in known:
            told = f"its newest rows are of run {newest}, which the record of runs does not know"
            yield Finding(Level.DAMAGED, name, "", told, f"{COPY}: the record's own log has lost entries")
    running = store.not_ended()
    for run_id in running:
        if is_dead(store.layout, run_id):
            yield Finding(Level.UNTIDY, f"run {run_id}", "", "it was killed, and nobody has recorded it", "`--repair`")
        elif not can_be_judged(store.layout, run_id):
            told = "it never ended; whether it lives only its own machine can say"
            yield Finding(Level.NOTE, f"run {run_id}", "", told, "a command there records its end")
    folder = store.layout.folder("running")
    for lock in sorted(folder.glob("*.lock")) if folder.is_dir() else []:
        if lock.stem not in running and is_dead(store.layout, lock.stem):
            yield Finding(
                Level.UNTIDY, "store", f"running/{lock.name}", "the lock of a run that ended", "`--repair` removes it"
            )


def _weights(store: Catalog) -> Iterator[Finding]:
    """Weights that a live model names and that are gone."""
    if store.layout.is_remote:
        return
    try:
        rows = store.connect().sql("SELECT model, path FROM models WHERE path IS NOT NULL").fetchall()
    except (StoreError, duckdb.Error):
        return  # told above
    for model, path in rows:
        if not (store.layout.folder("models") / Path(path).name).is_dir():
            told = "the model's weights are gone"
            yield Finding(Level.DAMAGED, f"model {model}", path, told, f"{COPY}, or tune it again")


def _reader(layout: StoreLayout) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    filesystem = remote_filesystem(layout)
    if filesystem is not None:
        connection.register_filesystem(filesystem)
    connection.execute("SET enable_progress_bar = false")
    connection.execute(f"SET temp_directory = {literal(tempfile.gettempdir())}")
    return connection
