"""Gradient-boosted trees as probes: our own choice, and what papers on event sequences give LightGBM.

In: the kind of task and the features' blocks. Out: an unfitted estimator. LightGBM is an extra. Knows no folds.
"""

from collections.abc import Sequence
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler

from ..core.errors import ProbeError
from ..core.tasks import Kind
from ..features.feature_set import Block
from .scaling import plain, scaling


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
    return make_pipeline(plain(blocks), MaxAbsScaler(), _boosted(kind, **PTLS_SAME, **PTLS_TREES[kind]))


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
