"""The columns of unknown files as expressions of a recipe, the parts of nested ones too.

In: a connection, and the readers of files. Out: SQL behind FROM, and name and expression of each column.
"""

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from ...core.sql import identifier
from ..model import RawTable
from ..readers import reader_of


@dataclass(frozen=True)
class RawRows:
    """The rows of files."""

    reader: str
    """As SQL behind FROM."""
    columns: tuple[tuple[str, str], ...]
    """Name and expression of each column."""
    is_text: bool
    """Every value is a text."""


def rows_in(
    connection: duckdb.DuckDBPyConnection, spec: RawTable, paths: Sequence[Path], folder: Path, one_line_end: bool
) -> RawRows:
    """The rows of all files of a table; ``folder`` takes copies."""
    readers = [reader_of(connection, spec, path, folder, one_line_end=one_line_end) for path in paths]
    query = readers[0][0]
    if len(readers) > 1:
        query = f"({' UNION ALL BY NAME '.join(f'FROM {reader}' for reader, _, _ in readers)})"
    schema = connection.sql(f"FROM {query} LIMIT 0").to_arrow_table().schema
    names = readers[0][1] if len(readers) == 1 else schema.names  # Arrow is not told of names that are empty
    fields = [(name, field.type) for name, field in zip(names, schema, strict=True) if name]
    columns = tuple(part for name, type in fields for part in _parts(name, bare(name), type))
    return RawRows(query, columns, all(is_text for _, _, is_text in readers))


def _parts(name: str, sql: str, type: pa.DataType) -> Iterator[tuple[str, str]]:
    """A column; of a nested one each part by itself, and lists as words between commas."""
    if pa.types.is_struct(type):
        for field in type:
            yield from _parts(f"{name}.{field.name}", f"{sql}.{bare(field.name)}", field.type)
    elif pa.types.is_list(type) and not pa.types.is_nested(type.value_type):
        yield name, f"array_to_string({sql}, ', ')"
    else:
        yield name, sql


def bare(name: str) -> str:
    """A column in an expression, quoted where SQL needs it."""
    return name if name.isidentifier() and name.lower() not in _reserved() else identifier(name)


@functools.cache
def _reserved() -> frozenset[str]:
    """The words that are no names in SQL."""
    with duckdb.connect() as connection:
        rows = connection.execute("SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category <> 'unreserved'")
        return frozenset(str(row[0]) for row in rows.fetchall())
