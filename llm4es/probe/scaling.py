"""The scaling in front of a probe: each block as suits it, then all blocks to equal weight.

In: the features' blocks. Out: an unfitted scikit-learn transformer whose every learned thing comes from the rows that
it is fitted on. Knows no labels.

A fold's own copy of its rows may be scaled where it lies (``in_place``): beside it no second one is made.
"""

from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from ..features.feature_set import Block, Preprocess
from .kind_vectors import KnownWords, PooledKinds

COLUMNS_AT_ONCE = 16
"""Columns whose means and variances are taken at once: scikit-learn holds their rows two more times meanwhile."""

NUMBERS_AT_ONCE = 2**20
"""Numbers squared at once."""


class Standard(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """scikit-learn's ``StandardScaler`` for some columns after the others: the same numbers, and one copy at most."""

    def __init__(self, copy: bool = True) -> None:
        self.copy = copy

    def fit(self, x: Any, y: Any = None) -> Self:
        """Learn mean and variance of each column."""
        self.parts_ = [StandardScaler(copy=False).fit(part) for part in _parts(x)]
        return self

    def transform(self, x: Any) -> Any:
        """The rows with zero mean and unit variance."""
        x = x.copy() if self.copy else x
        for part, scaler in zip(_parts(x), self.parts_, strict=True):
            scaler.transform(part)
        return x


def _parts(x: Any) -> list[Any]:
    """Views of (N, some columns)."""
    return [x[:, start : start + COLUMNS_AT_ONCE] for start in range(0, x.shape[1], COLUMNS_AT_ONCE)]


class UnitLength(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """Divides a block by one number, so that its training rows have mean square length 1.

    Blocks joined side by side then weigh alike whatever their widths, and one grid of C suits all features.
    """

    copy = True  # of one that was kept before it could be said

    def __init__(self, copy: bool = True) -> None:
        self.copy = copy

    def fit(self, x: Any, y: Any = None) -> Self:
        """Learn the length of the training rows."""
        squares = x.multiply(x).sum() if hasattr(x, "tocsr") else _squares(x.ravel())
        self.length_ = float(np.sqrt(squares / x.shape[0])) or 1.0
        return self

    def transform(self, x: Any) -> Any:
        """The rows divided by that length."""
        if self.copy or hasattr(x, "tocsr"):
            return x / self.length_
        x /= self.length_
        return x


def _squares(numbers: Any) -> float:
    """The sum of (N,) squares, by halves as numpy itself sums a long array."""
    if len(numbers) <= NUMBERS_AT_ONCE:
        return float(np.square(numbers).sum())
    half = len(numbers) // 2
    half -= half % 8
    return _squares(numbers[:half]) + _squares(numbers[half:])


def _dense(x: Any) -> Any:
    """A block that was joined to a sparse one, dense again: centring it would fill it anyway."""
    return x.toarray() if hasattr(x, "toarray") else x


def _standard(*after: BaseEstimator) -> BaseEstimator:
    """Zero mean and unit variance, and what follows."""
    return make_pipeline(FunctionTransformer(_dense, accept_sparse=True), Standard(), *after)


SCALERS: dict[Preprocess, Callable[[], BaseEstimator]] = {
    Preprocess.STANDARD: _standard,
    Preprocess.TFIDF: TfidfTransformer,
    Preprocess.WORDS: KnownWords,
    Preprocess.NONE: FunctionTransformer,
    Preprocess.WHITEN: lambda: _standard(PCA(0.9, whiten=True, svd_solver="full")),
}


def scaling(blocks: Sequence[Block]) -> BaseEstimator:
    """Each block scaled as suits it, then to mean square length 1; counts of kinds become vectors before."""
    if len(blocks) == 1:
        (block,) = blocks
        return make_pipeline(*_pooled(block), SCALERS[block.preprocess](), UnitLength())
    return _each(blocks, scaling)


def in_place(model: BaseEstimator, allowed: bool = True) -> BaseEstimator:
    """The same estimator, which may overwrite the dense rows that it is given, or may not."""
    for step in model.get_params(deep=True).values():
        if isinstance(step, Standard | UnitLength):
            step.copy = not allowed
    return model


def plain(blocks: Sequence[Block]) -> BaseEstimator:
    """Each block as it is, but that counts of kinds become vectors."""
    if all(block.kinds is None for block in blocks):
        return FunctionTransformer(accept_sparse=True)
    return make_pipeline(*_pooled(blocks[0])) if len(blocks) == 1 else _each(blocks, plain)


def _pooled(block: Block) -> list[BaseEstimator]:
    return [] if block.kinds is None else [PooledKinds(block.kinds)]


def _each(blocks: Sequence[Block], transformer: Callable[[Sequence[Block]], BaseEstimator]) -> BaseEstimator:
    """A transformer of its own for each block, from left to right."""
    ends = np.cumsum([block.width for block in blocks])
    return ColumnTransformer(
        [
            (f"block {i}", transformer([block]), slice(int(end) - block.width, int(end)))
            for i, (block, end) in enumerate(zip(blocks, ends, strict=True))
        ]
    )
