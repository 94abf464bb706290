"""What the columns of an unknown table are like: counted over its first rows.

In: a delimited or Parquet file. Out: for each column how many values, how many different ones, whether they are numbers
or times. Judges nothing.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from ...core.errors import DataError
from ...core.sql import identifier
from ..expressions import sentence
from .sniff import FileShape, sniff

ROWS = 100_000
"""Rows that are looked at."""

MISSING = ("na", "n/a", "nan", "null", "none", "-")
"""What stands in columns of numbers where there is none, in lower case."""

PATTERNS = (
    "%d%b%y:%H:%M:%S", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y",
    "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y",
    "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d",
)  # fmt: skip
"""strptime patterns that are tried, in order."""

UNITS = {"s": (5e8, 4e9), "ms": (5e11, 4e12), "us": (5e14, 4e15)}
"""What a count since 1970 is between 1985 and 2096, by its unit."""

NUMBERS = (
    (r"[+-]?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?", "replace(replace({}, '.', ''), ',', '.')"),  # 1.234,56
    (r"[+-]?\d{1,3}(,\d{3})*(\.\d+)?", "replace({}, ',', '')"),  # 1,234.56
)
"""How numbers are written that SQL does not read, and what makes such text one that it does."""

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
    numbered: bool
    """Whole numbers, all different, with few left out between the least and the greatest: they count the rows."""
    time: str | None
    """What a recipe says behind ``from`` to read it as a time; None: it is none."""
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


@dataclass(frozen=True)
class Seen:
    """A table, looked at."""

    path: Path
    columns: tuple[ColumnProfile, ...]
    rows: int
    shape: FileShape


def profile(path: Path) -> Seen:
    """Count over the first rows of a file."""
    shape = sniff(path)
    chosen = ", ".join(f"{sql} AS c{at}" for at, (_, sql) in enumerate(shape.columns))
    with duckdb.connect() as connection:
        try:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute(f"CREATE TABLE seen AS SELECT {chosen} FROM {shape.reader} LIMIT {ROWS}")
            rows = int(connection.execute("SELECT count(*) FROM seen").fetchall()[0][0])
            seen = [_column(connection, at, name, sql, rows, shape) for at, (name, sql) in enumerate(shape.columns)]
        except duckdb.Error as error:
            raise DataError(f"cannot read {path}: {sentence(error)}") from error
    if not rows:
        raise DataError(f"{path} has no rows: give a file with events in it")
    return Seen(path, tuple(seen), rows, shape)


def _column(
    connection: duckdb.DuckDBPyConnection, at: int, name: str, sql: str, rows: int, shape: FileShape
) -> ColumnProfile:
    """Count one column."""
    connection.execute(
        f"CREATE OR REPLACE TABLE one AS SELECT * FROM (SELECT c{at}::VARCHAR AS v FROM seen) WHERE v <> ''"
    )
    values = [str(row[0]) for row in connection.execute("SELECT DISTINCT v FROM one LIMIT 10000").fetchall()]
    examples = [str(row[0]) for row in connection.execute("SELECT v FROM one LIMIT 200").fetchall()]
    sql, doubt = _as_numbers(connection, sql, f"CAST({sql} AS VARCHAR)" if shape.delimiter is None else sql)
    number = "TRY_CAST(v AS DOUBLE)"
    point = "CASE WHEN contains(v, '.') THEN length(rtrim(split_part(v, '.', 2), '0')) ELSE 0 END"
    there, distinct, numbers, digits, low, high = connection.execute(
        f"SELECT count(*), count(DISTINCT v), count_if(isfinite({number})), max({point}), min({number}), max({number}) "
        "FROM one"
    ).fetchall()[0]
    numeric = there > 0 and numbers == there
    decimals = min(int(digits or 0), 4) if numeric else 0
    column = ColumnProfile(
        name=name,
        sql=name if sql == identifier(name) and name.isidentifier() else sql,  # recipes take bare names as columns
        rows=rows,
        missing=1 - there / rows if rows else 1.0,
        distinct=int(distinct),
        numeric=numeric,
        decimals=decimals,
        commas="commas" in doubt,
        numbered=numeric and not decimals and there > 10 and distinct == there and high - low < 2 * there,
        time=None,
        doubt=doubt,
        has_clock=False,
        clock=_clock(connection, int(there)),
        examples=tuple(dict.fromkeys(examples)),
        values=frozenset(values),
    )
    return _timed(connection, column, int(there))


def _as_numbers(connection: duckdb.DuckDBPyConnection, sql: str, text: str) -> tuple[str, str]:
    """Where the values are numbers in an unusual writing: put plain ones into ``one``, and say how in SQL.

    ``text`` is the column as a text.
    """
    blank = f"lower(v) IN ({', '.join(map(repr, MISSING))})"
    there, blanks, plain = connection.execute(
        f"SELECT count(*), count_if({blank}), count_if(isfinite(TRY_CAST(v AS DOUBLE)) AND NOT {blank}) FROM one"
    ).fetchall()[0]
    if not there or plain == there or blanks == there:
        return sql, ""
    fits = [plain == there - blanks]
    fits += [_count(connection, f"regexp_full_match(v, '{pattern}')") == there - blanks for pattern, _ in NUMBERS]
    if not any(fits):
        return sql, ""
    said, value, doubts = sql, "v", []
    if not fits[0]:
        _, plainly = NUMBERS[1] if fits[2] else NUMBERS[0]
        said, value = plainly.format(text), plainly.format("v")
        doubts.append("commas in its numbers stand " + ("between thousands" if fits[2] else "for decimal points"))
        if fits[1] and fits[2]:
            doubts.append("they could be decimal points as well")
    if blanks:
        said = f"CASE WHEN lower({text}) NOT IN ({', '.join(map(repr, MISSING))}) THEN {said} END"
        doubts.append(f"{blanks} values such as 'NA' are taken as missing")
    connection.execute(f"CREATE OR REPLACE TABLE one AS SELECT {value} AS v FROM one WHERE NOT {blank}")
    return said, ", ".join(doubts)


def _clock(connection: duckdb.DuckDBPyConnection, there: int) -> str:
    """The pattern of times of day."""
    for pattern, written in (("%H:%M:%S", r"\d{1,2}:\d{2}:\d{2}"), ("%H:%M", r"\d{1,2}:\d{2}")):
        if there and _count(connection, f"regexp_full_match(v, '{written}')") == there:
            return pattern
    return ""


def _timed(connection: duckdb.DuckDBPyConnection, column: ColumnProfile, there: int) -> ColumnProfile:
    """The column with how it is read as a time, if it is one."""
    if not there:
        return column
    if column.numeric:
        return _timed_number(connection, column, there)
    tried = [("", "CAST(TRY_CAST(v AS TIMESTAMPTZ) AS TIMESTAMP)")]
    tried += [(f', format = "{pattern}"', f"try_strptime(v, '{pattern}')") for pattern in PATTERNS]
    fits = [(said, sql) for said, sql in tried if _count(connection, f"{sql} IS NOT NULL") == there]
    if not fits:
        return column
    said, sql = fits[0]
    clock = _count(connection, f"CAST({sql} AS TIME) <> TIME '00:00:00'") > 0
    doubt = ""
    if any("%d/%m" in each for each, _ in fits) and any("%m/%d" in each for each, _ in fits):
        doubt = "may have day and month the other way round"
    elif not said and _count(
        connection, r"regexp_matches(v, '[+-](0[1-9]|1\d|00:?[1-9])(:?\d\d)?$') AND contains(v, ':')"
    ):
        doubt = "has time zones: days and hours are told in UTC"
    return replace(column, time=said, doubt=doubt, has_clock=clock)


def _timed_number(connection: duckdb.DuckDBPyConnection, column: ColumnProfile, there: int) -> ColumnProfile:
    """Counts since 1970, numbers of days, and dates such as 20240131."""
    low, high, whole = connection.execute(
        "SELECT min(v::DOUBLE), max(v::DOUBLE), bool_and(v::DOUBLE = trunc(v::DOUBLE)) FROM one"
    ).fetchall()[0]
    for unit, (least, most) in UNITS.items():
        if least <= low and high <= most:
            return replace(column, time=f', format = "unix", unit = "{unit}"', has_clock=True)
    plain = "regexp_full_match(v, '(19|20)\\d{6}') AND try_strptime(v, '%Y%m%d') IS NOT NULL"
    if _count(connection, plain) == there:
        return replace(column, time=', format = "%Y%m%d"')
    if whole and low >= 0 and 10 < high < 40000 and any(word in column.name.lower() for word in ("day", "date")):
        doubt = "is read as a number of days; the origin is made up"
        return replace(column, time=', format = "days", origin = "2000-01-01"', doubt=doubt)
    return column


def _count(connection: duckdb.DuckDBPyConnection, condition: str) -> int:
    """How many values of the column meet a condition."""
    return int(connection.execute(f"SELECT count_if({condition}) FROM one").fetchall()[0][0])
