"""Times in raw data, as SQL that gives a TIMESTAMP in UTC, or null where a value is no time.

In: what a recipe says about the time. Out: one SQL expression. Reads nothing.
"""

from dataclasses import dataclass
from datetime import date

from ..core.errors import RecipeError
from ..core.sql import literal
from .expressions import expression
from .model import Time, TimeFormat

PIVOT = 69
"""Years of two digits below it are of this century, the others of the last: POSIX's rule, and Python's."""

DAY_MS = 86_400_000

MICROSECONDS = {"s": 1_000_000, "ms": 1_000, "us": 1, "ns": 0.001}
"""Of each unit of format 'unix'."""


@dataclass(frozen=True)
class Doubt:
    """Values that are read, and told of."""

    condition: str
    """SQL that is true for such a value."""
    says: str
    """What is said of them, behind their number."""
    of_all: bool = False
    """Told only where every row is so."""


def not_a_time(sql: str) -> str:
    """The SQL condition of a time that could not be read, or that no calendar holds: a wrong unit is often so found."""
    return f"coalesce({sql} NOT BETWEEN TIMESTAMP '0001-01-01' AND TIMESTAMP '9999-12-31 23:59:59', true)"


def time_sql(time: Time) -> str:
    """The SQL of an event's time."""
    value = expression(time.column)
    if time.format in FORMATS:
        return FORMATS[TimeFormat(time.format)](value, time)
    parsed = _parsed(value, time.format)
    if "%Y" not in time.format:
        return parsed
    century = f"CASE WHEN year({parsed}) < {PIVOT} THEN 2000 ELSE 1900 END"
    return f"CASE WHEN {_short_year(value, parsed)} THEN {parsed} + to_years({century}) ELSE {parsed} END"


def _parsed(value: str, format: str) -> str:
    """A value read by a strptime pattern; with a zone in it, as UTC, which is the connection's."""
    parsed = f"try_strptime(CAST({value} AS VARCHAR), {literal(format)})"
    return f"CAST({parsed} AS TIMESTAMP)" if "%z" in format or "%Z" in format else parsed


def whole_days_sql(time: Time) -> str | None:
    """The same, and quicker, of days in a column of whole numbers; None: the format is another."""
    return _whole_days(expression(time.column), time) if time.format == TimeFormat.DAYS else None


def time_doubts(time: Time) -> list[Doubt]:
    """What is told of times that were read, and may be meant otherwise."""
    value = expression(time.column)
    if "%Y" in time.format:
        short = _short_year(value, _parsed(value, time.format))
        return [Doubt(short, "have years of two digits, read as 1969 to 2068")]
    if time.format == TimeFormat.UNIX and time.unit != "s":
        early = f"{time_sql(time)} BETWEEN TIMESTAMP '1970-01-01' AND TIMESTAMP '1970-12-31'"
        return [Doubt(early, f"are in 1970: are they seconds, and not {time.unit}?", of_all=True)]
    return []


def with_whole_years(value: str, sql: str) -> str:
    """A date or time, null where its year is written with two digits: which of them is the year, no rule says."""
    return f"CASE WHEN {_short_year(value, sql)} THEN NULL ELSE {sql} END"


def _short_year(value: str, sql: str) -> str:
    """The condition of a time whose year is written with less than four digits; 0001-01-01 is another thing."""
    return f"{sql} < TIMESTAMP '0100-01-01' AND NOT regexp_matches(CAST({value} AS VARCHAR), '(^|\\D)\\d{{4}}(\\D|$)')"


def _iso(value: str, _: Time) -> str:
    return with_whole_years(value, f"CAST(TRY_CAST({value} AS TIMESTAMPTZ) AS TIMESTAMP)")  # the zone is UTC


def _unix(value: str, time: Time) -> str:
    return f"make_timestamp(TRY_CAST(TRY_CAST({value} AS DOUBLE) * {MICROSECONDS[time.unit]} AS BIGINT))"


def _days(value: str, time: Time) -> str:
    """The part behind the point is the time of day: Excel's, exact to a millisecond, and never tomorrow."""
    days = f"TRY_CAST({value} AS DOUBLE)"
    clock = f"least(CAST(round(({days} - floor({days})) * {DAY_MS}) AS BIGINT), {DAY_MS - 1})"
    return f"TRY(TIMESTAMP '{_origin(time)}' + to_days(CAST(floor({days}) AS INTEGER)) + to_milliseconds({clock}))"


def _whole_days(value: str, time: Time) -> str:
    return f"TRY(TIMESTAMP '{_origin(time)}' + to_days(TRY_CAST({value} AS INTEGER)))"


def _days_time(value: str, time: Time) -> str:
    text = f"CAST({value} AS VARCHAR)"
    clock = f"replace(split_part({text}, ' ', 2), ':60', ':59')"  # second 60 is in the files, and in no calendar
    day = f"to_days(CAST(floor(TRY_CAST(split_part({text}, ' ', 1) AS DOUBLE)) AS INTEGER))"
    return f"TRY(CAST(TIMESTAMP '{_origin(time)}' + {day} AS DATE) + TRY_CAST({clock} AS TIME))"


FORMATS = {
    TimeFormat.ISO: _iso,
    TimeFormat.UNIX: _unix,
    TimeFormat.DAYS: _days,
    TimeFormat.DAYS_TIME: _days_time,
}
"""The SQL of each format that is no strptime pattern."""


def _origin(time: Time) -> str:
    try:
        return date.fromisoformat(time.origin or "").isoformat()
    except ValueError:
        raise RecipeError(f"events.time.origin {time.origin!r} is no date: write it as 2000-01-01") from None
