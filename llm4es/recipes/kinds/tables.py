"""Files that are no text and that DuckDB does not read offline, made Parquet.

In: an Arrow, Excel, SQLite or DuckDB file, and the name of the table or sheet. Out: a Parquet file in a folder, its
rows in the file's order, a part at a time (Excel: a sheet at once). Files are only read.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, time
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.ipc

from ...core.errors import DataError, one_line
from ...core.interrupts import interruptible
from ...core.limits import stoppable, time_is_over
from ...core.sql import identifier, literal
from .kind import FileKind

ROWS = 20_000
"""Rows at a time."""


def as_parquet(kind: FileKind, path: Path, table: str | None, target: Path) -> None:
    """Write the rows of a file as Parquet."""
    try:
        CONVERTERS[kind](path, table, target)
    except (pa.ArrowException, duckdb.Error, sqlite3.Error, OSError) as error:
        raise DataError(f"{path} cannot be read as {kind.value}: {one_line(error, 200)}") from error


def _arrow(path: Path, table: str | None, target: Path) -> None:
    import pyarrow.parquet as pq  # brings along clients of every cloud

    with pa.memory_map(str(path)) as file:
        try:
            reader = pa.ipc.open_file(file)
            batches: Iterable[pa.RecordBatch] = map(reader.get_batch, range(reader.num_record_batches))
        except pa.ArrowInvalid:
            file.seek(0)
            reader = batches = pa.ipc.open_stream(file)
        with pq.ParquetWriter(target, reader.schema) as writer:
            for batch in batches:
                writer.write_batch(batch)


def _duckdb(path: Path, table: str | None, target: Path) -> None:
    with duckdb.connect() as connection, stoppable(connection.interrupt), interruptible(connection.interrupt):
        connection.execute(f"ATTACH {literal(str(path))} AS raw (READ_ONLY)")
        # A view in the file is SQL of whoever made it, and may read any file: it reaches this folder of copies only.
        connection.execute(f"SET allowed_directories = [{literal(str(target.parent))}]")
        connection.execute("SET enable_external_access = false; SET python_enable_replacements = false")
        connection.execute("SET lock_configuration = true")
        query = "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'raw' UNION ALL "
        query += "SELECT schema_name, view_name FROM duckdb_views() WHERE database_name = 'raw' AND NOT internal"
        names = {str(name): str(schema) for schema, name in connection.execute(query).fetchall()}
        chosen = _chosen(path, table, sorted(names), "table")
        whole = f"raw.{identifier(names[chosen])}.{identifier(chosen)}"
        connection.execute(f"COPY (FROM {whole}) TO {literal(str(target))} (FORMAT parquet)")


def _sqlite(path: Path, table: str | None, target: Path) -> None:
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        connection.set_progress_handler(time_is_over, 100_000)  # a view in the file may never end
        connection.text_factory = lambda text: text.decode("utf-8", errors="replace")
        query = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY 1"
        chosen = _chosen(path, table, [str(name) for (name,) in connection.execute(query)], "table")
        cursor = connection.execute(f"SELECT * FROM {identifier(chosen)}")
        _write([str(column[0]) for column in cursor.description], cursor, target)
    finally:
        connection.close()


def _excel(path: Path, table: str | None, target: Path) -> None:
    try:
        from python_calamine import CalamineError, CalamineWorkbook  # heavy
    except ImportError as error:
        raise DataError(f"{path}: Excel files are read with python-calamine: pip install 'llm4es[excel]'") from error
    try:
        with CalamineWorkbook.from_path(str(path)) as book:
            sheet = book.get_sheet_by_name(_chosen(path, table, list(book.sheet_names), "sheet"))
            rows: Iterator[Sequence[Any]] = iter(sheet.to_python(skip_empty_area=True))
    except CalamineError as error:
        raise DataError(f"{path} is no whole Excel file: {one_line(error)}") from error
    names = [_text(value) or "" for value in next(rows, [])]
    if not any(names):
        raise DataError(f"{path} is empty: its first row should name the columns")
    kept = [(row + [""] * len(names))[: len(names)] for row in map(list, rows) if any(value != "" for value in row)]
    _write(names, kept, target)


CONVERTERS: dict[FileKind, Callable[[Path, str | None, Path], None]] = {
    FileKind.ARROW: _arrow,
    FileKind.EXCEL: _excel,
    FileKind.SQLITE: _sqlite,
    FileKind.DUCKDB: _duckdb,
}


def _chosen(path: Path, table: str | None, names: Sequence[str], what: str) -> str:
    """The table that is named, or the only one."""
    if table is not None and table in names:
        return table
    if table is None and len(names) == 1:
        return names[0]
    known = ", ".join(names[:20]) or "none"
    asked = f"no {what} {table!r}" if table is not None else f"{len(names)} {what}s, and none is named"
    raise DataError(f'{path} has {asked}: write table = "..." in the recipe\'s table; there are {known}')


def _write(names: Sequence[str], rows: Iterable[Sequence[Any]], target: Path) -> None:
    """Rows of mixed types as texts: what has a type a cell has none a column."""
    import pyarrow.parquet as pq  # heavy, as above

    names = [name.strip() or f"column_{at}" for at, name in enumerate(names, start=1)]
    schema = pa.schema([(name, pa.string()) for name in names])
    rows = iter(rows)
    with pq.ParquetWriter(target, schema) as writer:
        while part := list(islice(rows, ROWS)):
            columns = [pa.array([_text(row[at]) for row in part], pa.string()) for at in range(len(names))]
            writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))


def _text(value: Any) -> str | None:
    """A cell as text: whole numbers without a point, times as ISO, nothing as null."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="backslashreplace")
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return value.isoformat() if isinstance(value, date | time) else str(value)
