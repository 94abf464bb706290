"""Probes: the small supervised models on top of features.

In: the kind of task and the features' blocks. Out: an unfitted scikit-learn estimator whose every
learned thing (scaling, choice of hyperparameters, weights) comes from the rows that it is fitted on.
Each probe is an entry of ``PROBES``. Knows no folds of the protocol and no metric of the report.
"""

from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from .features import Block, Preprocess
from .metrics import Kind

Builder = Callable[[Kind, Sequence[Block], int], Any]
"""kind, blocks, seed -> estimator."""

STRENGTHS = (0.1, 1.0, 10.0, 100.0, 1000.0)
"""Inverse regularisation (scikit-learn's C) tried for rows of mean square length 1."""

INNER_FOLDS = 3
"""Folds inside the training part that choose C."""


class UnitLength(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """Divides a block by one number, so that its training rows have mean square length 1.

    Blocks joined side by side then weigh alike whatever their widths, and one grid of C suits all features.
    """

    def fit(self, x: Any, y: Any = None) -> Self:
        """Learn the length of the training rows."""
        squares = x.multiply(x).sum() if hasattr(x, "tocsr") else np.square(x).sum()
        self.length_ = float(np.sqrt(squares / x.shape[0])) or 1.0
        return self

    def transform(self, x: Any) -> Any:
        """The rows divided by that length."""
        return x / self.length_


SCALERS: dict[Preprocess, Callable[[], BaseEstimator]] = {
    Preprocess.STANDARD: StandardScaler,
    Preprocess.TFIDF: TfidfTransformer,
    Preprocess.NONE: FunctionTransformer,
}


def scaling(blocks: Sequence[Block]) -> BaseEstimator:
    """Each block scaled as suits it, then to mean square length 1."""
    if len(blocks) == 1:
        return make_pipeline(SCALERS[blocks[0].preprocess](), UnitLength())
    ends = np.cumsum([block.width for block in blocks])
    return ColumnTransformer(
        [
            (f"block {i}", scaling([block]), slice(end - block.width, end))
            for i, (block, end) in enumerate(zip(blocks, ends, strict=True))
        ]
    )


class ChosenLogistic(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """L2-regularised logistic regression whose C is chosen by log loss in folds of the rows that it is fitted on.

    From the strongest regularisation on, each fit starting where the one before ended, until the loss rises: the
    same choice as a grid search, in a fraction of its time.
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def fit(self, x: Any, y: NDArray[Any]) -> Self:
        """Choose C, then fit all rows."""
        self.C_ = self._choose(x, y)
        self.model_ = LogisticRegression(C=self.C_, max_iter=2000).fit(x, y)
        self.classes_ = self.model_.classes_
        return self

    def predict_proba(self, x: Any) -> NDArray[Any]:
        """(N, C) probabilities."""
        return np.asarray(self.model_.predict_proba(x))

    def predict(self, x: Any) -> NDArray[Any]:
        """(N,) likeliest classes."""
        return np.asarray(self.model_.predict(x))

    def _choose(self, x: Any, y: NDArray[Any]) -> float:
        codes = np.unique(y, return_inverse=True)[1]
        n_folds = min(INNER_FOLDS, int(np.bincount(codes).min()))
        if n_folds < 2:
            return 1.0
        folds = list(StratifiedKFold(n_folds, shuffle=True, random_state=self.seed).split(codes, codes))
        models = [LogisticRegression(max_iter=2000, warm_start=True) for _ in folds]
        best, lowest = STRENGTHS[0], np.inf
        for strength in STRENGTHS:
            loss = 0.0
            for model, (train, held) in zip(models, folds, strict=True):
                model.set_params(C=strength).fit(x[train], codes[train])
                p = model.predict_proba(x[held])[np.arange(len(held)), codes[held]]  # (N held,)
                loss -= float(np.log(np.clip(p, 1e-15, 1)).sum())
            if loss >= lowest:
                break
            best, lowest = strength, loss
        return best


def logistic(kind: Kind, blocks: Sequence[Block], seed: int) -> BaseEstimator:
    """Scaled logistic regression with C chosen inside the training part; ridge regression for numbers."""
    if kind is Kind.REGRESSION:
        return make_pipeline(scaling(blocks), RidgeCV(alphas=[1 / c for c in STRENGTHS]))
    return make_pipeline(scaling(blocks), ChosenLogistic(seed))


PROBES: dict[str, Builder] = {"logistic": logistic}
