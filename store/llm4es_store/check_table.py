"""One table looked at: its log, every file's presence, size and checksum, its keys.

In: a table's path and name, a connection that can read its files. Out: findings. Writes nothing.
"""

import hashlib
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb

from llm4es.core.errors import StoreError
from llm4es.core.sql import identifier

from . import checksums
from .checksums import Checksums
from .delta import Table
from .explain import explain
from .finding import Finding, Level
from .layout import TABLES, StoreLayout
from .log import actions, entries, folder_of, log_fault
from .remote_folders import remote_filesystem
from .views import select_sql

COPY = "restore it from a copy"
NO_SUM = "files without a checksum"
UNREADABLE = "the checksums kept with a commit cannot be read"
LOST = "the newest entries of the log are lost"
STRAY = "left by a writer that was killed"

Advance = Callable[[int], None]
"""Takes how many more bytes were looked at."""


def files_of(table: Table) -> dict[str, int]:
    """Data file, below the table's folder -> bytes, as the log says."""
    rows = table.files().select(["path", "size_bytes"]).to_pylist()
    return {urllib.parse.unquote(row["path"]): row["size_bytes"] for row in rows}


def check_log(path: str, name: str) -> Iterator[Finding]:
    """Entries of a local table's log that are missing, cut, or not what was committed."""
    if "://" in path:
        return
    fault = log_fault(path)
    if fault is not None:
        remedy = "`--repair` sets it aside: the table is as it was before it" if fault.is_last else COPY
        yield Finding(Level.DAMAGED, name, fault.file, f"the log's entry {fault.words}", remedy)
        return
    kept = checksums.kept(path)
    sums = kept.entries
    for note in kept.unreadable:
        told = f"{COPY}, or `--repair` to note those of what is there now"
        yield Finding(Level.DAMAGED, name, f"{checksums.FOLDER}/{note}", UNREADABLE, told)
    if kept.lost is not None:
        told = f"versions from {kept.lost} on were lost once, and given up by `--repair`"
        yield Finding(Level.NOTE, name, "_delta_log", told, "a copy from before may have them")
    there = entries(path)
    for version, entry in there.items():
        if sums.get(version, digest := hashlib.sha256(entry.read_bytes()).hexdigest()) != digest:
            told = "the log's entry is not what was committed: its checksum differs"
            yield Finding(Level.DAMAGED, name, f"_delta_log/{entry.name}", told, COPY)
    if sums and max(sums) > max(there, default=-1):
        told = f"{LOST}: there was version {max(sums)}, there is {max(there, default=-1)}"
        yield Finding(Level.DAMAGED, name, "_delta_log", told, f"{COPY}, or go on without: `--repair`")


def check_files(table: Table, name: str, advance: Advance, known: Checksums | None = None) -> Iterator[Finding]:
    """Data files that are missing, of another size, or not what was written; one finding for all without a checksum."""
    known = known or checksums.kept(table.path)
    without = 0
    for file, size in files_of(table).items():
        try:
            found = _size(table.path, file)
        except OSError as error:
            gone = isinstance(error, FileNotFoundError)
            told = "the file is gone" if gone else f"the file cannot be read ({error.strerror or error})"
            yield Finding(Level.DAMAGED, name, file, told, COPY)
            continue
        if found != size:
            yield Finding(Level.DAMAGED, name, file, f"the file has {found} bytes, the log says {size}", COPY)
        elif file not in known.files:
            without += 1
        elif checksums.hash_of(table.path, file) != known.files[file]:
            told = "the file is not what was written: its checksum differs"
            yield Finding(Level.DAMAGED, name, file, told, COPY)
        advance(size)
    if without:
        told = f"{without} {NO_SUM}: made by llm4es 0.1, or by a run that was killed"
        yield Finding(Level.NOTE, name, "", told, "`--repair` notes those of what is there now")


def check_rows(table: Table, name: str, connection: duckdb.DuckDBPyConnection) -> Iterator[Finding]:
    """Rows that cannot be read, and keys that are there twice."""
    spec = TABLES.get(name)
    key = spec.key if spec else ("entity_id", "position")
    key = tuple(column for column in key if column in table.schema.names)  # an older table may lack one
    columns = ", ".join(identifier(column) for column in key)
    twice = f"SELECT {columns}, count(*) FROM ({select_sql(table)}) GROUP BY {columns} HAVING count(*) > 1"
    try:
        total = connection.execute(f"SELECT count(*), any_value(t) FROM ({twice}) t").fetchone()
    except duckdb.Error as error:
        yield Finding(Level.DAMAGED, name, "", explain(error), COPY)
        return
    if total and total[0]:
        first = ", ".join(str(value) for value in list(dict(total[1]).values())[: len(key)])
        told = f"{total[0]} keys are there more than once, such as ({', '.join(key)}) = ({first})"
        yield Finding(Level.DAMAGED, name, "", told, f"{COPY}; `llm4es sql` shows the rows")


def strays(path: str, name: str) -> Iterator[Finding]:
    """Files of a local table that no version ever named, and half-written entries of its log."""
    if "://" in path or not folder_of(path).is_dir():
        return
    for staged in sorted(folder_of(path).glob("*.json#*")):
        yield Finding(Level.UNTIDY, name, f"_delta_log/{staged.name}", STRAY, "`--repair` removes it")
    root = Path(path)
    files = [file.relative_to(root).as_posix() for file in sorted(root.rglob("*.parquet"))]
    files = [below for below in files if not below.startswith("_")]
    there = entries(path)
    if not there or min(there) > 0:
        return  # what the first versions named is not known any more
    named = set(checksums.kept(path).files)  # of an entry that is lost: somebody may still want them
    for entry in there.values():
        with suppress(ValueError, OSError):
            named |= {urllib.parse.unquote(action["add"]["path"]) for action in actions(entry) if "add" in action}
    for below in files:
        if below not in named:
            yield Finding(Level.UNTIDY, name, below, STRAY, "`--repair` removes it")


def _size(table: str, file: str) -> int:
    if "://" not in table:
        return (Path(table) / file).stat().st_size
    files: Any = remote_filesystem(StoreLayout(table))
    return int(files.info(f"{table.partition('://')[2]}/{file}")["size"])


def open_or_say(path: str, name: str) -> "tuple[Table | None, Finding | None]":
    """A table, or why it does not open."""
    try:
        return Table.open(path), None
    except StoreError as error:
        return None, Finding(Level.DAMAGED, name, "", str(error), COPY)
