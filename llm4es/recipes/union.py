"""Rows of several files as those of one table: a column whose type differs among the files loses nothing.

In: SQL that reads each file, and its columns. Out: the query of all rows, in the order of the files. Whole numbers and
floats meet as floats where these hold every one of them, all other mixtures as texts. Knows nothing of recipes.
"""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from ..core.sql import identifier
from .exact import shortest
from .keys import BIG, plain_text

logger = logging.getLogger(__name__)

WHOLE = frozenset(
    {*("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"), *("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")}
)
FLOATS = frozenset({"FLOAT", "DOUBLE"})
SMALL = frozenset({"TINYINT", "SMALLINT", "INTEGER", "UTINYINT", "USMALLINT", "UINTEGER"})
"""Whole numbers that floats hold."""

LONG = frozenset({*SMALL, "BIGINT", "UBIGINT"})
"""Whole numbers of 20 digits at most."""

DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")
"""Digits in all, and behind the point."""

VALUES = "values"
"""In place of a type: the values of the files say which."""

TIMES = frozenset({"DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"})


@dataclass(frozen=True)
class Part:
    """One file of a table."""

    reader: str
    """As SQL behind FROM."""
    columns: Sequence[str]
    """Those that are wanted."""
    is_text: bool
    """Every value is a text."""


def rows_sql(connection: duckdb.DuckDBPyConnection, parts: Sequence[Part]) -> str:
    """The query of the rows of all files; columns of one name, in whatever case, are one."""
    types = [_types(connection, part) for part in parts]
    wanted: dict[str, str | None] = {}
    for name in {name for each in types for name in each}:
        readers = [(part.reader, each[name]) for part, each in zip(parts, types, strict=True) if name in each]
        common = _common({type for _, type in readers})
        wanted[name] = _of_values(connection, name, readers) if common == VALUES else common
    queries = []
    for part, each in zip(parts, types, strict=True):
        lower = [(name, name.lower()) for name in part.columns]
        columns = [_column(connection, part.reader, name, each[key], wanted[key]) for name, key in lower]
        queries.append(f"SELECT {', '.join(columns) or 'NULL AS _none'} FROM {part.reader}")
    return " UNION ALL BY NAME ".join(queries)


def _types(connection: duckdb.DuckDBPyConnection, part: Part) -> dict[str, str]:
    """The type of each column, by its name in lower case."""
    if part.is_text or not part.columns:
        return {name.lower(): "VARCHAR" for name in part.columns}
    columns = ", ".join(map(identifier, part.columns))
    rows = connection.execute(f"DESCRIBE SELECT {columns} FROM {part.reader}").fetchall()
    return {str(name).lower(): str(type) for name, type, *_ in rows}


def _common(types: set[str]) -> str | None:
    """The type that holds the values of all; None: DuckDB's own choice loses nothing. VALUES: they decide."""
    if len(types) == 1 or types <= WHOLE or types <= TIMES or '"NULL"' in types:
        return None
    if types <= FLOATS | SMALL:
        return "DOUBLE"
    if types <= FLOATS | WHOLE:
        return VALUES
    digits = [DECIMAL.fullmatch(type) for type in types - WHOLE]
    if all(digits):
        scale = max(int(found[2]) for found in digits if found)
        before = max([int(found[1]) - int(found[2]) for found in digits if found] + [39 * bool(types & WHOLE - LONG)])
        before = max(before, 20 * bool(types & WHOLE))
        return f"DECIMAL({before + scale}, {scale})" if before + scale <= 38 else "VARCHAR"
    return "VARCHAR"


def _of_values(connection: duckdb.DuckDBPyConnection, name: str, readers: Sequence[tuple[str, str]]) -> str:
    """DOUBLE where it holds every whole number of the files, else VARCHAR."""
    column = identifier(name)
    for reader, type in readers:
        if type in WHOLE - SMALL:
            query = f"SELECT bool_and(CAST({column} AS HUGEINT) BETWEEN {-BIG} AND {BIG}) FROM {reader}"
            if connection.execute(query).fetchall()[0][0] is False:
                return "VARCHAR"
    return "DOUBLE"


def _column(connection: duckdb.DuckDBPyConnection, reader: str, name: str, type: str, common: str | None) -> str:
    """A column of a file in the type that all files have it."""
    column = identifier(name)
    if type == "BLOB":  # texts of writers that do not say so
        query = f"SELECT count_if({column} IS NOT NULL AND TRY(decode({column})) IS NULL) FROM {reader}"
        if not connection.execute(query).fetchall()[0][0]:
            return f"decode({column}) AS {column}"
        logger.warning("column %r is binary and no UTF-8: bytes that are no text are shown as \\xAB", name)
    if common is None:
        return column
    if common == "VARCHAR":
        return f"{plain_text(column, type)} AS {column}"
    return f"{shortest(column) if type == 'FLOAT' else f'CAST({column} AS {common})'} AS {column}"
