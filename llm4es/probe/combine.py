"""Scores of several probes to scores of one: their mean, and a small model on top of them.

In: scores of the same entities, a matrix a probe. Out: scores. Knows no features and no folds.

Letters: N entities, M entities learnt from, C classes (1 for a regression), P parts.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.tasks import Kind
from .metrics import METRICS, Floats, Ints

LEAST = 1e-6
"""Probabilities are kept this far from 0 and 1: one probe that is certain does not outvote all others."""


def mean_scores(scores: Sequence[Floats], kind: Kind) -> Floats:
    """The mean of log probabilities, normalised again: of two classes that is the mean of log odds. Numbers: the mean.

    Parameters
    ----------
    scores : sequence of (N, C) arrays
        One a part.
    kind : Kind
        What they are scores of.

    Returns
    -------
    (N, C) array
        Probabilities, or numbers.

    Examples
    --------
    >>> mean_scores([np.array([[0.5, 0.5]]), np.array([[0.1, 0.9]])], Kind.BINARY).round(3).tolist()
    [[0.25, 0.75]]
    >>> mean_scores([np.array([[1.0]]), np.array([[4.0]])], Kind.REGRESSION).tolist()
    [[2.5]]
    """
    if kind is Kind.REGRESSION:
        return np.asarray(np.mean(scores, axis=0), dtype=float)
    logs = np.mean([_logs(each) for each in scores], axis=0)  # (N, C)
    p = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(p / p.sum(axis=1, keepdims=True), dtype=float)


def stacked(learnt: Sequence[Floats], y: NDArray[Any], scores: Sequence[Floats], kind: Kind) -> tuple[Any, Floats]:
    """A small model that is fitted on the out-of-fold scores of several probes, and what it makes of others.

    As scikit-learn's ``StackingClassifier`` and ``StackingRegressor`` do: logistic regression, here on log odds, and
    for numbers ridge regression.

    Parameters
    ----------
    learnt : sequence of (M, C) arrays
        Scores of entities by models that were not fitted on them, one a part.
    y : (M,) array
        Their classes or numbers.
    scores : sequence of (N, C) arrays
        Scores to combine, one a part.
    kind : Kind
        What they are scores of.

    Returns
    -------
    model : fitted estimator
        Its ``coef_`` says what each part weighs.
    scores : (N, classes met) array
        Probabilities of ``model.classes_``, or numbers.
    """
    from sklearn.linear_model import LogisticRegression, RidgeCV  # heavy

    small = RidgeCV() if kind is Kind.REGRESSION else LogisticRegression(max_iter=2000)
    model = small.fit(_beside(learnt, kind), y)
    return model, through(model, scores, kind)


def through(model: Any, scores: Sequence[Floats], kind: Kind) -> Floats:
    """(N, classes met) probabilities, or (N, 1) numbers, that the small model makes of scores, a matrix a part."""
    x = _beside(scores, kind)  # (N, P * C)
    if kind is Kind.REGRESSION:
        return np.asarray(model.predict(x), dtype=float).reshape(-1, 1)
    return np.asarray(model.predict_proba(x), dtype=float)


def worth(scores: Floats, truth: NDArray[Any], folds: Ints, metric: str) -> float:
    """A metric of out-of-fold scores, higher is better; -inf where there is none.

    Parameters
    ----------
    scores : (N, C) array
        Probabilities, or numbers.
    truth : (N,) array
        Class numbers, or numbers.
    folds : (N,) array
        Whose model scored the entity.
    metric : str
        One of ``METRICS``.

    Returns
    -------
    float
        The metric, of a loss its negative.

    Examples
    --------
    >>> p = np.array([0.2, 0.9, 0.4, 0.6])
    >>> worth(np.stack([1 - p, p], axis=1), np.array([0, 1, 0, 1]), np.zeros(4, dtype=int), "roc_auc")
    1.0
    """
    value = float(METRICS[metric].score(truth, scores, folds, np.ones((1, len(truth))))[0])
    return -np.inf if np.isnan(value) else value if METRICS[metric].higher_is_better else -value


def _logs(scores: Floats) -> Floats:
    """(N, C) log probabilities."""
    return np.asarray(np.log(np.clip(scores, LEAST, 1 - LEAST)), dtype=float)


def _beside(scores: Sequence[Floats], kind: Kind) -> Floats:
    """(N, P * C) what the small model reads: log odds of two classes, log probabilities of several, or numbers."""
    if kind is Kind.REGRESSION:
        return np.hstack(scores)
    logs = [_logs(each) for each in scores]
    return np.hstack([each[:, 1:] - each[:, :1] if each.shape[1] == 2 else each for each in logs])
