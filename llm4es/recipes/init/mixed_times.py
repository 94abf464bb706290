"""Times that stand in one column in several writings, such as 2024-01-31 and 31.01.2024.

In: a connection whose table ``one`` holds a column's values as text, and the SQL that reads each writing. Out: the
writings, and one expression that reads them all. Where two of them read a value as two times, no rule tells which was
meant.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations

import duckdb

from ...core.sql import literal
from .numbers import count_of

MOST = 4
"""Writings that are told apart."""


def several(connection: duckdb.DuckDBPyConnection, ways: Mapping[str, str], wanted: float) -> list[str]:
    """The writings, of most values first; none where they do not read ``wanted`` values together, or one does all.

    ``ways``: a strptime pattern, '' for ISO -> SQL of the times in ``one``, null for none.
    """
    chosen: list[str] = []
    while len(chosen) < MOST:
        unread = " AND ".join([f"{ways[each]} IS NULL" for each in chosen] or ["true"])
        counts = ", ".join(f"count({way}) FILTER (WHERE {unread})" for way in ways.values())
        found = dict(zip(ways, connection.execute(f"SELECT {counts} FROM one").fetchall()[0], strict=True))
        best = max(found, key=lambda pattern: found[pattern])  # the first of equal ones
        if not found[best]:
            break
        chosen.append(best)
        wanted -= found[best]
    return chosen if wanted <= 0 and len(chosen) > 1 else []


def told_otherwise(connection: duckdb.DuckDBPyConnection, ways: Mapping[str, str], chosen: Sequence[str]) -> str:
    """A value that is one time in one of the writings and another in another; '': there is none."""
    others = [f"{ways[one]} <> {ways[other]}" for one, other in combinations(chosen, 2)]
    others += [f"coalesce({', '.join(ways[each] for each in chosen)}) IS DISTINCT FROM {together('v', chosen)}"]
    value = connection.execute(f"SELECT min(v) FROM one WHERE {' OR '.join(others)}").fetchall()[0][0]
    return "" if value is None else str(value)


def other_way_round(connection: duckdb.DuckDBPyConnection, ways: Mapping[str, str], pattern: str) -> bool:
    """Whether day and month could stand in the other order in all values that are written so."""
    other = pattern.translate(str.maketrans("dm", "md"))
    unread = f"{ways[pattern]} IS NOT NULL AND {ways.get(other, 'NULL')} IS NULL"
    return other != pattern and not count_of(connection, unread)


def together(text: str, chosen: Sequence[str]) -> str:
    """The SQL of times of ``text`` in one of these writings."""
    sql = f"try_strptime({text}, [{', '.join(literal(each) for each in chosen if each)}])"
    return f"coalesce(CAST(TRY_CAST({text} AS TIMESTAMPTZ) AS TIMESTAMP), {sql})" if "" in chosen else sql
