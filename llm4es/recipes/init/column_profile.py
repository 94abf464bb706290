"""What the columns of an unknown table are like.

In: SQL that reads rows. Out: for each column how many values, how many different ones,
whether they are numbers or times. Judges nothing.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from ...core.sql import identifier
from .numbers import as_numbers
from .times import clock, time_of

ROWS = 100_000
"""Rows that are looked at."""

MEASURED = 50
"""Different whole numbers above which they are measured and not chosen."""

_ID = re.compile(r"(^|[^a-z])(id|nr|no|num|number|key|uuid|guid|code|zip|index)$")


@dataclass(frozen=True)
class ColumnProfile:
    """One column of the rows that were looked at."""

    name: str
    sql: str
    """The column in an expression of a recipe; of numbers in an unusual writing, the numbers."""
    rows: int
    missing: float
    """Share of rows without a value, 0..1."""
    distinct: int
    """Different values."""
    numeric: bool
    """Every value is a finite number."""
    decimals: int
    """Most digits behind the point, up to 4."""
    commas: bool
    """Numbers with commas in them, which nobody writes into names and codes."""
    codes: bool
    """Some value begins with a zero that no number has: 007."""
    numbered: bool
    """Whole numbers, all different, with few left out between the least and the greatest: they count the rows."""
    time: Mapping[str, str] | None
    """What a recipe says beside ``from`` to read it as a time; None: it is none."""
    doubt: str
    """What is doubtful about the time or the numbers; '' for nothing."""
    has_clock: bool
    """Some value is not at midnight."""
    clock: str
    """The strptime pattern of a time of day without a date; '': it is none."""
    examples: tuple[str, ...]
    """The first different values."""
    values: frozenset[str]
    """All different values, up to 10,000."""

    @property
    def unique(self) -> bool:
        """Hardly a value comes twice."""
        return self.distinct > 0.95 * self.rows * (1 - self.missing) and self.rows > 10

    @property
    def is_id(self) -> bool:
        """Named like a number or code of something."""
        return bool(_ID.search(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", self.name).lower()))

    @property
    def is_amount(self) -> bool:
        """Numbers that are added up and not names of something."""
        whole_amount = not self.is_id and not self.numbered and (self.distinct > MEASURED or self.unique)
        return self.numeric and (self.decimals > 0 or self.commas or whole_amount)


def profile_rows(
    connection: duckdb.DuckDBPyConnection, reader: str, columns: Sequence[tuple[str, str]], texts: bool
) -> tuple[int, tuple[ColumnProfile, ...]]:
    """How many of the first rows behind FROM ``reader`` there are, and what (name, SQL) columns of theirs are like.

    ``texts``: every value is a text already.
    """
    chosen = ", ".join(f"{sql} AS c{at}" for at, (_, sql) in enumerate(columns))
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"CREATE TABLE seen AS SELECT {chosen} FROM {reader} LIMIT {ROWS}")
    rows = int(connection.execute("SELECT count(*) FROM seen").fetchall()[0][0])
    return rows, tuple(_column(connection, at, name, sql, rows, texts) for at, (name, sql) in enumerate(columns))


def _column(
    connection: duckdb.DuckDBPyConnection, at: int, name: str, sql: str, rows: int, texts: bool
) -> ColumnProfile:
    """Count one column."""
    connection.execute(
        f"CREATE OR REPLACE TABLE one AS SELECT * FROM (SELECT c{at}::VARCHAR AS v FROM seen) WHERE v <> ''"
    )
    values = [str(row[0]) for row in connection.execute("SELECT DISTINCT v FROM one LIMIT 10000").fetchall()]
    examples = [str(row[0]) for row in connection.execute("SELECT v FROM one LIMIT 200").fetchall()]
    sql, doubt = as_numbers(connection, sql, sql if texts else f"CAST({sql} AS VARCHAR)")
    number = "TRY_CAST(v AS DOUBLE)"
    point = "CASE WHEN contains(v, '.') THEN length(rtrim(split_part(v, '.', 2), '0')) ELSE 0 END"
    count, distinct, numbers, digits, low, high, zeros = connection.execute(
        f"SELECT count(*), count(DISTINCT v), count_if(isfinite({number})), max({point}), min({number}), "
        f"max({number}), count_if(regexp_matches(v, '^[+-]?0\\d')) FROM one"
    ).fetchall()[0]
    numeric = count > 0 and numbers == count and not zeros
    decimals = min(int(digits or 0), 4) if numeric else 0
    time = time_of(connection, name, int(count), numeric)
    return ColumnProfile(
        name=name,
        sql=name if sql == identifier(name) and name.isidentifier() else sql,  # recipes take bare names as columns
        rows=rows,
        missing=1 - count / rows if rows else 1.0,
        distinct=int(distinct),
        numeric=numeric,
        decimals=decimals,
        commas="commas" in doubt,
        codes=count > 0 and numbers == count and zeros > 0,
        numbered=numeric and not decimals and count > 10 and distinct == count and high - low < 2 * count,
        time=time.keys if time else None,
        doubt=(time and time.doubt) or doubt,
        has_clock=bool(time and time.has_clock),
        clock=clock(connection, int(count)),
        examples=tuple(dict.fromkeys(examples)),
        values=frozenset(values),
    )
