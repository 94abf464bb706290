"""Columns that can be read as times: how a recipe says it, and what is doubtful about it.

In: a connection whose table ``one`` holds a column's values as text. Out: the keys behind ``from`` of a recipe's time.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from ...core.sql import literal
from ..model import Time
from ..times import not_a_time, time_sql
from .mixed_times import other_way_round, several, together, told_otherwise
from .numbers import count_of
from .time_patterns import COARSE, shapes

UNITS = {"s": (5e8, 4e9), "ms": (5e11, 4e12), "us": (5e14, 4e15), "ns": (5e17, 4e18)}
"""What a count since 1970 is between 1985 and 2096, by its unit."""

ENOUGH = 0.9
"""Share of the values that must be times; the others are counted and told."""

ZONED = r"regexp_matches(v, '[+-](0[1-9]|1\d|00:?[1-9])(:?\d\d)?$') AND contains(v, ':')"
"""An offset from UTC that is not nothing."""

NAMED_ZONE = "regexp_matches(v, '[A-Za-z]{3,}$') AND NOT regexp_matches(v, '(GMT|UTC)$')"
"""A zone's name behind a time."""

LASTING = re.compile(r"duration|length|elapsed|took|lasted|spent|runtime|interval|latency|^lap|delay|pace|age$")
"""Names of columns that say how long something took, and not when it was."""


@dataclass(frozen=True)
class ReadAsTime:
    """How a column is read as a time."""

    keys: Mapping[str, str] | None
    """What a recipe says beside ``from``; None: nobody can tell which times are meant."""
    has_clock: bool
    """Some value is not at midnight."""
    doubt: str = ""
    """'' for nothing."""
    unreadable: int = 0
    """Values that are no times."""
    sql: str = ""
    """The expression that reads them; '': the column does."""


def clock(connection: duckdb.DuckDBPyConnection, name: str, count: int) -> str:
    """The strptime pattern of a time of day without a date; '': it is none, or it says how long something took."""
    if LASTING.search(name.lower()):
        return ""
    hours = r"([01]?\d|2[0-3])"
    for pattern, written in (
        ("%H:%M:%S", rf"{hours}:\d{{2}}:\d{{2}}"),
        ("%H:%M", rf"{hours}:\d{{2}}"),
        ("%I:%M %p", r"\d{1,2}:\d{2} [AaPp][Mm]"),
        ("%I:%M:%S %p", r"\d{1,2}:\d{2}:\d{2} [AaPp][Mm]"),
        ("%H:%M:%S.%f", rf"{hours}:\d{{2}}:\d{{2}}\.\d{{1,6}}"),
    ):
        if count and count_of(connection, f"regexp_full_match(v, {literal(written)})") == count:
            return pattern
    return ""


def may_be_time(name: str, low: float, high: float) -> bool:
    """Whether numbers between these may be times: it is quick to tell of most that they are none."""
    named = any(word in name.lower() for word in ("day", "date", "year", "yr"))
    return (named and low >= 0) or high >= UNITS["s"][0] or (low >= 19000101 and high <= 21001231)


def time_of(
    connection: duckdb.DuckDBPyConnection, name: str, text: str, count: int, numeric: bool, examples: Sequence[str]
) -> ReadAsTime | None:
    """How the ``count`` values of a column are read as times; None: they are none. ``text`` is the column as a text."""
    if not count or LASTING.search(name.lower()):
        return None
    return _of_numbers(connection, name, count) if numeric else _of_texts(connection, text, count, examples)


def _of_texts(
    connection: duckdb.DuckDBPyConnection, text: str, count: int, examples: Sequence[str]
) -> ReadAsTime | None:
    able = [pattern for pattern, shape in shapes().items() if any(map(shape.fullmatch, examples[:20]))]
    ways = {"": _sql(None), **{pattern: _sql(pattern) for pattern in able}}
    counts = connection.execute(f"SELECT {', '.join(f'count({sql})' for sql in ways.values())} FROM one").fetchall()[0]
    fits = dict(zip(ways, counts, strict=True))
    best = max(fits, key=lambda pattern: fits[pattern])  # the first of equal ones
    if not fits[best]:
        return None
    if fits[best] < count:
        mixed = _mixed(connection, text, {each: way for each, way in ways.items() if fits[each]}, count)
        if fits[best] < ENOUGH * count or (mixed is not None and mixed.keys is not None):
            return mixed
    doubts, unreadable = [], count - fits[best]
    other = best.translate(str.maketrans("dm", "md"))
    if other != best and fits.get(other) == fits[best]:
        doubts.append(f'may have day and month the other way round: format = "{other}"')
    if "%y" in best:
        doubts.append("has years of two digits, read as 1969 to 2068")
    if best in COARSE:
        doubts.append(
            f"holds {'years' if best == '%Y' else 'months'} only: events of one stay in the order of the file"
        )
    zones = f"({ZONED}) OR ({NAMED_ZONE})" if not best else NAMED_ZONE
    if "%z" in best or ((not best or "%Z" in best) and count_of(connection, f"({zones}) AND {ways[best]} IS NOT NULL")):
        doubts.append("has time zones: days and hours are told in UTC")
    if unreadable:
        doubts.append(_strange(connection, ways[best], unreadable, count))
    has_clock = count_of(connection, _CLOCK.format(ways[best])) > 0
    return ReadAsTime({"format": best} if best else {}, has_clock, "; it ".join(doubts), unreadable)


_CLOCK = "CAST({} AS TIME) <> TIME '00:00:00'"


def _mixed(connection: duckdb.DuckDBPyConnection, text: str, ways: Mapping[str, str], count: int) -> ReadAsTime | None:
    """Times in several writings, each of which only some of the values have."""
    chosen = several(connection, ways, ENOUGH * count)
    if not chosen:
        return None
    doubts = [f"holds times in several writings: {', '.join(each or 'ISO' for each in chosen)}"]
    if value := told_otherwise(connection, ways, chosen):
        doubts.append(f"is kept as texts, since {value[:30]!r} could be two of them: say which by SQL in events.time")
        return ReadAsTime(None, has_clock=False, doubt="; it ".join(doubts))
    sql = together("v", chosen)
    doubts += [
        f"may have day and month of {each!r} the other way round"
        for each in chosen
        if other_way_round(connection, ways, each)
    ]
    if unreadable := count_of(connection, f"{sql} IS NULL"):
        doubts.append(_strange(connection, sql, unreadable, count))
    has_clock, sql = count_of(connection, _CLOCK.format(sql)) > 0, together(text, chosen)
    return ReadAsTime({}, has_clock, "; it ".join(doubts), unreadable, sql if has_clock else f"CAST({sql} AS DATE)")


def _sql(pattern: str | None) -> str:
    """The times of ``one``, as they would be read; null for none."""
    sql = time_sql(Time.model_validate({"from": "v", **({"format": pattern} if pattern else {})}))
    return f"CASE WHEN NOT {not_a_time(f'({sql})')} THEN {sql} END"


def _strange(connection: duckdb.DuckDBPyConnection, sql: str, unreadable: int, count: int) -> str:
    value = connection.execute(f"SELECT v FROM one WHERE {sql} IS NULL LIMIT 1").fetchall()[0][0]
    return f"cannot be read in {unreadable} of {count} values such as {str(value)[:30]!r}"


def _of_numbers(connection: duckdb.DuckDBPyConnection, name: str, count: int) -> ReadAsTime | None:
    """Counts since 1970, numbers of days, and dates such as 20240131."""
    low, high, whole, far = connection.execute(
        "SELECT min(v::DOUBLE), max(v::DOUBLE), bool_and(v::DOUBLE = trunc(v::DOUBLE)), "
        f"{', '.join(f'count_if(v::DOUBLE BETWEEN {least} AND {most})' for least, most in [UNITS['s']])} FROM one"
    ).fetchall()[0]
    for unit, (least, most) in UNITS.items():
        inside = far or 0 if unit == "s" else count_of(connection, f"v::DOUBLE BETWEEN {least} AND {most}")
        if inside >= ENOUGH * count:
            strange = count - inside
            doubt = f"is read as {unit} since 1970, which {strange} of {count} values can hardly be" if strange else ""
            return ReadAsTime({"format": "unix", "unit": unit}, has_clock=True, doubt=doubt)
    for pattern, digits in (("%Y%m%d", 4), ("%Y%m%d%H%M", 8), ("%Y%m%d%H%M%S", 10)):
        written = f"regexp_full_match(v, '(19|20)\\d{{{digits + 2}}}')"
        read = count_of(connection, f"{written} AND {_sql(pattern)} IS NOT NULL")
        if read >= ENOUGH * count:
            doubt = _strange(connection, _sql(pattern), count - read, count) if read < count else ""
            return ReadAsTime({"format": pattern}, digits > 4, doubt, count - read)
    words = re.split(r"[^a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower())
    if whole and ("year" in words or "yr" in words) and low >= 1900 and high <= 2100:
        doubt = "holds years only: events of one stay in the order of the file"
        return ReadAsTime({"format": "%Y"}, has_clock=False, doubt=doubt)
    if not any(word in name.lower() for word in ("day", "date")):
        return None
    if low > 20_000 and high < 60_000:
        doubt = 'is read as Excel\'s number of days; another origin than "1899-12-30" would be a guess too'
        return ReadAsTime({"format": "days", "origin": "1899-12-30"}, has_clock=not whole, doubt=doubt)
    if whole and low >= 0 and 10 < high < 40000:
        doubt = "is read as a number of days; the origin is made up"
        return ReadAsTime({"format": "days", "origin": "2000-01-01"}, has_clock=False, doubt=doubt)
    return None
