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
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MaxAbsScaler, Normalizer, StandardScaler

from ..core.errors import ProbeError
from ..core.tasks import Kind
from ..features.feature_set import Block, Preprocess

Builder = Callable[[Kind, Sequence[Block], int, int], Any]
"""kind, blocks, seed, number of training entities -> estimator."""

STRENGTHS = (0.1, 1.0, 10.0, 100.0, 1000.0)
"""Inverse regularisation (scikit-learn's C) tried for rows of mean square length 1."""

INNER_FOLDS = 3
"""Folds inside the training part that choose C."""

NEIGHBOURS = 15
EARLY_STOPPING_FROM = 100
"""Training entities from which a tenth can be spared to stop a neural network by."""


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


def _dense(x: Any) -> Any:
    """A block that was joined to a sparse one, dense again: centring it would fill it anyway."""
    return x.toarray() if hasattr(x, "toarray") else x


def _standard(*after: BaseEstimator) -> BaseEstimator:
    """Zero mean and unit variance, and what follows."""
    return make_pipeline(FunctionTransformer(_dense, accept_sparse=True), StandardScaler(), *after)


SCALERS: dict[Preprocess, Callable[[], BaseEstimator]] = {
    Preprocess.STANDARD: _standard,
    Preprocess.TFIDF: TfidfTransformer,
    Preprocess.NONE: FunctionTransformer,
    Preprocess.WHITEN: lambda: _standard(PCA(0.9, whiten=True, svd_solver="full")),
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
        self.basis_ = _span(x)  # (D, N) or None
        x = self._turned(x)
        self.C_ = self._choose(x, y)
        self.model_ = LogisticRegression(C=self.C_, max_iter=2000).fit(x, y)
        self.classes_ = self.model_.classes_
        return self

    def predict_proba(self, x: Any) -> NDArray[Any]:
        """(N, C) probabilities."""
        return np.asarray(self.model_.predict_proba(self._turned(x)))

    def predict(self, x: Any) -> NDArray[Any]:
        """(N,) likeliest classes."""
        return np.asarray(self.model_.predict(self._turned(x)))

    def _turned(self, x: Any) -> Any:
        """The rows in the coordinates that the model is fitted in."""
        return x if self.basis_ is None else x @ self.basis_

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


def _span(x: Any) -> NDArray[Any] | None:
    """An orthonormal basis (D, N or fewer) of the rows (N, D) where there are more columns than rows, else None.

    The slopes of an L2-regularised model lie in the span of its rows, so in these coordinates it is the same model: of
    six layers side by side, 3,456 columns, in a fifth of the time.
    """
    if hasattr(x, "tocsr") or x.shape[1] <= x.shape[0]:
        return None
    squares, turns = np.linalg.eigh(x @ x.T)  # (N,), (N, N): cheaper than the rows' own decomposition
    kept = squares > squares[-1] * 1e-12
    basis: NDArray[Any] = x.T @ (turns[:, kept] / np.sqrt(squares[kept]))  # (D, N or fewer)
    return basis


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


def lightgbm(kind: Kind, blocks: Sequence[Block], seed: int, n: int) -> BaseEstimator:
    """Gradient-boosted trees, small steps, rows and columns sampled."""
    return make_pipeline(
        scaling(blocks),
        _boosted(kind, n_estimators=300, learning_rate=0.03, num_leaves=15, min_child_samples=20, subsample=0.75,
                 subsample_freq=1, colsample_bytree=0.5, reg_lambda=1.0, random_state=seed),
    )  # fmt: skip


PTLS_TREES: dict[Kind, dict[str, Any]] = {
    Kind.BINARY: {"objective": "binary", "metric": "auc", "n_estimators": 500, "subsample": 0.5, "max_depth": 6,
                  "num_leaves": 31},
    Kind.MULTICLASS: {"objective": "multiclass", "metric": "multi_error", "n_estimators": 1000, "subsample": 0.75,
                      "max_depth": 12, "num_leaves": 50},
}  # fmt: skip
"""What papers give LightGBM: the first on Rosbank and Gender, the second on Age."""

PTLS_SAME: dict[str, Any] = {
    "learning_rate": 0.02, "subsample_freq": 1, "colsample_bytree": 0.75, "reg_alpha": 1, "reg_lambda": 1,
    "min_child_samples": 50, "random_state": 42, "boosting_type": "gbdt",
}  # fmt: skip
"""The same for all; scikit-learn's names of feature_fraction, lambda_l1, lambda_l2 and min_data_in_leaf."""


def ptls(kind: Kind, blocks: Sequence[Block], seed: int, n: int) -> BaseEstimator:
    """Columns divided by their largest absolute value, and LightGBM as papers on event sequences set it."""
    return make_pipeline(MaxAbsScaler(), _boosted(kind, **PTLS_SAME, **PTLS_TREES[kind]))


PROBES: dict[str, Builder] = {"logistic": logistic, "lightgbm": lightgbm, "knn": knn, "mlp": mlp, "ptls": ptls}


def _boosted(kind: Kind, **parameters: Any) -> Any:
    """LightGBM on one thread, in an order of columns that gives the same trees every time."""
    try:
        import lightgbm as trees  # an extra
    except ImportError as error:
        raise ProbeError(
            "LightGBM is not installed: run `pip install 'llm4es[lightgbm]'`, or give --probe logistic"
        ) from error
    model = trees.LGBMRegressor if kind is Kind.REGRESSION else trees.LGBMClassifier
    return model(n_jobs=1, deterministic=True, force_col_wise=True, verbose=-1, **parameters)
