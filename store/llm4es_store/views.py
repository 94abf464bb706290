"""One version of a Delta table as a DuckDB SELECT over its Parquet files, without any DuckDB extension.

In: a table's snapshot. Out: SQL text. Knows nothing of what the table holds.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import pyarrow as pa

from llm4es.core.errors import StoreError
from llm4es.core.sql import identifier, literal

from .delta import Table

FILE, PLACE = "_llm4es_file", "_llm4es_place"
"""Columns that say of a row which file it is in, as the connection calls it, and which row of that file it is."""


class View(NamedTuple):
    """One view of a store."""

    select: str
    """How it reads the files."""
    columns: Mapping[str, str]
    """Column -> type, as far as they are known without the files."""
    damage: str | None = None
    """What is wrong with its table; None: nothing that is known."""


def select_sql(table: Table, folder: str | None = None, *, paths: Sequence[str] | None = None) -> str:
    """The snapshot's rows, every column cast to the type that the log gives it.

    ``folder`` is what the connection calls the table's folder; None: as it lies. ``paths`` are files below it, those
    that are read; None: all.
    """
    paths = table.paths() if paths is None else paths
    if not paths:  # read_parquet([]) is an error
        return empty_sql(table.schema)
    read = f"SELECT * FROM {_read_parquet(table, folder or table.path, paths)}"
    # A column that was added since is in none of the files, or in some: the empty rows bring it along.
    return f"SELECT {_typed(table)} FROM ({read} UNION ALL BY NAME {empty_sql(table.schema)})"


def placed_sql(table: Table, paths: Sequence[str]) -> str:
    """As ``select_sql`` of these files, at least one, and where each row lies: columns ``FILE`` and ``PLACE``."""
    named = f", filename = '{FILE}'"
    read = f"SELECT *, file_row_number AS {PLACE} FROM {_read_parquet(table, table.path, paths, named)}"
    if "file_row_number" in table.schema.names:  # a dataset's own column hides DuckDB's: rows come in their order
        numbered = f"SELECT *, row_number() OVER () - 1 AS {PLACE} FROM "
        each = (_read_parquet(table, table.path, [path], named) for path in paths)
        read = " UNION ALL BY NAME ".join(numbered + one for one in each)
    return f"SELECT {_typed(table)}, {FILE}, {PLACE} FROM ({read} UNION ALL BY NAME {empty_sql(table.schema)})"


def _typed(table: Table) -> str:
    types = duckdb_types(table.schema)
    return ", ".join(f"{identifier(column)}::{type_} AS {identifier(column)}" for column, type_ in types.items())


def _read_parquet(table: Table, folder: str, paths: Sequence[str], more: str = "") -> str:
    """Files as a relation, read with ``more`` options.

    Partition columns are typed from the log: left alone, DuckDB guesses by value, and '7' becomes a number.
    Paths in the log are percent-encoded once; the folders on disk may themselves bear percent signs.
    """
    files = ", ".join(literal(f"{folder}/{path}") for path in paths)
    types, partitions = duckdb_types(table.schema), table.partition_by
    if partitions:
        typed = ", ".join(f"{identifier(column)}: {types[column]}" for column in partitions)
        hive = f"hive_partitioning = true, hive_types = {{{typed}}}"
    else:
        hive = "hive_partitioning = false"
    return f"read_parquet([{files}], union_by_name = true, {hive}{more})"


def empty_sql(schema: pa.Schema) -> str:
    """No rows, the right columns."""
    columns = ", ".join(f"NULL::{type_} AS {identifier(column)}" for column, type_ in duckdb_types(schema).items())
    return f"SELECT {columns} WHERE false"


def duckdb_types(schema: pa.Schema) -> dict[str, str]:
    """Column -> the DuckDB type that carries it."""
    return {field.name: duckdb_type(field.type) for field in schema}


@lru_cache(1024)  # the columns of twenty tables, whenever a store's views are asked for
def duckdb_type(type_: pa.DataType) -> str:
    """An Arrow type's name in DuckDB. Raises StoreError for a type that Delta tables do not hold."""
    if pa.types.is_list(type_) or pa.types.is_large_list(type_):
        return f"{duckdb_type(type_.value_type)}[]"
    if pa.types.is_struct(type_):
        return "STRUCT(" + ", ".join(f"{identifier(field.name)} {duckdb_type(field.type)}" for field in type_) + ")"
    if pa.types.is_timestamp(type_):
        return "TIMESTAMP WITH TIME ZONE" if type_.tz else "TIMESTAMP"
    if pa.types.is_decimal(type_):
        return f"DECIMAL({type_.precision}, {type_.scale})"
    if str(type_) not in _SCALARS:
        raise StoreError(f"type {type_} cannot be kept in a store: cast the column to text, a number or a time")
    return _SCALARS[str(type_)]


_SCALARS = {
    "string": "VARCHAR",
    "large_string": "VARCHAR",
    "string_view": "VARCHAR",
    "binary": "BLOB",
    "bool": "BOOLEAN",
    "int8": "TINYINT",
    "int16": "SMALLINT",
    "int32": "INTEGER",
    "int64": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "date32[day]": "DATE",
}
