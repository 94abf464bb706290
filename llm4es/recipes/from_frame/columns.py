"""Columns of a frame: found by name, written as SQL, and looked at.

In: an Arrow table. Out: names, SQL and profiles, or one line that says which column is missing.
"""

from collections import Counter
from collections.abc import Iterable

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from ...core.errors import DataError, nearest
from ...core.sql import identifier
from ..init.column_profile import ColumnProfile, profile_rows
from ..init.counts import ROWS
from ..init.repetition import Repetition, repetitions


def check_table(table: pa.Table, entity: str, what: str) -> None:
    """Refuse a table that no recipe can be made of."""
    need(table, entity, what)
    if not table.num_rows:
        raise DataError(f"{what} have no rows: give a frame with at least one")
    type = table.schema.field(entity).type
    if pa.types.is_nested(type) or pa.types.is_binary(type):
        raise DataError(f"{what}: {entity!r} is of type {type}: give ids that are text or whole numbers")
    lower = Counter(name.lower() for name in table.column_names)
    if twice := [name for name in table.column_names if lower[name.lower()] > 1]:
        raise DataError(f"{what}: only case tells {' and '.join(twice)} apart: rename one of them")


def need(table: pa.Table, name: str, what: str) -> None:
    """Refuse a name that is no column."""
    if name not in table.column_names:
        raise DataError(f"{what} have no column {name!r}: {nearest(name, table.column_names)}")


def sql_of(name: str) -> str:
    """A column as an expression of a recipe."""
    return name if name.isidentifier() else identifier(name)


def whole_sql(table: pa.Table, name: str) -> str:
    """A column of ids or classes; whole numbers that missing values have turned into floats become whole again."""
    return f"CAST({identifier(name)} AS BIGINT)" if is_whole(table[name]) else sql_of(name)


def is_whole(column: pa.ChunkedArray) -> bool:
    """Whether a column of floats holds whole numbers only, none beyond those that floats tell apart."""
    if not pa.types.is_floating(column.type):
        return False
    return bool(pc.all(pc.and_(pc.equal(pc.floor(column), column), pc.less(pc.abs(column), 2.0**53))).as_py())


def texts_of(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Ids as they are read: as text."""
    return (column.cast(pa.int64()) if is_whole(column) else column).cast(pa.string())


def profiles_of(table: pa.Table) -> dict[str, ColumnProfile]:
    """What each column is like."""
    columns = [(name, identifier(name)) for name in table.column_names]
    with duckdb.connect() as connection:
        connection.register("frame", table)
        _, profiles = profile_rows(connection, "frame", columns, texts=False)
    return {column.name: column for column in profiles}


def repetitions_of(table: pa.Table, entity: str, names: Iterable[str]) -> dict[str, Repetition]:
    """How the values of each column come again in the first rows."""
    return repetitions(table.slice(0, ROWS).select(dict.fromkeys([entity, *names])), entity)
