"""Columns that can be read as times: how a recipe says it, and what is doubtful about it.

In: a connection whose table ``one`` holds a column's values as text. Out: the keys behind ``from`` of a recipe's time.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from .numbers import count_of

PATTERNS = (
    "%d%b%y:%H:%M:%S", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y",
    "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y",
    "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d",
)  # fmt: skip
"""strptime patterns that are tried, in order."""

UNITS = {"s": (5e8, 4e9), "ms": (5e11, 4e12), "us": (5e14, 4e15)}
"""What a count since 1970 is between 1985 and 2096, by its unit."""

FEW = "(FROM one LIMIT 100)"
"""Values that tell most columns from times, before all are tried."""

ZONED = r"regexp_matches(v, '[+-](0[1-9]|1\d|00:?[1-9])(:?\d\d)?$') AND contains(v, ':')"
"""An offset from UTC that is not nothing."""


@dataclass(frozen=True)
class ReadAsTime:
    """How a column is read as a time."""

    keys: Mapping[str, str]
    """What a recipe says beside ``from``."""
    has_clock: bool
    """Some value is not at midnight."""
    doubt: str = ""
    """'' for nothing."""


def clock(connection: duckdb.DuckDBPyConnection, count: int) -> str:
    """The strptime pattern of a time of day without a date; '': it is none."""
    for pattern, written in (("%H:%M:%S", r"\d{1,2}:\d{2}:\d{2}"), ("%H:%M", r"\d{1,2}:\d{2}")):
        if count and count_of(connection, f"regexp_full_match(v, '{written}')") == count:
            return pattern
    return ""


def time_of(connection: duckdb.DuckDBPyConnection, name: str, count: int, numeric: bool) -> ReadAsTime | None:
    """How the ``count`` values of a column are read as times; None: they are none."""
    if not count:
        return None
    return _of_numbers(connection, name, count) if numeric else _of_texts(connection, count)


def _of_texts(connection: duckdb.DuckDBPyConnection, count: int) -> ReadAsTime | None:
    ways: list[tuple[dict[str, str], str]] = [({}, "CAST(TRY_CAST(v AS TIMESTAMPTZ) AS TIMESTAMP)")]
    ways += [({"format": pattern}, f"try_strptime(v, '{pattern}')") for pattern in PATTERNS]
    fits = [
        (keys, sql)
        for keys, sql in ways
        if count_of(connection, f"{sql} IS NULL", FEW) == 0 and count_of(connection, f"{sql} IS NOT NULL") == count
    ]
    if not fits:
        return None
    keys, sql = fits[0]
    formats, doubt = [keys.get("format", "") for keys, _ in fits], ""
    if any("%d/%m" in format for format in formats) and any("%m/%d" in format for format in formats):
        doubt = "may have day and month the other way round"
    elif not keys and count_of(connection, ZONED):
        doubt = "has time zones: days and hours are told in UTC"
    return ReadAsTime(keys, count_of(connection, f"CAST({sql} AS TIME) <> TIME '00:00:00'") > 0, doubt)


def _of_numbers(connection: duckdb.DuckDBPyConnection, name: str, count: int) -> ReadAsTime | None:
    """Counts since 1970, numbers of days, and dates such as 20240131."""
    low, high, whole = connection.execute(
        "SELECT min(v::DOUBLE), max(v::DOUBLE), bool_and(v::DOUBLE = trunc(v::DOUBLE)) FROM one"
    ).fetchall()[0]
    for unit, (least, most) in UNITS.items():
        if least <= low and high <= most:
            return ReadAsTime({"format": "unix", "unit": unit}, has_clock=True)
    plain = "regexp_full_match(v, '(19|20)\\d{6}') AND try_strptime(v, '%Y%m%d') IS NOT NULL"
    if count_of(connection, plain) == count:
        return ReadAsTime({"format": "%Y%m%d"}, has_clock=False)
    if whole and low >= 0 and 10 < high < 40000 and any(word in name.lower() for word in ("day", "date")):
        doubt = "is read as a number of days; the origin is made up"
        return ReadAsTime({"format": "days", "origin": "2000-01-01"}, has_clock=False, doubt=doubt)
    return None
