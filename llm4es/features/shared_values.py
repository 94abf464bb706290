"""similar: events -> what those of an entity have in common with those of others, the rarest first.

In: events batches, or a connection that has them. Out: a table. Knows no features and no store.
"""

from collections.abc import Iterable, Sequence

import duckdb
import pyarrow as pa

from ..core.sql import identifier, literal
from .events_table import loaded
from .varying_columns import varying_columns

_BITS = 60
"""Values counted at once: bits of a whole number."""

SHARED = pa.schema(
    [
        ("neighbour", pa.string()),
        ("value", pa.string()),
        ("n_entity", pa.int64()),  # events of the entity with this value
        ("n_neighbour", pa.int64()),
        ("n_others", pa.int64()),  # entities that have it at all: the fewer, the more it says
        ("entity_says", pa.string()),  # what else the entity's events with this value say
        ("neighbour_says", pa.string()),
    ]
)


def shared(
    events: Iterable[pa.RecordBatch], entity: str, neighbours: Sequence[str], column: str, others: Sequence[str] = ()
) -> pa.Table:
    """What an entity's events have in common with those of its neighbours, rarest first, side by side.

    Parameters
    ----------
    events : iterable of pyarrow.RecordBatch, or pyarrow.Table
        Everybody's: ``entity_id``, ``column`` and ``others``, one row an event, in any order.
    entity : str
        Whose events; one without any shares nothing.
    neighbours : sequence of str
        With whom, in the order that the result has.
    column : str
        The column whose values are compared, of any type.
    others : sequence of str, default ()
        Columns to show beside a shared value. Those are kept that vary between events with the same value: a film's
        genre tells nobody apart.

    Returns
    -------
    pyarrow.Table
        ``SHARED``: neighbour, value, n_entity and n_neighbour (events of each with the value), n_others (entities that
        have it at all: the fewer, the more it says), entity_says, neighbour_says.

    Raises
    ------
    ProbeError
        Without events, for events without a column, or for an event without an entity.

    Examples
    --------
    >>> events = pa.table({"entity_id": ["a", "a", "b", "c"], "film": ["Heat", "Alien", "Alien", "Heat"],
    ...                    "rating": [4, 5, 2, 3]})
    >>> for row in shared(events, "a", ["b"], "film", ["rating"]).to_pylist():
    ...     print(row["value"], row["n_others"], row["entity_says"], row["neighbour_says"])
    Alien 2 5 2
    """
    with loaded(events, [column, *others]) as connection:
        return shared_in(connection, "events", entity, neighbours, column, others)


def shared_in(
    connection: duckdb.DuckDBPyConnection,
    events: str,
    entity: str,
    neighbours: Sequence[str],
    column: str,
    others: Sequence[str] = (),
    whole: str | None = None,
) -> pa.Table:
    """``shared`` where the events are: of everybody's no more is kept than counts.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Which has the events.
    events : str
        A table, or a SELECT in brackets, of ``entity_id`` and the columns.
    entity, neighbours, column, others
        As of ``shared``.
    whole : str, optional
        The same where ``events`` are a part of it, and it takes less time to count in; None: ``events``.

    Returns
    -------
    pyarrow.Table
        ``SHARED``.

    Examples
    --------
    >>> had = "(VALUES ('a', 'x'), ('b', 'x'), ('c', 'x'), ('c', 'y')) AS had(entity_id, film)"
    >>> shared_in(duckdb.connect(), had, "a", ["c"], "film")["n_others"].to_pylist()
    [3]
    """
    name = identifier(column)
    had = f"SELECT {name}::VARCHAR AS value, * FROM {events} WHERE {name} IS NOT NULL"
    n_each = f"SELECT count(*) AS n FROM {whole or events} WHERE {name} IS NOT NULL GROUP BY {name}::VARCHAR"
    kept = varying_columns(connection, had, n_each, [other for other in others if other != column])
    says = f"concat_ws(', ', {', '.join(identifier(name) for name in kept)})" if kept else "''"
    asked = literal(entity)
    pairs = connection.execute(
        f"""WITH each_has AS (SELECT entity_id, value, count(*) AS n,
                coalesce(string_agg(DISTINCT said, '; ' ORDER BY said) FILTER (said <> ''), '') AS says
            FROM (SELECT entity_id, value, {says} AS said FROM ({had})
                WHERE entity_id IN ({_texts([entity, *neighbours])})) GROUP BY ALL)
        SELECT b.entity_id, value, a.n, b.n, a.says, b.says FROM each_has a JOIN each_has b USING (value)
        WHERE a.entity_id = {asked} AND b.entity_id <> a.entity_id"""
    ).fetchall()
    values = sorted({value for _, value, *_ in pairs})
    others_have = _n_entities(connection, had, values)
    place = {neighbour: at for at, neighbour in reversed(list(enumerate(neighbours)))}
    rows = [(other, value, mine, theirs, others_have[value], *said) for other, value, mine, theirs, *said in pairs]
    rows.sort(key=lambda row: (place[row[0]], row[4], row[1]))
    columns = list(zip(*rows, strict=True)) or [()] * len(SHARED)
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, SHARED, strict=True)], schema=SHARED)


def _n_entities(connection: duckdb.DuckDBPyConnection, had: str, values: Sequence[str]) -> dict[str, int]:
    """Value -> entities that have it. A bit a value: of an entity no more is kept than which of them it has."""
    found: dict[str, int] = {}
    for start in range(0, len(values), _BITS):
        some = values[start : start + _BITS]
        bits = " ".join(f"WHEN {literal(value)} THEN {1 << at}" for at, value in enumerate(some))
        counts = ", ".join(f"count(*) FILTER (bits & {1 << at} > 0)" for at in range(len(some)))
        query = f"""SELECT {counts} FROM (SELECT bit_or((CASE value {bits} END)::BIGINT) AS bits
            FROM ({had}) WHERE value IN ({_texts(some)}) GROUP BY entity_id)"""
        found |= zip(some, connection.sql(query).fetchall()[0], strict=True)
    return found


def _texts(values: Sequence[str]) -> str:
    return ", ".join(map(literal, values))
