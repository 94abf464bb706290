"""similar: features -> the nearest entities of an entity, and the events that they share.

In: a feature set (dense vectors), events batches. Out: tables. Exact: every cosine is computed, by batches of matrix
products. Knows no store and no labels.

Letters: Q entities asked about, N entities, D width.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from .aggregates import loaded, quoted
from .errors import ProbeError
from .features import FeatureSet

BATCH = 1024
"""Entities asked about at once: BATCH x N cosines are held."""

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
    ]
)


def nearest(features: FeatureSet, entities: Sequence[str] | None = None, n: int = 10) -> pa.Table:
    """The ``n`` entities with the highest cosine to each of ``entities`` (None: to everybody), nearest first.

    An entity is not its own neighbour. Equal cosines keep the order of the ids; a vector of zeros is near nobody.
    """
    if n < 1:
        raise ProbeError(f"--n {n} is below 1: give the number of neighbours")
    order = np.argsort(np.asarray(features.entity_ids, dtype=object))
    ids = [features.entity_ids[i] for i in order]
    place = {entity: i for i, entity in enumerate(ids)}
    asked = ids if entities is None else list(entities)
    for entity in asked:
        if entity not in place:
            raise ProbeError(f"entity '{entity}' has no vector in '{features.name}': choose one of its {len(ids)}")
    units = _unit_rows(features.matrix)[order]  # (N, D)
    n = min(n, len(ids) - 1)
    rows: dict[str, list[Any]] = {name: [] for name in NEIGHBOURS.names}
    for start in range(0, len(asked), BATCH):
        part = asked[start : start + BATCH]
        at = np.array([place[entity] for entity in part])
        cosine = units[at] @ units.T  # (Q, N)
        cosine[np.arange(len(part)), at] = -np.inf
        for entity, found, near in zip(part, cosine, _top(cosine, n), strict=True):
            rows["entity_id"] += [entity] * n
            rows["neighbour"] += [ids[i] for i in near]
            rows["rank"] += range(1, n + 1)
            rows["cosine"] += found[near].tolist()
    return pa.table(rows, schema=NEIGHBOURS)


def shared(events: Iterable[pa.RecordBatch], entity: str, neighbours: Sequence[str], column: str) -> pa.Table:
    """The values of ``column`` that the entity has in common with each neighbour, rarest first."""
    with loaded(events, [column]) as connection:
        value = f"{quoted(column)}::VARCHAR"
        found = connection.execute(
            f"""WITH had AS (SELECT entity_id, {value} AS value, count(*) AS n FROM events
                WHERE {quoted(column)} IS NOT NULL GROUP BY ALL),
            rarity AS (SELECT value, count(*) AS n_others FROM had GROUP BY ALL)
            SELECT b.entity_id AS neighbour, a.value, a.n AS n_entity, b.n AS n_neighbour, n_others
            FROM had a JOIN had b USING (value) JOIN rarity USING (value)
            WHERE a.entity_id = ? AND b.entity_id IN (SELECT unnest(?)) AND b.entity_id <> a.entity_id
            ORDER BY list_position(?, b.entity_id), n_others, value""",
            [entity, list(neighbours), list(neighbours)],
        ).fetchall()
    columns = list(zip(*found, strict=True)) or [()] * len(SHARED)
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, SHARED, strict=True)], schema=SHARED)


def _unit_rows(matrix: Any) -> NDArray[np.float32]:
    """(N, D) rows of length 1, zeros where there is nothing."""
    dense = matrix.toarray() if hasattr(matrix, "tocsr") else matrix
    vectors = np.asarray(dense, dtype=np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)  # (N, 1)
    units: NDArray[np.float32] = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return units


def _top(cosine: NDArray[np.float32], n: int) -> NDArray[np.int64]:
    """(Q, n) columns of the highest values of each row, highest first, ties from the left."""
    if n == 0:
        return np.zeros((len(cosine), 0), dtype=np.int64)
    # the n-th highest value splits a row: all above it are in, and of those equal to it the leftmost
    threshold = np.partition(cosine, -n, axis=1)[:, -n]  # (Q,)
    best = []
    for row, least in zip(cosine, threshold, strict=True):
        above = np.flatnonzero(row > least)
        equal = np.flatnonzero(row == least)[: n - len(above)]
        kept = np.concatenate([above, equal])
        best.append(kept[np.lexsort((kept, -row[kept]))])
    return np.array(best)
