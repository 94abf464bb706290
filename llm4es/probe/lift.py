"""Lift: of those whom a model puts first, how many more are positive than of everybody.

In: out-of-fold scores and what came true. Out: figures a share. Knows no features and no store.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .metrics import Floats, Ints

SHARES = (0.05, 0.1, 0.2)
"""Of the entities, those at the top."""


@dataclass(frozen=True)
class Lift:
    """What the first ones of a ranking hold."""

    share: float
    """Of the entities, those at the top."""

    n: float
    """Entities at the top."""

    positives: float
    """Of them, those that are positive."""

    lift: float
    """Their share among them, over their share among everybody."""


def lift(scores: Floats, positive: NDArray[Any], folds: Ints, share: float) -> Lift:
    """The lift of out-of-fold scores: the top of each fold, since scores of different folds are of different models.

    Where the top ends among equal scores, or inside an entity, the mean of those that might be in it counts.

    Parameters
    ----------
    scores : (R, N) array
        The higher, the likelier.
    positive : (N,) array of bool
        Who is.
    folds : (R, N) array
        Whose model scored the entity, in each repeat.
    share : float
        Of the entities, those at the top.

    Returns
    -------
    Lift
        The mean of the repeats.

    Examples
    --------
    >>> scores, positive = np.array([[0.9, 0.8, 0.7, 0.1]]), np.array([True, False, True, False])
    >>> lift(scores, positive, np.zeros((1, 4), int), 0.25)
    Lift(share=0.25, n=1.0, positives=1.0, lift=2.0)
    """
    found = [
        sum(_at_top(each[of == fold], positive[of == fold], share) for fold in np.unique(of))
        for each, of in zip(scores, folds, strict=True)
    ]
    n, positives = share * len(positive), float(np.mean(found))
    return Lift(share, n, positives, float(positives / n / positive.mean()))


def _at_top(scores: Floats, positive: NDArray[Any], share: float) -> float:
    """Positives among the first of (N,) scores, ties and a part of an entity by the mean."""
    values, group = np.unique(-scores, return_inverse=True)  # the best first
    sizes = np.bincount(group, minlength=len(values))
    hits = np.bincount(group, positive.astype(float), minlength=len(values))
    before = np.cumsum(sizes) - sizes
    taken = np.clip(share * len(scores) - before, 0, sizes)
    return float((hits * taken / sizes).sum())
