"""What a kind of event weighs by how rare it is among train entities.

In: how many train entities have it, and how many of their events are of it. Out: a weight. Knows no entity.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..options.weights import Weight

SIF_A = 1e-3
"""The constant of smooth inverse frequency, within the range that its authors advise (1e-3 to 1e-4)."""

# E kinds


def rarity(
    factors: Sequence[str],
    holders: NDArray[np.integer],
    events: NDArray[np.integer],
    n_entities: int,
    n_events: int,
) -> NDArray[np.float64]:
    """The product of those factors that all events of a kind share.

    Parameters
    ----------
    factors : sequence of str
        Of a weight. 'tfidf' is the inverse document frequency, smoothed as scikit-learn's ``TfidfTransformer`` does;
        'sif' is a / (a + p), p the kind's share of events (Arora et al., ICLR 2017); others are 1 here.
    holders : numpy.ndarray of int, (E,)
        Train entities that have each kind; 0 for one that none of them has.
    events : numpy.ndarray of int, (E,)
        Their events of it.
    n_entities, n_events : int
        Train entities, and their events.

    Returns
    -------
    numpy.ndarray of float64, (E,)
        Above 0.

    Examples
    --------
    >>> rarity(("tfidf",), np.array([9, 0]), np.array([20, 0]), 9, 20).round(3).tolist()
    [1.0, 3.303]
    >>> rarity(("sif", "recency:90d"), np.array([9, 0]), np.array([999, 0]), 9, 1000).round(3).tolist()
    [0.001, 1.0]
    """
    weights = np.ones(len(holders))  # (E,)
    if Weight.TFIDF in factors:
        weights *= np.log((1 + n_entities) / (1 + holders)) + 1
    if Weight.SIF in factors:
        weights *= SIF_A / (SIF_A + events / max(n_events, 1))
    return weights
