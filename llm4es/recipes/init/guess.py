"""Which column says whose an event is, and which one when it happened.

In: the profiles of tables. Out: a column of them, and in words what is unsure about it. Guesses from names and counts.
"""

import re
from dataclasses import replace

from ...core.errors import DataError
from .choices import chosen
from .column_profile import ColumnProfile
from .table_profile import TableProfile
from .time_columns import in_parts

ENTITY_NAMES = (
    "client",
    "customer",
    "user",
    "member",
    "account",
    "person",
    "visitor",
    "patient",
    "card",
    "driver",
    "subscriber",
)
SOMEBODY = re.compile(rf"({'|'.join(ENTITY_NAMES)})s?([ _-]?(id|no|nr|num|number|key|code|name))?", re.IGNORECASE)
"""A column that is called so says whose an event is, even where it says little."""

TIME_NAMES = ("time", "date", "day", "when", "at", "ts", "created", "occurred")


def guess_entity(table: TableProfile, labels: TableProfile | None, unsure: list[str]) -> ColumnProfile:
    """Whose the events are: a column of the labels too, named like an id, with values that come again and again."""
    ids = [column for column in labels.columns if column.distinct == column.rows > 2] if labels else []
    shared = {column.name for column in ids}

    def score(column: ColumnProfile) -> tuple[bool, bool, bool, float]:
        lower = column.name.lower()
        named = any(name in lower for name in ENTITY_NAMES)
        is_id = bool(re.search(r"(^|_)id$|_id_|Id$|ID$", column.name))
        again = 1 < column.distinct < 0.9 * max(table.rows, 2)
        return column.name in shared and again, named and again, is_id and again, float(again)

    ranked = sorted(table.columns, key=score, reverse=True)
    if (somebody := next((each for each in table.columns if SOMEBODY.fullmatch(each.name.strip())), None)) is not None:
        beside = [each for each in ranked if each is not somebody and any(score(each))]
        if somebody.distinct == 1 and not any(any(score(each)[:3]) for each in beside):
            unsure.append(f"events.entity: {somebody.name!r} is the same in every row: all events are of one")
            return somebody
        if beside and somebody.distinct and not any(score(ranked[0])[:3]):
            unsure.append(
                f"events.entity: hardly a value of {somebody.name!r} comes again, so most have one event; it could be "
                f"{' or '.join(repr(each.name) for each in beside[:5])}"
            )
            return somebody
    if not ranked or not score(ranked[0])[3]:
        raise DataError(
            f"{table.path}: no column repeats its values, so none says whose an event is: write events.entity"
        )
    best = ranked[0]
    if score(best)[:3] == (False, False, False):
        others = [repr(column.name) for column in ranked[1:] if score(column)[3] and column.time is None][:5]
        what = f"; it could be {' or '.join(others)}" if others else ""
        unsure.append(f"events.entity: {best.name!r} is a guess, no column is named like an id of somebody{what}")
    elif len(ranked) > 1 and score(ranked[1]) == score(best):
        unsure.append(f"events.entity: {best.name!r}, but it could be {ranked[1].name!r}")
    return best


def guess_time(
    table: TableProfile, entity: ColumnProfile, unsure: list[str], said: str | None = None
) -> ColumnProfile | None:
    """When the events happened: a column that can be read as times, the one that was ``said``, or best named so."""
    able = [column for column in table.columns if column.time is not None and column is not entity]
    able = [chosen(said, able, "time")] if said else able
    parts = in_parts(table.columns)
    if not said and parts is not None and all(column.name in {parts.name, *parts.beside} for column in able):
        unsure.append(f"events.time: the columns {', '.join(sorted({parts.name, *parts.beside}))} are put together")
        unsure += [f"events.time: it {parts.doubt}"] if parts.doubt else []
        return parts
    if not able:
        unsure.append("events.time: no column looks like a time; the order of the file is taken as the order of events")
        return None

    def named(column: ColumnProfile) -> bool:
        words = re.split(r"[^a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", column.name).lower())
        return any(name in words or (len(name) > 3 and name in column.name.lower()) for name in TIME_NAMES)

    best = max(able, key=lambda column: (named(column), "origin" not in (column.time or {})))
    hours = next((column for column in table.columns if column.clock and column is not entity), None)
    keys = best.time or {}
    if hours and not best.has_clock and "origin" not in keys:
        keys = {"format": f"{keys['format']} {hours.clock}"} if keys else {}
        best = replace(best, sql=f"{best.sql} || ' ' || {hours.sql}", time=keys, has_clock=True)
        unsure.append(f"events.time: the days of {best.name!r} and the hours of {hours.name!r} are put together")
    if missing := round(best.missing * table.rows):
        unsure.append(
            f"events.time: {best.name!r} is missing in some {missing} of {table.rows} rows: they are left out"
        )
    if best.doubt:
        unsure.append(f"events.time: {best.name!r} {best.doubt}")
    if others := [column.name for column in able if column.name != best.name and named(column)]:
        unsure.append(f"events.time: {best.name!r}, but it could be {' or '.join(map(repr, others[:5]))}")
    return best
