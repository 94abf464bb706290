"""How an unknown file is read: its delimiter, encoding and columns, the parts of nested ones too.

In: a delimited or Parquet file. Out: SQL that reads it, and the columns as expressions of a recipe. Counts nothing.
DuckDB's ``sniff_csv`` does not serve here: it knows no encoding, takes the header of pandas' own ``to_csv()`` for data,
and gives up the delimiter where some lines are longer.
"""

import csv
import functools
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ...core.errors import DataError, one_line
from ...core.sql import file_literal, identifier, literal
from ..readers import DELIMITERS

SAMPLE = 1 << 20
"""Bytes that delimiter and encoding are told from."""


@dataclass(frozen=True)
class FileShape:
    """How a file is read."""

    reader: str
    """As SQL behind FROM."""
    columns: tuple[tuple[str, str], ...]
    """Name and expression of each column; one without a name is an index that somebody wrote along, and left out."""
    delimiter: str | None = None
    """None: Parquet."""
    encoding: str | None = None


def sniff(path: Path) -> FileShape:
    """Look at the first bytes of a file."""
    if not path.is_file():
        raise DataError(f"no file at {path}: give the table of events, a CSV or Parquet file")
    return _parquet(path) if path.suffix in (".parquet", ".pq") else _delimited(path)


def bare(name: str) -> str:
    """A column in an expression, quoted where SQL needs it."""
    return name if name.isidentifier() and name.lower() not in _reserved() else identifier(name)


@functools.cache
def _reserved() -> frozenset[str]:
    """The words that are no names in SQL."""
    with duckdb.connect() as connection:
        rows = connection.execute("SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category <> 'unreserved'")
        return frozenset(str(row[0]) for row in rows.fetchall())


def _parquet(path: Path) -> FileShape:
    try:
        schema = pq.read_schema(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError(f"{path} is not a whole Parquet file: {one_line(error)}") from error
    columns = tuple(part for field in schema if field.name for part in _parts(field.name, bare(field.name), field.type))
    return FileShape(f"read_parquet({file_literal(str(path))}, hive_partitioning = false)", columns)


def _parts(name: str, sql: str, type: pa.DataType) -> Iterator[tuple[str, str]]:
    """A column; of a nested one each part by itself, and lists as words between commas."""
    if pa.types.is_struct(type):
        for field in type:
            yield from _parts(f"{name}.{field.name}", f"{sql}.{bare(field.name)}", field.type)
    elif pa.types.is_list(type) and not pa.types.is_nested(type.value_type):
        yield name, f"array_to_string({sql}, ', ')"
    else:
        yield name, sql


def _delimited(path: Path) -> FileShape:
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rb") as file:
            start = file.read(SAMPLE)
    except (OSError, EOFError) as error:
        raise DataError(f"cannot read {path}: {error}") from error
    encoding, text = _decoded(start)
    lines = text.splitlines()
    if not lines or not lines[0].strip():
        raise DataError(f"{path} is empty: its first line should name the columns")
    delimiter = max(DELIMITERS, key=lambda each: (min(line.count(each) for line in lines[:20]), lines[0].count(each)))
    names = [name.strip() for name in next(csv.reader(lines[:1], delimiter=delimiter))]
    columns = ", ".join(f"{literal(name or f'column_{at}')}: 'VARCHAR'" for at, name in enumerate(names, start=1))
    reader = (
        f"read_csv({file_literal(str(path))}, auto_detect=false, hive_partitioning=false, header=true, "
        f"delim={literal(delimiter)}, quote='\"', "
        f"escape='\"', encoding='{encoding}', columns={{{columns}}})"
    )
    return FileShape(reader, tuple((name, bare(name)) for name in names if name), delimiter, encoding)


def _decoded(start: bytes) -> tuple[str, str]:
    """The encoding of a file's first bytes, and what they say; the last character may be cut."""
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16", start.decode("utf-16", errors="ignore")
    try:
        return "utf-8", start.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        encoding = "utf-8" if error.end >= len(start) - 3 else "latin-1"
        return encoding, start.decode("utf-8-sig" if encoding == "utf-8" else "latin-1", errors="ignore")
