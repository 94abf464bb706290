"""One number an entity: how far it tells the label by itself.

In: numbers in the order of the labels' entities, or the events that they are taken from. Out: scores on entities that
the rule was not made from. Knows no fields' names.

Letters: N entities, C classes.
"""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..core.sql import identifier
from ..features.events_table import loaded
from .giveaways import FOLDS, NOTHING, Score, Truth, beyond_chance
from .metrics import Floats, Ints, roc_auc

BINS = 20
"""Parts of the training entities, equally many in each, that a rule tells apart."""

MOMENTS = {"mean": "avg", "least value": "min", "greatest value": "max"}
"""What is taken of an entity's numbers -> the function of SQL."""


def single_moments(events: Iterable[pa.RecordBatch], field: str, truth: Truth) -> Score:
    """How far the mean, the least or the greatest of an entity's numbers tells the label: the best of them."""
    with loaded(events, [field]) as connection:
        connection.register("truth", pa.table({"entity_id": list(truth.entity_ids)}))
        moments = ", ".join(f"{sql}({identifier(field)}::DOUBLE)" for sql in MOMENTS.values())
        query = f"SELECT entity_id, {moments} FROM truth LEFT JOIN events USING (entity_id) GROUP BY ALL ORDER BY ALL"
        table = connection.sql(query).to_arrow_table()
    found = []
    for at, name in enumerate(MOMENTS, start=1):
        x = table.column(at).to_numpy().astype(float)  # (N,), NaN for entities without a number
        found.append(Score(single_number(x, truth).value, f"its {name}"))
    return max(found, key=lambda score: (np.isfinite(score.value), score.value))


def single_number(x: NDArray[np.floating], truth: Truth) -> Score:
    """How far a number an entity (N,) tells the label: by the mean label of training entities in the same of 20 parts.

    Parts hold at least 10 entities; an entity whose number is NaN is of a part of its own.
    """
    parts = max(2, min(BINS, len(x) // 10))
    targets = np.eye(len(truth.classes))[truth.y.astype(np.int64)] if truth.classes else truth.y[:, None]  # (N, C)
    predicted = np.zeros_like(targets)
    for fold in range(FOLDS):
        known = truth.fold != fold
        if not np.isfinite(x[known]).any() or known.all():
            return NOTHING
        edges = np.unique(np.nanquantile(x[known], np.linspace(0, 1, parts + 1)[1:-1]))
        part = np.where(np.isnan(x), len(edges) + 1, np.searchsorted(edges, x, side="right"))  # (N,)
        n = np.bincount(part[known], minlength=len(edges) + 2)
        mean = targets[known].mean(axis=0)  # (C,)
        for c in range(targets.shape[1]):
            total = np.bincount(part[known], targets[known, c], len(edges) + 2)
            predicted[~known, c] = np.where(n > 0, total / np.maximum(n, 1), mean[c])[part[~known]]
    if not truth.classes:
        spread = float(((truth.y - truth.y.mean()) ** 2).sum())
        return Score(1 - float(((truth.y - predicted[:, 0]) ** 2).sum()) / spread) if spread else NOTHING
    sizes = targets.sum(axis=0).astype(int)  # (C,)
    aucs = [_auc(targets[:, c] == 1, predicted[:, c], truth.fold) for c in range(len(sizes))]
    found = [beyond_chance(auc, size, len(x)) for auc, size in zip(aucs, sizes, strict=True)]
    return Score(max((value for value in found if np.isfinite(value)), default=float("nan")))


def _auc(positive: NDArray[np.bool_], score: Floats, folds: Ints) -> float:
    """ROC-AUC over pairs of one fold."""
    both = np.stack([-score, score], axis=1)  # (N, 2)
    return float(roc_auc(positive.astype(np.int64), both, folds, np.ones((1, len(score))))[0])
