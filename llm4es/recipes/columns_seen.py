"""What the columns of an unknown table are like: counted over its first rows.

In: a delimited or Parquet file. Out: for each column how many values, how many different ones, whether they are numbers
or times. Judges nothing.
"""

import csv
import gzip
from dataclasses import dataclass
from pathlib import Path

import duckdb

from ..errors import DataError
from .database import DELIMITERS, literal, one_line, quoted

ROWS = 100_000
"""Rows that are looked at."""

PATTERNS = (
    "%d%b%y:%H:%M:%S", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y",
    "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y",
    "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d",
)  # fmt: skip
"""strptime patterns that are tried, in order."""

UNITS = {"s": (5e8, 4e9), "ms": (5e11, 4e12), "us": (5e14, 4e15)}
"""What a count since 1970 is between 1985 and 2096, by its unit."""


@dataclass(frozen=True)
class Column:
    """One column of the rows that were looked at."""

    name: str
    sql: str
    """The column in an expression of a recipe."""
    rows: int
    missing: float
    """Share of rows without a value, 0..1."""
    distinct: int
    """Different values."""
    numeric: bool
    """Every value is a finite number."""
    decimals: int
    """Most digits behind the point, up to 4."""
    time: str | None
    """What a recipe says behind ``from`` to read it as a time; None: it is none."""
    doubt: str
    """What is doubtful about the time; '' for nothing."""
    has_clock: bool
    """Some value is not at midnight."""
    examples: tuple[str, ...]
    """The first different values."""
    values: frozenset[str]
    """All different values, up to 10,000."""

    @property
    def unique(self) -> bool:
        """Hardly a value comes twice."""
        return self.distinct > 0.95 * self.rows * (1 - self.missing) and self.rows > 10

    @property
    def is_amount(self) -> bool:
        """Numbers that are added up and not names of something."""
        return self.numeric and (self.decimals > 0 or (self.distinct > 1000 and not self.name.lower().endswith("id")))


@dataclass(frozen=True)
class Seen:
    """A table, looked at."""

    path: Path
    columns: tuple[Column, ...]
    rows: int
    delimiter: str | None
    """None: Parquet."""
    encoding: str | None


def look_at(path: Path) -> Seen:
    """Count over the first rows of a file."""
    if not path.is_file():
        raise DataError(f"no file at {path}: give the table of events, a CSV or Parquet file")
    delimiter, encoding, reader = None, None, f"read_parquet({literal(path)})"
    if path.suffix not in (".parquet", ".pq"):
        delimiter, encoding, names = _shape(path)
        columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
        reader = (
            f"read_csv({literal(path)}, auto_detect=false, header=true, delim={literal(delimiter)}, quote='\"', "
            f"escape='\"', encoding='{encoding}', columns={{{columns}}})"
        )
    with duckdb.connect() as connection:
        try:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute(f"CREATE TABLE seen AS SELECT * FROM {reader} LIMIT {ROWS}")
            rows = int(connection.execute("SELECT count(*) FROM seen").fetchall()[0][0])
            described = connection.execute("DESCRIBE seen").fetchall()
            seen = tuple(_column(connection, str(row[0]), str(row[1]), rows) for row in described)
        except duckdb.Error as error:
            raise DataError(f"cannot read {path}: {one_line(error)}") from error
    if not rows:
        raise DataError(f"{path} has no rows: give a file with events in it")
    return Seen(path, seen, rows, delimiter, encoding)


def _shape(path: Path) -> tuple[str, str, list[str]]:
    """Delimiter, encoding and names of the columns, from the first lines."""
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rb") as file:
            start = file.read(1 << 20)
    except (OSError, EOFError) as error:
        raise DataError(f"cannot read {path}: {error}") from error
    encoding = "utf-16" if start[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    try:
        text = start.decode("utf-16" if encoding == "utf-16" else "utf-8-sig", errors="strict")
    except UnicodeDecodeError as error:
        encoding = (
            "utf-8" if error.end >= len(start) - 3 else "latin-1"
        )  # a character may be cut by the end of the sample
        text = start.decode("utf-8-sig" if encoding == "utf-8" else "latin-1", errors="ignore")
    lines = text.splitlines()
    if not lines or not lines[0].strip():
        raise DataError(f"{path} is empty: its first line should name the columns")
    delimiter = max(DELIMITERS, key=lambda each: (min(line.count(each) for line in lines[:20]), lines[0].count(each)))
    return delimiter, encoding, [name.strip() for name in next(csv.reader(lines[:1], delimiter=delimiter))]


def _column(connection: duckdb.DuckDBPyConnection, name: str, type: str, rows: int) -> Column:
    """Count one column."""
    text = f"CAST({quoted(name)} AS VARCHAR)"
    connection.execute(f"CREATE OR REPLACE TABLE one AS SELECT {text} AS v FROM seen WHERE {text} <> ''")
    number = "TRY_CAST(v AS DOUBLE)"
    point = "CASE WHEN contains(v, '.') THEN length(rtrim(split_part(v, '.', 2), '0')) ELSE 0 END"
    there, distinct, numbers, digits = connection.execute(
        f"SELECT count(*), count(DISTINCT v), count_if(isfinite({number})), max({point}) FROM one"
    ).fetchall()[0]
    values = [str(row[0]) for row in connection.execute("SELECT DISTINCT v FROM one LIMIT 10000").fetchall()]
    examples = [str(row[0]) for row in connection.execute("SELECT v FROM one LIMIT 200").fetchall()]
    numeric = there > 0 and numbers == there
    time, doubt, clock = _time(connection, name, type, int(there), numeric)
    return Column(
        name=name,
        sql=name if name.isidentifier() else quoted(name),
        rows=rows,
        missing=1 - there / rows if rows else 1.0,
        distinct=int(distinct),
        numeric=numeric,
        decimals=min(int(digits or 0), 4) if numeric else 0,
        time=time,
        doubt=doubt,
        has_clock=clock,
        examples=tuple(dict.fromkeys(examples)),
        values=frozenset(values),
    )


def _time(
    connection: duckdb.DuckDBPyConnection, name: str, type: str, there: int, numeric: bool
) -> tuple[str | None, str, bool]:
    """How a column is read as a time, what is doubtful about it, and whether there are times of day."""
    if not there:
        return None, "", False
    if numeric:
        low, high, whole = connection.execute(
            "SELECT min(v::DOUBLE), max(v::DOUBLE), bool_and(v::DOUBLE = trunc(v::DOUBLE)) FROM one"
        ).fetchall()[0]
        for unit, (least, most) in UNITS.items():
            if least <= low and high <= most:
                return f', format = "unix", unit = "{unit}"', "", True
        if whole and low >= 0 and 10 < high < 40000 and any(word in name.lower() for word in ("day", "date")):
            return (
                ', format = "days", origin = "2000-01-01"',
                "is read as a number of days; the origin is made up",
                False,
            )
        return None, "", False
    tried = [("", "CAST(TRY_CAST(v AS TIMESTAMPTZ) AS TIMESTAMP)")]
    tried += [(f', format = "{pattern}"', f"try_strptime(v, '{pattern}')") for pattern in PATTERNS]
    fits = [said for said, sql in tried if _reads(connection, sql) == there]
    if not fits:
        return None, "", False
    sql = next(sql for said, sql in tried if said == fits[0])
    clock = connection.execute(f"SELECT count_if(CAST({sql} AS TIME) <> TIME '00:00:00') > 0 FROM one").fetchall()[0][0]
    both = any("%d/%m" in said for said in fits) and any("%m/%d" in said for said in fits)
    return fits[0], "may have day and month the other way round" if both else "", bool(clock)


def _reads(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    return int(connection.execute(f"SELECT count({sql}) FROM one").fetchall()[0][0])
