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
from .feature_set import FeatureSet

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
    """The ``n`` entities with the highest cosine to each of ``entities`` (None: to everybody), nearest first.

    An entity is not its own neighbour. Equal cosines keep the order of the ids; a vector of zeros is near nobody.
    """
    if n < 1:
        raise ProbeError(f"--n {n} is below 1: give the number of neighbours")
    ids = features.entity_ids
    place = {entity: i for i, entity in enumerate(ids)}
    asked = sorted(ids) if entities is None else list(entities)
    for entity in asked:
        if entity not in place:
            raise ProbeError(f"entity '{entity}' has no vector in '{features.name}': choose one of its {len(ids)}")
    dense = features.matrix.toarray() if hasattr(features.matrix, "tocsr") else features.matrix
    vectors = np.asarray(dense, dtype=np.float32)  # (N, D)
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
        for entity, found in zip(part, cosine, strict=True):
            near = _top(found, n, ids)
            rows["entity_id"] += [entity] * n
            rows["neighbour"] += [ids[i] for i in near]
            rows["rank"] += range(1, n + 1)
            rows["cosine"] += found[near].tolist()
    return pa.table(rows, schema=NEIGHBOURS)


def shared(
    events: Iterable[pa.RecordBatch], entity: str, neighbours: Sequence[str], column: str, others: Sequence[str] = ()
) -> pa.Table:
    """The values of ``column`` that the entity has in common with each neighbour, rarest first, side by side.

    Of ``others`` those are shown that vary between events with the same value: a film's genre tells nobody apart.
    """
    with loaded(events, [column, *others]) as connection:
        value = f"{identifier(column)}::VARCHAR"
        connection.execute(
            f"CREATE VIEW had AS SELECT {value} AS value, * FROM events WHERE {identifier(column)} IS NOT NULL"
        )
        kept = [each for each in others if each != column and _varies(connection, each)]
        says = f"concat_ws(', ', {', '.join(identifier(each) for each in kept)})" if kept else "''"
        found = connection.execute(
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
    columns = list(zip(*found, strict=True)) or [()] * len(SHARED)
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
