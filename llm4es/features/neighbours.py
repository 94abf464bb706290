"""similar: features -> the nearest entities of an entity.

In: a feature set (dense vectors), or vectors that go by. Out: tables. Exact: every cosine is computed, by batches of
matrix products. Knows no store and no labels; what neighbours share is found by ``shared_values``.

Letters: Q entities asked about, N entities, D width.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from ..core.errors import ProbeError
from .feature_set import FeatureSet, check_finite

BATCH = 1024
"""Entities asked about at once: BATCH x N cosines are held."""

DIGITS = 6
"""Decimals of a cosine that count: beyond them, where a row lies in memory decides, and equal vectors would differ."""

NEIGHBOURS = pa.schema(
    [("entity_id", pa.string()), ("neighbour", pa.string()), ("rank", pa.int32()), ("cosine", pa.float32())]
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
    name: str, entity: str, vector: NDArray[np.float32], blocks: Iterable[tuple[pa.StringArray, Any]], n: int = 10
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
        Ids, and a matrix of float32 with a row each: everybody's, in any order, none of them empty. Of the ids those
        are looked at that come near.
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
    >>> blocks = [(pa.array(["a", "b"]), np.eye(2, dtype=np.float32)), (pa.array(["c"]), np.ones((1, 2), np.float32))]
    >>> nearest_of("m@8", "a", np.array([2.0, 0.0], np.float32), blocks, n=1).to_pylist()
    [{'entity_id': 'a', 'neighbour': 'c', 'rank': 1, 'cosine': 0.7071070075035095}]
    """
    if n < 1:
        raise ProbeError(f"--n {n} is below 1: give the number of neighbours")
    threads = ThreadpoolController()
    length = float(np.sqrt(vector @ vector))
    found: list[tuple[float, str]] = []
    for ids, matrix in blocks:
        squares = np.einsum("nd,nd->n", matrix, matrix)  # (N,)
        if not np.isfinite(squares).all():  # a number is not, or is too large to be squared
            check_finite(name, matrix, ids.to_pylist())
        lengths = np.sqrt(squares) * length  # (N,)
        with threads.limit(limits=1, user_api="blas"):  # one vector's product waits for memory: more threads only spin
            cosine = np.divide(matrix @ vector, lengths, out=np.zeros_like(lengths), where=lengths > 0)  # (N,)
        np.round(cosine, DIGITS, out=cosine)
        near = np.flatnonzero(cosine >= _least(cosine, min(n + 1, len(ids))))  # the entity itself may be among them
        if len(found) == n:
            near = near[cosine[near] >= found[-1][0]]
        others = zip(cosine[near].tolist(), ids.take(pa.array(near)).to_pylist(), strict=True)
        found += [pair for pair in others if pair[1] != entity]
        found = sorted(found, key=lambda pair: (-pair[0], pair[1]))[:n]
    columns = [[entity] * len(found), [other for _, other in found], range(1, len(found) + 1), [c for c, _ in found]]
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, NEIGHBOURS, strict=True)], schema=NEIGHBOURS)


def _top(cosine: NDArray[np.float32], n: int, ids: Sequence[str]) -> list[int]:
    """The n numbers with the highest values of (N,), highest first, equal ones by id."""
    if n == 0:
        return []
    near = np.flatnonzero(cosine >= _least(cosine, n))  # of those equal to the least the first by id are in
    return sorted(near.tolist(), key=lambda i: (-cosine[i], ids[i]))[:n]


def _least(cosine: NDArray[np.float32], n: int) -> np.float32:
    """The n-th highest of (N,) values: all above it are in."""
    least: np.float32 = np.partition(cosine, -n)[-n]
    return least
