"""What text says of behaviour: a ridge map from an item's text vector to its factors in who-does-what.

The factors are those of a truncated singular value decomposition of train entities x items, log counts: no label is
read. An item that nobody has met yet gets factors from its text alone.

In: counts of train entities x kinds, the kinds' vectors and items. Out: an affine map. Knows no entity but by counts.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import OptionError
from .affine import Affine

FACTORS = 64
"""Factors where nothing else is said."""

_ALPHAS = np.logspace(-6, 1, 15)
"""Ridge penalties tried, as shares of all squared (standardised) text vectors: leave-one-out decides."""

# N entities, E kinds, I items, C width of the vectors, F factors


def alignment(counts: Any, vectors: NDArray[np.float32], items: NDArray[np.integer], factors: int) -> Affine:
    """A ridge map from vectors of kinds to factors of items.

    Parameters
    ----------
    counts : scipy.sparse.csr_matrix, (N, E)
        How often each train entity has each kind.
    vectors : numpy.ndarray, (E, C)
        One row a kind.
    items : numpy.ndarray of int, (E,)
        The item of each kind; below 0: none, such a kind is not learnt from.
    factors : int
        Factors of an item.

    Returns
    -------
    Affine
        (E, C) to (E, factors).

    Raises
    ------
    OptionError
        Where there are fewer items or entities than factors.

    Examples
    --------
    >>> from scipy import sparse
    >>> does = sparse.csr_matrix(np.array([[3, 2, 0, 0], [2, 3, 0, 0], [0, 0, 3, 2], [0, 0, 2, 3]]))
    >>> texts = np.array([[1, 0.1], [1, -0.1], [-1, 0.1], [-1, -0.1]], np.float32)
    >>> new = alignment(does, texts, np.arange(4), 1)(np.array([[0.9, 0.0], [-0.9, 0.0]], np.float32))
    >>> bool(np.ptp(new) > 0.9)  # two new items with texts like those of either side stand apart as these do
    True
    """
    from sklearn.decomposition import TruncatedSVD
    from sklearn.linear_model import RidgeCV
    from sklearn.preprocessing import StandardScaler

    by_item, of_item, total = _items(counts, items)
    widest = min(by_item.shape) - 1
    if factors > widest:
        remedy = f"give {widest} or less" if widest > 0 else "leave it out"
        raise OptionError(
            f"--align {factors} is wider than the data: {by_item.shape[1]:,} items of {by_item.shape[0]:,} train "
            f"entities have fewer factors; {remedy}"
        )
    svd = TruncatedSVD(factors, n_iter=7, random_state=0).fit(by_item)
    targets = svd.components_.T * svd.singular_values_  # (I, F)
    weights = np.log1p(total) / np.log1p(total).mean()  # (I,)
    texts = of_item @ vectors.astype(float)  # (I, C)
    scaler = StandardScaler().fit(texts, sample_weight=weights)
    scale = scaler.scale_ * np.sqrt(texts.shape[1])  # rows of mean square length 1 whatever the width
    ridge = RidgeCV(len(texts) * _ALPHAS).fit((texts - scaler.mean_) / scale, targets, sample_weight=weights)
    matrix = (np.atleast_2d(ridge.coef_) / scale).T  # (C, F)
    offset = np.atleast_1d(ridge.intercept_)  # (F,)
    mean, matrix, offset = (np.ascontiguousarray(each, np.float32) for each in (scaler.mean_, matrix, offset))
    return Affine(mean, matrix, offset, unit=False)


def _items(counts: Any, items: NDArray[np.integer]) -> tuple[Any, Any, NDArray[np.float64]]:
    """Log counts (N, I), the shares (I, E) of each item's events that each kind has, and events an item (I,)."""
    from scipy import sparse

    events = np.asarray(counts.sum(axis=0)).ravel().astype(float)  # (E,)
    kinds = np.flatnonzero((events > 0) & (items >= 0))
    _, item = np.unique(items[kinds], return_inverse=True)
    shape = (len(events), int(item.max(initial=-1)) + 1)
    belongs = sparse.csr_matrix((np.ones(len(kinds)), (kinds, item)), shape=shape)  # (E, I)
    by_item = (counts @ belongs).log1p()  # (N, I)
    total = events @ belongs  # (I,)
    shares = (belongs.multiply(events[:, None]) / total).T.tocsr() if shape[1] else belongs.T
    return by_item, shares, total
