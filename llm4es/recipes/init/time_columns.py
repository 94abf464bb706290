"""Times whose year, month, day and hour are columns of their own.

In: the profiles of columns. Out: one profile of the time that they say together, or nothing.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from .column_profile import ColumnProfile

PARTS = (
    ("%Y", "", r"year|yr|yyyy", r"(19|20)\d\d"),
    ("%m", "-", r"month|mon|mm|mth", r"0?[1-9]|1[0-2]"),
    ("%d", "-", r"day|dd|dom|day_?of_?month|mday", r"0?[1-9]|[12]\d|3[01]"),
    ("%H", " ", r"hour|hr|hh|hours", r"0?\d|1\d|2[0-3]"),
    ("%M", ":", r"minute|min|minutes", r"0?\d|[1-5]\d"),
)
"""Of each part its pattern, what stands before it, names of its column, and its values."""


def in_parts(columns: Sequence[ColumnProfile]) -> ColumnProfile | None:
    """The time that columns say together, from the year on; None: there is no year, or no month beside it."""
    found: list[ColumnProfile] = []
    sql, format = "", ""
    for pattern, before, names, values in PARTS:
        column = next((each for each in columns if _is_part(each, names, values)), None)
        if column is None:
            break
        sql += (f" || '{before}' || " if found else "") + column.sql
        format += before + pattern
        found.append(column)
    if len(found) < 2:
        return None
    beside = frozenset(column.name for column in found[1:])
    doubt = "holds months only: events of one stay in the order of the file" if len(found) == 2 else ""
    return replace(
        found[0], sql=sql, time={"format": format}, has_clock=len(found) > 3, beside=beside, doubt=doubt,
        missing=max(column.missing for column in found),
    )  # fmt: skip


def _is_part(column: ColumnProfile, names: str, values: str) -> bool:
    return bool(
        re.fullmatch(names, column.name.strip(), re.IGNORECASE)
        and column.values
        and all(re.fullmatch(values, value.strip()) for value in column.values)
    )
