"""How near probabilities are to shares: Brier score, expected calibration error.

In: probabilities and what came true. Out: figures. Knows no model.

Letters: R repeats, N entities, C classes.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .metrics import Floats

BINS = 10
"""Of the calibration error, of equally many entities each but where scores are equal."""


def brier(p: Floats, truth: NDArray[Any]) -> float:
    """Mean squared error of probabilities: of two classes that of the second alone, as scikit-learn has it.

    Parameters
    ----------
    p : (R, N, C) array
        Probabilities.
    truth : (N,) array
        Class numbers.

    Returns
    -------
    float
        The mean of the repeats.

    Examples
    --------
    >>> round(brier(np.array([[[0.2, 0.8], [0.4, 0.6]]]), np.array([1, 0])), 3)
    0.2
    """
    if p.shape[2] == 2:
        return float(np.mean((p[:, :, 1] - (truth == 1)) ** 2))
    came_true = np.eye(p.shape[2])[truth]  # (N, C)
    return float(np.mean(np.sum((p - came_true) ** 2, axis=2)))


def calibration_error(p: Floats, truth: NDArray[Any]) -> float:
    """Expected calibration error: how far the mean probability of a tenth of the entities is from what came true of it.

    Of two classes the second's probability; of several that of the likeliest.

    Parameters
    ----------
    p : (R, N, C) array
        Probabilities.
    truth : (N,) array
        Class numbers.

    Returns
    -------
    float
        The mean of tenths and repeats.

    Examples
    --------
    >>> p = np.full(20, 0.5)
    >>> calibration_error(np.stack([1 - p, p], axis=1)[None], np.array([0, 1] * 10))
    0.0
    """
    errors = []
    for each in p:
        stated = each[:, 1] if p.shape[2] == 2 else each.max(axis=1)  # (N,)
        right = truth == (1 if p.shape[2] == 2 else each.argmax(axis=1))  # (N,)
        _, group, sizes = np.unique(stated, return_inverse=True, return_counts=True)
        place = (np.cumsum(sizes) - sizes / 2) / len(stated)  # 0..1: the middle of those that have an equal score
        tenth = np.minimum((place * BINS).astype(int), BINS - 1)[group]  # (N,)
        gaps = np.bincount(tenth, stated - right, minlength=BINS)
        errors.append(np.abs(gaps).sum() / len(stated))
    return float(np.mean(errors))
