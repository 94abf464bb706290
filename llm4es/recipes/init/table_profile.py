"""An unknown table: its files found, sniffed and looked at.

In: a path, a folder or a glob. Out: how a recipe reads it, and what its columns are like.
"""

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from ...core.errors import DataError
from ...core.interrupts import interruptible
from ...core.limits import stoppable
from ..database import keep_limits
from ..expressions import sentence
from ..kinds.texts import has_mixed_line_ends
from ..model import Header, RawTable
from .column_profile import ColumnProfile, profile_rows
from .columns import rows_in
from .find import Found, find, told_by_folders
from .sniff import OTHER, Guess, sniff

MOST_COLUMNS = 1000
"""Columns of a table that are looked at: each takes some milliseconds, and nobody reads a recipe of ten thousand."""


MEMORY = "1000MB"
"""Bound on DuckDB's memory: counts of a thousand columns at once are not spilled."""


@dataclass(frozen=True)
class TableProfile:
    """A table, looked at."""

    path: Path
    """What was typed."""
    name: str
    """Of the file, the folder, or the folder that a glob looks in."""
    patterns: tuple[Path, ...]
    """What stands for its files in a recipe."""
    columns: tuple[ColumnProfile, ...]
    rows: int
    seen: pa.Table
    """The rows that were looked at, in the columns of ``columns``."""
    spec: RawTable
    """How the files are read; its paths are those that were typed."""
    doubts: tuple[str, ...]


def profile(path: Path, table: str | None = None, *, what: str = "the table of events") -> TableProfile:
    """Find, sniff and look at a table; ``table`` names it in a file that holds several, ``what`` it in errors."""
    found = find(path, what)
    patterns = [str(pattern) for pattern in found.patterns]
    guess = sniff(found.paths[0], patterns, table)
    try:
        return _looked_at(path, found, guess, one_line_end=False)
    except duckdb.Error as error:
        mixed = any(map(has_mixed_line_ends, found.paths))
        other = "unicode" in str(error).lower() or "utf-8" in str(error)
        if not mixed and not other:
            raise DataError(f"cannot read {path}: {sentence(error)}") from error
    if other:
        guess = sniff(found.paths[0], patterns, table, encoding=OTHER)
        doubt = f"encoding: {found.name} is UTF-8 at first and is read as {OTHER}, since later it is not"
        guess = Guess(guess.spec, (*guess.doubts, doubt))
    try:
        return _looked_at(path, found, guess, one_line_end=mixed)
    except duckdb.Error as error:
        raise DataError(f"cannot read {path}: {sentence(error)}") from error


def _looked_at(path: Path, found: Found, guess: Guess, one_line_end: bool) -> TableProfile:
    with (
        tempfile.TemporaryDirectory(prefix="llm4es-", ignore_cleanup_errors=True) as folder,
        duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": folder}) as connection,
        stoppable(connection.interrupt),
        interruptible(connection.interrupt),
    ):
        keep_limits(connection)
        copies = Path(folder, "copies")
        copies.mkdir()
        rows = rows_in(connection, guess.spec, found.paths, copies, one_line_end)
        count, columns = profile_rows(connection, rows.reader, rows.columns[:MOST_COLUMNS], texts=rows.is_text)
        seen = connection.sql("FROM seen").to_arrow_table()
    if not count:
        raise DataError(f"{path} has no rows: give a file with events in it")
    if guess.spec.header is not Header.NONE:
        kept = [at for at, column in enumerate(columns) if not _is_nothing(column, at)]
        seen, columns = seen.select(kept), tuple(columns[at] for at in kept)
    seen = seen.rename_columns([column.name for column in columns])
    doubts = (*found.doubts, *guess.doubts)
    there = {name.lower() for name, _ in rows.columns}
    for name, value in told_by_folders(found.paths).items():
        if name.lower() not in there:
            doubts += (
                f"path: only folders such as {name}={value} tell {name!r}, which is not read: put it into the files",
            )
    if (wide := len(rows.columns)) > MOST_COLUMNS:
        doubts += (f"columns: the first {MOST_COLUMNS} of {wide} are looked at, and the others are no fields",)
    return TableProfile(path, found.name, found.patterns, columns, count, seen, guess.spec, doubts)


def _is_nothing(column: ColumnProfile, at: int) -> bool:
    """A column without a name: an index that was written along, or what stands behind a last comma."""
    nameless = column.name == f"column_{at + 1}" or re.fullmatch(r"Unnamed: \d+", column.name)
    in_parquet = column.name == f"C{at}" and column.numbered  # DuckDB's name for one without
    of_pandas = re.fullmatch(r"__index_level_\d+__", column.name)
    return bool(of_pandas or in_parquet or (nameless and (at == 0 or not column.distinct)))
