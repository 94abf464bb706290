"""Which columns tell events apart that have a value in common: a film's genre does not, how it was rated does.

In: a connection that has events. Out: names of columns. Knows no entity.
"""

from collections.abc import Sequence

import duckdb

from ..core.sql import identifier

_FIRST = 2**15
"""Events that are looked at before all are."""


def varying_columns(connection: duckdb.DuckDBPyConnection, had: str, n_each: str, columns: Sequence[str]) -> list[str]:
    """The columns of which most values that several events have come with several values: they tell events apart.

    A value that does so among the first events does so among all: where these are most of the values that may have
    several events, that is an answer, and no other event is looked at.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Which has the events.
    had : str
        SELECT of the events that have a ``value``, with the columns.
    n_each : str
        SELECT of ``n``, of each value how many events may have it: of no value less than ``had`` has.
    columns : sequence of str
        Which are looked at.

    Returns
    -------
    list of str
        Some of them, in their order.

    Examples
    --------
    >>> had = "SELECT * FROM (VALUES ('Heat', 'crime', 4), ('Heat', 'crime', 5)) AS had(value, genre, rating)"
    >>> varying_columns(duckdb.connect(), had, f"SELECT count(*) AS n FROM ({had}) GROUP BY value", ["genre", "rating"])
    ['rating']
    """
    if not columns:
        return []
    ((most,),) = connection.sql(f"SELECT count(*) FROM ({n_each}) WHERE n > 1").fetchall()
    first = _n_varying(connection, f"FROM ({had}) LIMIT {_FIRST}", columns)[1]
    sure = {column for column, n in zip(columns, first, strict=True) if 2 * n > most}
    others = [column for column in columns if column not in sure]
    if others:
        n_values, found = _n_varying(connection, had, others)
        sure |= {column for column, n in zip(others, found, strict=True) if 2 * n > n_values}
    return [column for column in columns if column in sure]


def _n_varying(connection: duckdb.DuckDBPyConnection, had: str, columns: Sequence[str]) -> tuple[int, list[int]]:
    """How many values several events have, and how many of them come with several values of each column."""
    names = [identifier(column) for column in columns]
    of_value = ", ".join(f"coalesce(min({name}) <> max({name}), false) AS {name}" for name in names)
    counts = ", ".join(f"count(*) FILTER ({name})" for name in names)
    query = f"SELECT count(*), {counts} FROM (SELECT {of_value} FROM ({had}) GROUP BY value HAVING count(*) > 1)"
    ((n_values, *varying),) = connection.sql(query).fetchall()
    return n_values, varying
