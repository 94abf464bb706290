"""The map of users: vectors in two dimensions, coloured by label, with neighbours to look at.

In: vectors, labels, newest events. Out: SVG with one mark a user, and what the page shows of a chosen one.
Neighbours are found among all users and in all dimensions; only what is drawn is a sample and a projection.

Letters: N entities, D width.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import ProbeError
from ..core.hashing import text_hash
from ..core.printable import printable_line
from ..features.feature_set import FeatureSet
from ..features.neighbours import nearest
from .data import Projection, ReportData
from .marks import classes, scale

NEIGHBOURS = 5
LINES = 6
"""Newest events shown of a user."""

LINE_LENGTH = 120


@dataclass(frozen=True)
class People:
    """The map's parts."""

    maps: Mapping[str, str]
    """Task -> SVG."""

    note: str
    """What is drawn and what it keeps, in words."""

    users: Sequence[Mapping[str, Any]]
    """Shown users: id, labels, lines, neighbours (id, cosine)."""


def people(data: ReportData) -> People:
    """Map and neighbours of ``data.vectors``."""
    if data.vectors is None:
        raise ProbeError("a map needs vectors: embed first")
    ids = data.vectors["entity_id"].to_pylist()
    lists = data.vectors["vector"].combine_chunks()
    matrix = np.asarray(lists.flatten(), dtype=np.float32).reshape(len(ids), -1)  # (N, D)
    shown = chosen_users(ids, data.shown_users)
    points, kept = PROJECTIONS[data.projection](matrix)  # (N, 2)
    labels = _labels(data)
    order = [ids[i] for i in shown]
    maps = {
        task: (scale if task in data.numbers else classes)(points[shown], order, of, f"map-{n}", task)
        for n, (task, of) in enumerate(labels.items())
    }
    features = FeatureSet(data.vectors_name, ids, matrix, None, None, frozenset(), "")
    near: dict[str, list[tuple[str, float]]] = {}
    for row in nearest(features, order, NEIGHBOURS).to_pylist():
        near.setdefault(row["entity_id"], []).append((printable_line(row["neighbour"]), round(row["cosine"], 4)))
    lines = _lines(data)
    users = [
        {
            "id": printable_line(entity),
            "labels": {printable_line(task): printable_line(of[entity]) for task, of in labels.items() if entity in of},
            "lines": lines.get(entity, []),
            "near": near.get(entity, []),
        }
        for entity in order
    ]
    sample = (
        "" if len(shown) == len(ids) else f"{len(shown):,} of {len(ids):,} entities drawn, chosen by a hash of the id. "
    )
    return People(maps, sample + kept, users)


def chosen_users(ids: Sequence[str], most: int) -> list[int]:
    """Which users are drawn, by their places: of too many a sample, always the same one; in the order of their ids."""
    sample = sorted(range(len(ids)), key=lambda i: text_hash(ids[i]))[:most]
    return sorted(sample, key=lambda i: str(ids[i]))


def pca(matrix: NDArray[np.float32]) -> tuple[NDArray[np.float64], str]:
    """(N, 2) the two directions of largest variance of the standardised columns, and what share they carry."""
    spread = matrix.std(axis=0)
    x = (matrix - matrix.mean(axis=0)) / np.where(spread > 0, spread, 1)  # (N, D)
    values, vectors = np.linalg.eigh((x.T @ x).astype(np.float64))  # rising
    axes = vectors[:, [-1, -2]] if x.shape[1] > 1 else np.c_[vectors[:, -1], np.zeros(1)]  # (D, 2)
    axes = axes * np.where(np.abs(axes).max(axis=0) == axes.max(axis=0), 1, -1)  # the sign is free: fixed here
    carried = values[-2:].sum() / max(values.sum(), 1e-12)
    if carried > ALL:
        return x @ axes, "Two principal components, which carry all of the variance: distances are as they are."
    share = f"{min(carried, 0.99):.0%}"  # what is not all is not 100 %
    return x @ axes, f"Two principal components, which carry {share} of the variance: distances are approximate."


ALL = 1 - 1e-6
"""Share of the variance beyond which nothing is lost but the last digits."""


def umap(matrix: NDArray[np.float32]) -> tuple[NDArray[np.float64], str]:
    """(N, 2) by UMAP on cosine distances."""
    try:
        from umap import UMAP  # heavy, and an extra
    except ImportError as error:
        raise ProbeError("UMAP is not installed: run `pip install 'llm4es[umap]'`, or leave the map at PCA") from error
    points = UMAP(metric="cosine", random_state=0, n_jobs=1).fit_transform(matrix)
    return np.asarray(points, dtype=float), "UMAP: neighbourhoods are kept, distances between groups mean nothing."


PROJECTIONS = {Projection.PCA: pca, Projection.UMAP: umap}


def _labels(data: ReportData) -> dict[str, dict[str, str]]:
    """Task -> entity -> label; one task without labels where there are none."""
    labels: dict[str, dict[str, str]] = {}
    for row in data.labels.to_pylist() if data.labels is not None else ():
        labels.setdefault(row["task"], {})[row["entity_id"]] = row["label"]
    return labels or {"": {}}


def _lines(data: ReportData) -> dict[str, list[str]]:
    """Entity -> its newest events as text, cut to what a panel can show."""
    if data.histories is None:
        return {}
    rows = data.histories.to_pylist()
    return {row["entity_id"]: [printable_line(line[:LINE_LENGTH]) for line in row["lines"][:LINES]] for row in rows}
