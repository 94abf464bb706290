"""What is counted of the columns of an unknown table: of many columns at once, over a sample from the whole of it.

In: a connection, and SQL that reads rows. Out: the sample as a table ``seen`` of columns c0, c1, ..., and counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from ...core.sql import literal
from .numbers import MISSING

ROWS = 100_000
"""Rows that are looked at, at most, from all over the table."""

CELLS = 20_000_000
"""Cells that are looked at, at most: of very wide tables there are fewer rows."""

GOLDEN = 2654435761
"""A row's number times it, modulo 2^32, is spread evenly, whatever comes again in the file."""

TOGETHER = 100
"""Columns that one query counts."""

MANY_ROWS = 5_000_000
"""Rows above which different values are estimated, to a few percent."""


@dataclass(frozen=True)
class Counts:
    """What was counted of one column's values; empty ones are none."""

    count: int
    distinct: int
    numbers: int
    """That are finite numbers."""
    decimals: int
    """Most digits behind a point."""
    low: float
    high: float
    zeros: int
    """That begin with a zero that no number has."""
    blanks: int
    """Words such as NA."""
    digits: int
    """That hold a digit."""
    thousands: int
    """Such as 1.234, where the point may be a decimal point or stand between thousands."""
    examples: tuple[str, ...] = ()
    """Different values from the first rows."""


def sample(connection: duckdb.DuckDBPyConnection, reader: str, columns: Sequence[str]) -> tuple[int, int]:
    """Make the table ``seen``: all rows, or some from all over them, in order. How many there are and it has."""
    total = int(connection.execute(f"SELECT count(*) FROM {reader}").fetchall()[0][0])
    most = min(ROWS, max(1000, CELLS // max(len(columns), 1)))
    chosen = ", ".join(f"{sql} AS c{at}" for at, sql in enumerate(columns)) or "1"
    rows = f"SELECT {chosen} FROM {reader}"
    if total > most:
        numbered = f"(SELECT *, row_number() OVER () AS _llm4es_row FROM {reader})"
        share = int(most / total * 2**32)
        rows = f"SELECT {chosen} FROM {numbered} WHERE (_llm4es_row * {GOLDEN}) % 4294967296 < {share}"
    connection.execute(f"CREATE OR REPLACE TABLE seen AS {rows}")
    return total, int(connection.execute("SELECT count(*) FROM seen").fetchall()[0][0])


def count_columns(connection: duckdb.DuckDBPyConnection, number: int) -> list[Counts]:
    """Count the columns of ``seen``."""
    found: list[Counts] = []
    for start in range(0, number, TOGETHER):
        names = [f"c{at}" for at in range(start, min(start + TOGETHER, number))]
        texts = ", ".join(f"NULLIF(CAST({name} AS VARCHAR), '') AS {name}" for name in names)
        asked = ", ".join(_asked(name) for name in names)
        row = connection.execute(f"SELECT {asked} FROM (SELECT {texts} FROM seen)").fetchall()[0]
        first = connection.execute(f"SELECT {texts} FROM seen LIMIT 200").fetchall()
        width = len(row) // len(names)
        for at, name in enumerate(names):
            examples = tuple(dict.fromkeys(str(values[at]) for values in first if values[at] is not None))
            counts = _counts(row[at * width : (at + 1) * width], examples)
            if counts.count and not examples:
                some = connection.execute(
                    f"SELECT v FROM (SELECT {name}::VARCHAR AS v FROM seen) WHERE v <> '' LIMIT 3"
                )
                counts = _counts(row[at * width : (at + 1) * width], tuple(str(value) for (value,) in some.fetchall()))
            found.append(counts)
    return found


def count_one(connection: duckdb.DuckDBPyConnection) -> Counts:
    """Count the values of the table ``one``."""
    return _counts(connection.execute(f"SELECT {_asked('v')} FROM one").fetchall()[0], ())


def _asked(v: str) -> str:
    number = f"TRY_CAST({v} AS DOUBLE)"
    behind = f"length(rtrim(split_part({v}, '.', 2), '0'))"
    missing = ", ".join(map(literal, MISSING))
    return (
        f"count({v}), count(DISTINCT {v}), count_if(isfinite({number})), max({behind}), min({number}), max({number}), "
        f"count_if(regexp_matches({v}, '^[+-]?0\\d')), count_if(lower({v}) IN ({missing})), "
        f"count_if(regexp_matches({v}, '\\d')), count_if(regexp_full_match({v}, '[+-]?[1-9]\\d{{0,2}}(\\.\\d{{3}})+'))"
    )


def _counts(row: Sequence[float | None], examples: tuple[str, ...]) -> Counts:
    count, distinct, numbers, decimals, low, high, *others = row
    zeros, blanks, digits, thousands = (int(each or 0) for each in others)
    return Counts(
        int(count or 0), int(distinct or 0), int(numbers or 0), int(decimals or 0), float(low or 0), float(high or 0),
        zeros, blanks, digits, thousands, examples,
    )  # fmt: skip


def decimals_are_sure(counts: Counts) -> bool:
    """Whether points in numbers are decimal points: not every number has three digits behind one."""
    return not counts.count or counts.thousands < counts.count


def count_distinct(connection: duckdb.DuckDBPyConnection, reader: str, columns: Sequence[str], total: int) -> list[int]:
    """How many different values columns have in the whole table."""
    if not columns:
        return []
    counted = "approx_count_distinct({})" if total > MANY_ROWS or len(columns) > TOGETHER else "count(DISTINCT {})"
    asked = ", ".join(counted.format(f"NULLIF(CAST({sql} AS VARCHAR), '')") for sql in columns)
    return [min(int(each), total) for each in connection.execute(f"SELECT {asked} FROM {reader}").fetchall()[0]]


def only(connection: duckdb.DuckDBPyConnection, at: int) -> None:
    """Make the table ``one``: the values of one column."""
    connection.execute(
        f"CREATE OR REPLACE TABLE one AS SELECT * FROM (SELECT c{at}::VARCHAR AS v FROM seen) WHERE v <> ''"
    )


def values_of(connection: duckdb.DuckDBPyConnection, at: int) -> frozenset[str]:
    """Different values of a column, up to 10,000."""
    query = f"SELECT DISTINCT c{at}::VARCHAR AS v FROM seen WHERE v <> '' LIMIT 10000"
    return frozenset(str(row[0]) for row in connection.execute(query).fetchall())
