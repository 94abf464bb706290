"""Users' vectors as weighted means of event vectors: one sparse product.

In: how much each entity has of each kind (a distinct event text), what each kind weighs, the kinds' vectors. Out: one
vector an entity. Knows no text and nothing of how the vectors were made.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

# N entities, E kinds, C width


def pool(counts: Any, weights: NDArray[np.floating], vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    """The weighted mean of each entity's event vectors.

    Parameters
    ----------
    counts : scipy.sparse.csr_matrix, (N, E)
        How many events of each kind an entity has, or the sum of what these weigh on their own (their recency).
    weights : numpy.ndarray, (E,)
        What each event of a kind weighs.
    vectors : numpy.ndarray, (E, C)
        The kinds' vectors.

    Returns
    -------
    numpy.ndarray of float32, (N, C)
        An entity's weights sum to 1. Zeros for an entity whose events weigh nothing.

    Examples
    --------
    >>> from scipy import sparse
    >>> counts = sparse.csr_matrix(np.array([[3, 1], [0, 2], [0, 0]]))
    >>> pool(counts, np.array([1.0, 1.0]), np.array([[4.0], [8.0]])).tolist()
    [[5.0], [8.0], [0.0]]
    """
    from scipy import sparse

    counts = counts.tocsr(copy=True)
    counts.sum_duplicates()  # sorts a row by kind: the same events give the same vector, however they come
    own = counts.data * weights.astype(float)[counts.indices]
    filled = np.diff(counts.indptr)
    entity = np.repeat(np.arange(counts.shape[0]), filled)
    sums = np.bincount(entity, own, minlength=counts.shape[0])  # (N,)
    shares = (own / np.repeat(np.where(sums > 0, sums, 1.0), filled)).astype(np.float32)
    matrix = sparse.csr_matrix((shares, counts.indices, counts.indptr), shape=counts.shape)
    return np.asarray(matrix @ vectors.astype(np.float32, copy=False))  # (N, C)
