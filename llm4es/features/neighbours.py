"""similar: features -> the nearest entities of an entity, and the events that they share.

In: a feature set (dense vectors), events batches. Out: tables. Exact: every cosine is computed, by batches of matrix
products. Knows no store and no labels.

Letters: Q entities asked about, N entities, D width.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..core.errors import ProbeError
from ..core.sql import identifier, literal
from .events_table import loaded
from .feature_set import FeatureSet, check_finite

BATCH = 1024
"""Entities asked about at once: BATCH x N cosines are held."""

_BITS = 60
"""Values counted at once: bits of a whole number."""

DIGITS = 6
"""Decimals of a cosine that count: beyond them, where a row lies in memory decides, and equal vectors would differ."""

NEIGHBOURS = pa.schema(
    [("entity_id", pa.string()), ("neighbour", pa.string()), ("rank", pa.int32()), ("cosine", pa.float32())]
)

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


def nearest(features: FeatureSet, entities: Sequence[str] | None = None, n: int = 10) -> pa.Table:
    """The entities with the highest cosine to each of some entities, nearest first.

    An entity is not its own neighbour. Equal cosines keep the order of the ids; a vector of zeros is near nobody.

    Parameters
    ----------
    features : FeatureSet
        (N, D) vectors; computed in float32.
    entities : sequence of str, default None
        Who is asked about; None asks about everybody, in the order of the ids.
    n : int, default 10
        Neighbours of each; fewer where there are not so many.

    Returns
    -------
    pyarrow.Table
        ``NEIGHBOURS``: entity_id, neighbour, rank (from 1), cosine (float32, -1 to 1).

    Raises
    ------
    ProbeError
        For n below 1, an entity that the features do not have, or NaN in a vector.

    Examples
    --------
    >>> features = FeatureSet("m@8", ["a", "b", "c"], np.array([[1.0, 0.0], [2.0, 0.1], [0.0, 1.0]]))
    >>> nearest(features, ["a"], n=1).to_pylist()
    [{'entity_id': 'a', 'neighbour': 'b', 'rank': 1, 'cosine': 0.9987519979476929}]
    """
    if n < 1:
        raise ProbeError(f"--n {n} is below 1: give the number of neighbours")
    if isinstance(entities, str):
        raise ProbeError(f"entities are the text '{entities}': give a list of ids")
    check_finite(features.name, features.matrix, features.entity_ids)
    ids = features.entity_ids
    place = {entity: i for i, entity in enumerate(ids)}
    asked = sorted(ids) if entities is None else list(entities)
    for entity in asked:
        if entity not in place:
            raise ProbeError(f"entity '{entity}' has no vector in '{features.name}': choose one of its {len(ids)}")
    vectors = np.asarray(features.dense(), dtype=np.float32)  # (N, D)
    lengths = np.sqrt(np.einsum("nd,nd->n", vectors, vectors))  # (N,)
    scale = np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > 0)  # (N,)
    n = min(n, len(ids) - 1)
    rows: dict[str, list[Any]] = {name: [] for name in NEIGHBOURS.names}
    for start in range(0, len(asked), BATCH):
        part = asked[start : start + BATCH]
        at = np.array([place[entity] for entity in part])
        cosine = (vectors[at] @ vectors.T) * scale * scale[at, None]  # (Q, N)
        np.round(cosine, DIGITS, out=cosine)
        cosine[np.arange(len(part)), at] = -np.inf
        for entity, row in zip(part, cosine, strict=True):
            near = _top(row, n, ids)
            rows["entity_id"] += [entity] * n
            rows["neighbour"] += [ids[i] for i in near]
            rows["rank"] += range(1, n + 1)
            rows["cosine"] += row[near].tolist()
    return pa.table(rows, schema=NEIGHBOURS)


def nearest_of(
    name: str, entity: str, vector: NDArray[np.float32], blocks: Iterable[tuple[Sequence[str], Any]], n: int = 10
) -> pa.Table:
    """As ``nearest`` of one entity, of vectors that go by: no more than a block of them lies in memory.

    Parameters
    ----------
    name : str
        Of the features, for messages.
    entity : str
        Who is asked about.
    vector : numpy.ndarray
        (D,) its numbers.
    blocks : iterable of pairs
        Ids, and a matrix of float32 with a row each: everybody's, in any order.
    n : int, default 10
        Neighbours.

    Returns
    -------
    pyarrow.Table
        ``NEIGHBOURS``.

    Raises
    ------
    ProbeError
        For n below 1, and NaN in a vector.

    Examples
    --------
    >>> blocks = [(["a", "b"], np.eye(2, dtype=np.float32)), (["c"], np.ones((1, 2), np.float32))]
    >>> nearest_of("m@8", "a", np.array([2.0, 0.0], np.float32), blocks, n=1).to_pylist()
    [{'entity_id': 'a', 'neighbour': 'c', 'rank': 1, 'cosine': 0.7071070075035095}]
    """
    if n < 1:
        raise ProbeError(f"--n {n} is below 1: give the number of neighbours")
    length = float(np.sqrt(vector @ vector))
    found: list[tuple[float, str]] = []
    for ids, matrix in blocks:
        check_finite(name, matrix, ids)
        lengths = np.sqrt(np.einsum("nd,nd->n", matrix, matrix)) * length  # (N,)
        cosine = np.divide(matrix @ vector, lengths, out=np.zeros_like(lengths), where=lengths > 0)  # (N,)
        np.round(cosine, DIGITS, out=cosine)
        near = _top(cosine, min(n + 1, len(ids)), ids)  # the entity itself may be among them
        found += [(float(cosine[at]), ids[at]) for at in near if ids[at] != entity]
        found = sorted(found, key=lambda pair: (-pair[0], pair[1]))[:n]
    columns = [[entity] * len(found), [other for _, other in found], range(1, len(found) + 1), [c for c, _ in found]]
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, NEIGHBOURS, strict=True)], schema=NEIGHBOURS)


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
    had = f"SELECT {identifier(column)}::VARCHAR AS value, * FROM {events} WHERE {identifier(column)} IS NOT NULL"
    kept = _varying(connection, had, [name for name in others if name != column])
    says = f"concat_ws(', ', {', '.join(identifier(name) for name in kept)})" if kept else "''"
    asked = literal(entity)
    pairs = connection.execute(
        f"""WITH each_has AS (SELECT entity_id, value, count(*) AS n,
                string_agg(DISTINCT said, '; ' ORDER BY said) AS says
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


def _varying(connection: duckdb.DuckDBPyConnection, had: str, columns: Sequence[str]) -> list[str]:
    """The columns of which most values that several events have come with several values."""
    if not columns:
        return []
    names = [identifier(column) for column in columns]
    of_value = ", ".join(f"coalesce(min({name}) <> max({name}), false) AS {name}" for name in names)
    shares = ", ".join(f"coalesce(avg({name}::INTEGER), 0)" for name in names)
    query = f"SELECT {shares} FROM (SELECT {of_value} FROM ({had}) GROUP BY value HAVING count(*) > 1)"
    (found,) = connection.sql(query).fetchall()
    return [column for column, share in zip(columns, found, strict=True) if float(share) > 0.5]


def _top(cosine: NDArray[np.float32], n: int, ids: Sequence[str]) -> list[int]:
    """The n numbers with the highest values of (N,), highest first, equal ones by id."""
    if n == 0:
        return []
    least = np.partition(cosine, -n)[-n]  # all above it are in, and of those equal to it the first by id
    return sorted(np.flatnonzero(cosine >= least).tolist(), key=lambda i: (-cosine[i], ids[i]))[:n]
