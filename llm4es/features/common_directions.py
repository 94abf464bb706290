"""The directions that all users' vectors share, as SIF finds them: what is common tells nobody apart.

"A simple but tough-to-beat baseline for sentence embeddings" (Arora, Liang and Ma, ICLR 2017) takes the first right
singular vector of the weighted means, not centred, out of each of them. A mean's part along a direction is the mean of
the parts, so it may as well be taken out of the kinds' vectors once.

In: counts of train entities, the kinds' weights and vectors. Out: orthonormal directions. Knows no labels.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import OptionError
from .event_pool import pool

_ROWS_AT_ONCE = 4096

_ROUNDING = 1e-11
"""Share of the strongest direction's sum of squares below which one is rounding of single precision."""

# N entities, E kinds, C width, R directions


def common_directions(
    counts: Any, weights: NDArray[np.floating], vectors: NDArray[np.float32], n: int
) -> NDArray[np.float32]:
    """The first right singular vectors of train entities' pooled vectors.

    Parameters
    ----------
    counts : scipy.sparse.csr_matrix, (N, E)
        How often each train entity has each kind.
    weights : numpy.ndarray, (E,)
        What an event of each kind weighs.
    vectors : numpy.ndarray, (E, C)
        The kinds' vectors.
    n : int
        Directions.

    Returns
    -------
    numpy.ndarray of float32, (R, C)
        Orthonormal rows, R = ``n``, the strongest first.

    Raises
    ------
    OptionError
        Where so many directions would leave nothing.

    Examples
    --------
    >>> from scipy import sparse
    >>> vectors = np.array([[9, 1], [9, -1]], np.float32)
    >>> np.abs(common_directions(sparse.eye(2, format="csr"), np.ones(2), vectors, 1)).round(3).tolist()
    [[1.0, 0.0]]
    """
    from scipy.linalg import eigh

    width = vectors.shape[1]
    _refuse_all(n, min(counts.shape[0], width), counts.shape[0], width)
    squares = np.zeros((width, width))  # (C, C): its eigenvectors are the singular vectors
    for start in range(0, counts.shape[0], _ROWS_AT_ONCE):
        pooled = pool(counts[start : start + _ROWS_AT_ONCE], weights, vectors).astype(float)  # (N, C)
        squares += pooled.T @ pooled
    strength, directions = eigh(squares)  # the weakest first
    _refuse_all(n, int((strength > _ROUNDING * strength[-1]).sum()), counts.shape[0], width)
    directions = directions.T[::-1][:n]  # (R, C)
    largest = np.take_along_axis(directions, np.abs(directions).argmax(axis=1)[:, None], axis=1)  # (R, 1)
    return np.ascontiguousarray(directions * np.sign(largest), dtype=np.float32)


def _refuse_all(n: int, spanned: int, n_entities: int, width: int) -> None:
    """Raise where the directions taken out are all that the entities' vectors span."""
    if n >= spanned:
        remedy = f"give {spanned - 1} or less" if spanned > 1 else "leave it out"
        raise OptionError(
            f"--remove-components {n} leaves nothing of vectors of {width} dimensions of {n_entities:,} train "
            f"entities, which span {spanned}; {remedy}"
        )
