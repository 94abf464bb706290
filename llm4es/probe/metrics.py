"""Metrics of out-of-fold predictions, computed for many weightings of the entities at once.

In: truth, scores and folds of one repeat, and weights (a bootstrap resample is a weighting). Out: a number for each.
Knows no probe and no table. Rank metrics count pairs inside a fold only: scores of different folds come from
different models, and ranking one model's scores against another's would measure their offsets (a majority class
would then score below 0.5).

Letters: B weightings, N entities, C classes, G groups of equal scores.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..core.tasks import PRIMARY, Kind

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


WEIGHTS_AT_ONCE = 250_000
"""Weights that a metric of ranks looks at."""


@dataclass(frozen=True)
class Metric:
    """One entry of the table of metrics."""

    score: Callable[[NDArray[np.generic], Floats, Ints, Floats], Floats]
    """truth (N,), scores (N, C), folds (N,), weights (B, N) -> (B,)."""

    kinds: frozenset[Kind]
    """Tasks that it fits."""

    higher_is_better: bool = True
    """False for losses."""

    least: float = 0.0
    """No value is below it."""

    most: float = 1.0
    """No value is above it."""

    of_pairs: bool = False
    """It counts pairs of one class and the rest: the smaller class bounds what it can show."""


def roc_auc(truth: NDArray[np.generic], scores: Floats, folds: Ints, weights: Floats) -> Floats:
    """Share of (positive, negative) pairs of one fold in the right order, ties half; classes averaged."""
    return _over_classes(_pairs_in_order, truth, scores, folds, weights)


def average_precision(truth: NDArray[np.generic], scores: Floats, folds: Ints, weights: Floats) -> Floats:
    """Precision at each positive's rank inside its fold, averaged over positives; classes averaged."""
    return _over_classes(_precision_at_positives, truth, scores, folds, weights)


def accuracy(truth: NDArray[np.generic], scores: Floats, folds: Ints, weights: Floats) -> Floats:
    """Share of entities whose likeliest class is the true one."""
    right = (scores.argmax(axis=1) == truth).astype(float)  # (N,)
    return _mean(right, weights)


def log_loss(truth: NDArray[np.generic], scores: Floats, folds: Ints, weights: Floats) -> Floats:
    """Mean of -ln p(true class), p kept above 1e-15."""
    p = scores[np.arange(len(truth)), truth.astype(np.int64)]  # (N,)
    return _mean(-np.log(np.clip(p, 1e-15, 1.0)), weights)


def macro_f1(truth: NDArray[np.generic], scores: Floats, folds: Ints, weights: Floats) -> Floats:
    """Mean over classes of F1 = 2 TP / (2 TP + FP + FN), every class alike; 0 for a class nobody has or predicts."""
    guess = scores.argmax(axis=1)  # (N,)
    by_class = []
    for c in range(scores.shape[1]):
        hit = weights @ ((guess == c) & (truth == c)).astype(float)  # (B,)
        sizes = weights @ ((guess == c).astype(float) + (truth == c))  # (B,)
        by_class.append(np.divide(2 * hit, sizes, out=np.zeros_like(hit), where=sizes > 0))
    return _averaged(by_class)


def r2(truth: NDArray[np.generic], scores: Floats, folds: Ints, weights: Floats) -> Floats:
    """1 - squared error / squared deviation from the scored entities' own mean."""
    y = truth.astype(float)  # (N,)
    mean = _mean(y, weights)  # (B,)
    spread = _mean(y**2, weights) - mean**2  # (B,)
    error = _mean((y - scores[:, 0]) ** 2, weights)  # (B,)
    return np.divide(spread - error, spread, out=np.full_like(error, np.nan), where=spread > 0)


def mae(truth: NDArray[np.generic], scores: Floats, folds: Ints, weights: Floats) -> Floats:
    """Mean absolute error, in the label's unit."""
    return _mean(np.abs(truth.astype(float) - scores[:, 0]), weights)


CLASSES = frozenset({Kind.BINARY, Kind.MULTICLASS})
NUMBERS = frozenset({Kind.REGRESSION})

METRICS: dict[str, Metric] = {
    "roc_auc": Metric(roc_auc, CLASSES, of_pairs=True),
    "accuracy": Metric(accuracy, CLASSES),
    "average_precision": Metric(average_precision, CLASSES, of_pairs=True),
    "log_loss": Metric(log_loss, CLASSES, higher_is_better=False, most=np.inf),
    "macro_f1": Metric(macro_f1, CLASSES),
    "r2": Metric(r2, NUMBERS, least=-np.inf),
    "mae": Metric(mae, NUMBERS, higher_is_better=False, most=np.inf),
}


def within(metric: str, ends: tuple[float, float]) -> tuple[float, float]:
    """An interval cut to the values that the metric can take."""
    least, most = METRICS[metric].least, METRICS[metric].most
    low, high = ends
    return min(max(low, least), most), min(max(high, least), most)


def metrics_for(kind: Kind) -> tuple[str, ...]:
    """Names of the metrics that fit a kind of task, the primary one first."""
    fitting = [name for name, metric in METRICS.items() if kind in metric.kinds]
    return tuple(sorted(fitting, key=lambda name: name != PRIMARY[kind]))


def _averaged(by_class: list[Floats]) -> Floats:
    """The mean of a metric's classes, (B,) each."""
    mean: Floats = np.mean(by_class, axis=0)
    return mean


def _mean(values: Floats, weights: Floats) -> Floats:
    """Weighted mean of (N,) for each of (B, N)."""
    mean: Floats = (weights @ values) / weights.sum(axis=1)  # (B,)
    return mean


Rank = Callable[[NDArray[np.bool_], Floats, Ints, Floats], Floats]
"""A metric of one class against the rest."""


def _over_classes(rank: Rank, truth: NDArray[np.generic], scores: Floats, folds: Ints, weights: Floats) -> Floats:
    """A metric of ranks: of two classes of the second, of more the mean of all."""
    classes = [1] if scores.shape[1] == 2 else range(scores.shape[1])
    return _averaged([_by_rows(rank, truth == c, scores[:, c], folds, weights) for c in classes])


def _by_rows(
    rank: Rank,
    positive: NDArray[np.bool_],
    score: Floats,
    folds: Ints,
    weights: Floats,
) -> Floats:
    """A metric of ranks for some rows of (B, N) weights after the others: it holds them eight times."""
    at_once = max(1, WEIGHTS_AT_ONCE // max(weights.shape[1], 1))
    parts = [
        rank(positive, score, folds, weights[start : start + at_once]) for start in range(0, len(weights), at_once)
    ]
    return np.concatenate(parts) if parts else np.zeros(0)  # (B,)


def _pairs_in_order(positive: NDArray[np.bool_], score: Floats, folds: Ints, weights: Floats) -> Floats:
    """Weighted concordant pairs over all pairs, inside folds. NaN where no fold has both sides."""
    ordered = np.zeros(len(weights))  # (B,)
    pairs = np.zeros(len(weights))  # (B,)
    for fold in np.unique(folds):
        above, below = _grouped(positive, score, folds == fold, weights)  # (B, G), worst score first
        worse = np.cumsum(below, axis=1) - below  # (B, G) negatives with a lower score
        ordered += (above * (worse + 0.5 * below)).sum(axis=1)
        pairs += above.sum(axis=1) * below.sum(axis=1)
    return np.divide(ordered, pairs, out=np.full_like(pairs, np.nan), where=pairs > 0)


def _precision_at_positives(positive: NDArray[np.bool_], score: Floats, folds: Ints, weights: Floats) -> Floats:
    """Weighted mean over positives of the precision at their score. NaN where there is no positive."""
    total = np.zeros(len(weights))  # (B,)
    positives = np.zeros(len(weights))  # (B,)
    for fold in np.unique(folds):
        hits, misses = _grouped(positive, -score, folds == fold, weights)  # (B, G), best score first
        above = np.cumsum(hits, axis=1)  # (B, G) positives with at least this score
        taken = above + np.cumsum(misses, axis=1)  # (B, G)
        precision = np.divide(above, taken, out=np.zeros_like(above), where=taken > 0)
        total += (hits * precision).sum(axis=1)
        positives += hits.sum(axis=1)
    return np.divide(total, positives, out=np.full_like(total, np.nan), where=positives > 0)


def _grouped(
    positive: NDArray[np.bool_], score: Floats, here: NDArray[np.bool_], weights: Floats
) -> tuple[Floats, Floats]:
    """Weights of positives and of negatives for each distinct score of a fold, rising: two (B, G)."""
    members = np.flatnonzero(here)
    members = members[np.argsort(score[members], kind="stable")]  # (N in the fold,)
    starts = np.flatnonzero(np.r_[True, np.diff(score[members]) != 0])  # (G,)
    w = weights[:, members]  # (B, N in the fold)
    side = positive[members]  # (N in the fold,)
    return np.add.reduceat(w * side, starts, axis=1), np.add.reduceat(w * ~side, starts, axis=1)
