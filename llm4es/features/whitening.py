"""Vectors of kinds whose dimensions all say as much: standardised, their first principal components of unit variance.

A few dimensions of a language model's states are far larger than the others and hide them in every distance
(Huang et al. 2021, arXiv 2104.01767; Su et al. 2021, arXiv 2103.15316).

In: the kinds' vectors. Out: an affine map. Knows no users and no labels.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import OptionError
from .affine import Affine

MOST_KINDS = 100_000
"""Kinds that the components are learnt from at most, evenly taken: more change nothing that could be measured."""

_NO_VARIANCE = 1e-6
"""Share of the first component's variance below which one is rounding: whitening would blow it up."""

# E kinds, D width, C components


def whitening(vectors: NDArray[np.floating], components: int) -> Affine:
    """PCA whitening of standardised vectors, each to unit length after.

    Parameters
    ----------
    vectors : numpy.ndarray, (E, D)
        One row a kind.
    components : int
        Dimensions kept.

    Returns
    -------
    Affine
        (E, D) to (E, components).

    Raises
    ------
    OptionError
        Where the vectors do not span so many dimensions.

    Examples
    --------
    >>> square = np.array([[1, 9], [1, -9], [-1, 9], [-1, -9]], np.float32)
    >>> white = whitening(square, 2)(square).astype(float)
    >>> abs(white[0]).round(3).tolist()  # the long side says no more than the short one
    [0.707, 0.707]
    """
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import StandardScaler

    widest = min(len(vectors) - 1, vectors.shape[1])
    if components > widest:
        raise _too_wide(components, widest, vectors)
    taken = vectors[:: -(-len(vectors) // MOST_KINDS)].astype(np.float32)  # (E, D)
    scaler = StandardScaler()
    standard = scaler.fit_transform(taken)  # (E, D)
    if not standard.any():
        raise _too_wide(components, 0, vectors)
    pca = PCA(components, random_state=0).fit(standard)
    variance = pca.explained_variance_.astype(float)  # (C,)
    spanned = int((variance > _NO_VARIANCE * variance[0]).sum())
    if spanned < components:
        raise _too_wide(components, spanned, vectors)
    matrix = (pca.components_ / np.sqrt(variance)[:, None] / scaler.scale_).T  # (D, C)
    return Affine(_float32(scaler.mean_), _float32(matrix), _float32(-pca.mean_ * scaler.scale_ @ matrix), unit=True)


def _too_wide(components: int, spanned: int, vectors: NDArray[np.floating]) -> OptionError:
    events, width = vectors.shape
    span = "1 distinct event spans" if events == 1 else f"{events:,} distinct events span"
    remedy = f"give {spanned} or less" if spanned > 0 else "leave it out"
    return OptionError(
        f"--whiten {components} is wider than the data: {span} {spanned} of {width} dimensions; {remedy}"
    )


def _float32(numbers: Any) -> NDArray[np.float32]:
    return np.ascontiguousarray(numbers, dtype=np.float32)
