"""Probes: the small supervised models on top of features.

In: the kind of task and the features' blocks. Out: an unfitted scikit-learn estimator whose every
learned thing (scaling, choice of hyperparameters, weights) comes from the rows that it is fitted on.
Each probe is an entry of ``ESTIMATORS``. Knows no folds of the protocol and no metric of the report.
"""

from collections.abc import Callable, Sequence
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.linear_model import RidgeCV
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer

from ..core.tasks import Kind
from ..features.feature_set import Block
from .boosted import lightgbm, ptls
from .chosen_logistic import STRENGTHS, ChosenLogistic
from .scaling import scaling

Builder = Callable[[Kind, Sequence[Block], int, int], Any]
"""kind, blocks, seed, number of training entities -> estimator."""

NEIGHBOURS = 15
EARLY_STOPPING_FROM = 100
"""Training entities from which a tenth can be spared to stop a neural network by."""


def logistic(kind: Kind, blocks: Sequence[Block], seed: int, n: int) -> BaseEstimator:
    """Scaled logistic regression with C chosen inside the training part; ridge regression for numbers."""
    if kind is Kind.REGRESSION:
        return make_pipeline(scaling(blocks), RidgeCV(alphas=[1 / c for c in STRENGTHS]))
    return make_pipeline(scaling(blocks), ChosenLogistic(seed))


def knn(kind: Kind, blocks: Sequence[Block], seed: int, n: int) -> BaseEstimator:
    """The 15 nearest training entities by cosine distance, nearer ones weighing more."""
    model = KNeighborsRegressor if kind is Kind.REGRESSION else KNeighborsClassifier
    return make_pipeline(scaling(blocks), Normalizer(), model(min(NEIGHBOURS, n), weights="distance"))


def mlp(kind: Kind, blocks: Sequence[Block], seed: int, n: int) -> BaseEstimator:
    """One hidden layer of 64 units, stopped early on a tenth of the training part where it is large enough."""
    model = MLPRegressor if kind is Kind.REGRESSION else MLPClassifier
    stop = {"early_stopping": n >= EARLY_STOPPING_FROM, "n_iter_no_change": 20, "max_iter": 1000}
    return make_pipeline(
        scaling(blocks), model(hidden_layer_sizes=(64,), learning_rate_init=0.01, alpha=0.1, random_state=seed, **stop)
    )


ESTIMATORS: dict[str, Builder] = {"logistic": logistic, "lightgbm": lightgbm, "knn": knn, "mlp": mlp, "ptls": ptls}
"""A new probe is one entry here."""
