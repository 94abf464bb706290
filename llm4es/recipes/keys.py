"""Ids and keys as SQL that gives one text each, whatever the type of their column.

In: an expression, and where it is read. Out: SQL of a text: 3, 3.0 and the decimal 3.00 are '3'. Texts stay as they are
written, so 003 is not 3; only a column of them that are all whole numbers, some as floats (7.0), loses the points.
The same rules for Arrow are in ``core.ids``.
"""

import duckdb

from ..core.ids import MISSING
from ..core.sql import literal

BIG = 2**53
"""Floats tell all whole numbers below it apart, and no others."""

FLOATS = ("DOUBLE", "FLOAT")

WHOLE = r"-?(0|[1-9]\d*)(\.0+)?"
"""A whole number as a text, perhaps of a float."""


def key_text(sql: str, type: str) -> str:
    """A value of a type as the text of an id; null for floats that may stand for several ids."""
    return f"CASE WHEN abs({sql}) < {BIG} THEN {plain_text(sql, type)} END" if type in FLOATS else plain_text(sql, type)


def plain_text(sql: str, type: str) -> str:
    """A value of a type as a text in which equal numbers are equal."""
    text = f"CAST({sql} AS VARCHAR)"
    if type in FLOATS:
        whole = f"abs({sql}) < {BIG} AND {sql} = trunc({sql})"
        return f"CASE WHEN {whole} THEN CAST(CAST({sql} AS BIGINT) AS VARCHAR) ELSE {text} END"
    if type.startswith("DECIMAL") and not type.endswith(",0)"):
        return f"rtrim(rtrim({text}, '0'), '.')"
    return text


def without_nan(connection: duckdb.DuckDBPyConnection, sql: str, clause: str) -> str:
    """An expression over the rows behind FROM as a text; null for a float that is no number, as where nothing is."""
    type = str(connection.execute(f"DESCRIBE SELECT {sql} FROM {clause}").fetchall()[0][1])
    return f"CAST(nullif({sql}, CAST('nan' AS {type})) AS VARCHAR)" if type in FLOATS else f"CAST({sql} AS VARCHAR)"


def key_sql(connection: duckdb.DuckDBPyConnection, sql: str, clause: str) -> str:
    """An expression over the rows behind FROM as the text of an id."""
    type = str(connection.execute(f"DESCRIBE SELECT {sql} FROM {clause}").fetchall()[0][1])
    return without_points(sql) if type == "VARCHAR" and are_floats(connection, sql, clause) else key_text(sql, type)


def without_points(sql: str) -> str:
    """The text of an id of a column of texts that are whole numbers, some of them floats; null for large floats."""
    large = f"ends_with({sql}, '.0') AND abs(TRY_CAST({sql} AS DOUBLE)) >= {BIG}"
    return f"CASE WHEN NOT ({large}) THEN regexp_replace({sql}, '\\.0+$', '') END"


def are_floats(connection: duckdb.DuckDBPyConnection, sql: str, clause: str) -> bool:
    """Whether a column of texts holds whole numbers only, some of them written as floats."""
    some = f"SELECT 1 FROM (SELECT {sql} AS v FROM {clause}) WHERE ends_with(v, '.0') LIMIT 1"
    if not connection.execute(some).fetchall():
        return False
    given = f"v <> '' AND lower(v) NOT IN ({', '.join(map(literal, MISSING))})"
    every = f"SELECT bool_and(regexp_full_match(v, '{WHOLE}')) FROM (SELECT {sql} AS v FROM {clause}) WHERE {given}"
    return bool(connection.execute(every).fetchall()[0][0])
