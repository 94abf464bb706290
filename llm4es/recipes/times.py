"""Times in raw data, as SQL that gives a TIMESTAMP in UTC, or null where a value is no time.

In: what a recipe says about the time. Out: one SQL expression. Reads nothing.
"""

from datetime import date

from ..core.errors import RecipeError
from ..core.sql import literal
from .expressions import expression
from .model import Time, TimeFormat

MICROSECONDS = {"s": 1_000_000, "ms": 1_000, "us": 1}
"""Of each unit of format 'unix'."""


def not_a_time(sql: str) -> str:
    """The SQL condition of a time that could not be read, or that no calendar holds: a wrong unit is often so found."""
    return f"coalesce({sql} NOT BETWEEN TIMESTAMP '0001-01-01' AND TIMESTAMP '9999-12-31 23:59:59', true)"


def time_sql(time: Time) -> str:
    """The SQL of an event's time."""
    value = expression(time.column)
    if time.format in FORMATS:
        return FORMATS[TimeFormat(time.format)](value, time)
    return f"try_strptime(CAST({value} AS VARCHAR), {literal(time.format)})"


def _iso(value: str, _: Time) -> str:
    return f"CAST(TRY_CAST({value} AS TIMESTAMPTZ) AS TIMESTAMP)"  # the connection's zone is UTC


def _unix(value: str, time: Time) -> str:
    return f"make_timestamp(TRY_CAST(TRY_CAST({value} AS DOUBLE) * {MICROSECONDS[time.unit]} AS BIGINT))"


def _days(value: str, time: Time) -> str:
    return f"TRY(TIMESTAMP '{_origin(time)}' + to_days(TRY_CAST({value} AS INTEGER)))"


def _days_time(value: str, time: Time) -> str:
    text = f"CAST({value} AS VARCHAR)"
    clock = f"replace(split_part({text}, ' ', 2), ':60', ':59')"  # second 60 is in the files, and in no calendar
    day = f"to_days(TRY_CAST(split_part({text}, ' ', 1) AS INTEGER))"
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
