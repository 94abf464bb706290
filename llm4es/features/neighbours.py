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
from ..core.sql import identifier
from .events_table import loaded
from .feature_set import FeatureSet, check_finite

BATCH = 1024
"""Entities asked about at once: BATCH x N cosines are held."""

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
        value = f"{identifier(column)}::VARCHAR"
        connection.execute(
            f"CREATE VIEW had AS SELECT {value} AS value, * FROM events WHERE {identifier(column)} IS NOT NULL"
        )
        kept = [name for name in others if name != column and _varies(connection, name)]
        says = f"concat_ws(', ', {', '.join(identifier(name) for name in kept)})" if kept else "''"
        rows = connection.execute(
            f"""WITH each_has AS (SELECT entity_id, value, count(*) AS n,
                string_agg(DISTINCT said, '; ' ORDER BY said) AS says
                FROM (SELECT entity_id, value, {says} AS said FROM had) GROUP BY ALL),
            rarity AS (SELECT value, count(*) AS n_others FROM each_has GROUP BY ALL)
            SELECT b.entity_id AS neighbour, a.value, a.n AS n_entity, b.n AS n_neighbour, n_others, a.says, b.says
            FROM each_has a JOIN each_has b USING (value) JOIN rarity USING (value)
            WHERE a.entity_id = ? AND b.entity_id IN (SELECT unnest(?)) AND b.entity_id <> a.entity_id
            ORDER BY list_position(?, b.entity_id), n_others, value""",
            [entity, list(neighbours), list(neighbours)],
        ).fetchall()
    columns = list(zip(*rows, strict=True)) or [()] * len(SHARED)
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, SHARED, strict=True)], schema=SHARED)


def _varies(connection: duckdb.DuckDBPyConnection, column: str) -> bool:
    """Whether most values that several events have come with several values of this column."""
    query = f"""SELECT coalesce(avg((n > 1)::INTEGER), 0) FROM
        (SELECT count(DISTINCT {identifier(column)}) AS n FROM had GROUP BY value HAVING count(*) > 1)"""
    ((share,),) = connection.sql(query).fetchall()
    return float(share) > 0.5


def _top(cosine: NDArray[np.float32], n: int, ids: Sequence[str]) -> list[int]:
    """The n numbers with the highest values of (N,), highest first, equal ones by id."""
    if n == 0:
        return []
    least = np.partition(cosine, -n)[-n]  # all above it are in, and of those equal to it the first by id
    return sorted(np.flatnonzero(cosine >= least).tolist(), key=lambda i: (-cosine[i], ids[i]))[:n]
