"""Protocols: who is trained on and who is scored.

In: entity ids and labels of those that have features. Out: the fits to make, as row numbers. Each protocol is a
named entry of ``PROTOCOLS`` that gives the same rows in every process. Knows no features and no probe.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import KFold, StratifiedKFold

from .config import ProbeOptions
from .errors import ProbeError
from .metrics import Ints


@dataclass(frozen=True)
class Fit:
    """One model to fit, and the rows that it scores."""

    repeat: int
    """Within a repeat every scored row is scored once."""

    fold: int
    """Number of the fold inside its repeat."""

    train: Ints
    """Row numbers trained on."""

    test: Ints
    """Row numbers scored."""


Protocol = Callable[[NDArray[np.generic], bool, ProbeOptions], list[Fit]]
"""labels (N,) of entities sorted by id, whether to keep class shares, options -> fits."""


def cv(y: NDArray[np.generic], stratify: bool, options: ProbeOptions) -> list[Fit]:
    """Repeated stratified k-fold: repeat r shuffles with ``seed + r``; every entity is scored once a repeat."""
    if stratify:
        classes, sizes = np.unique(y, return_counts=True)
        if sizes.min() < options.folds:
            raise ProbeError(
                f"class '{classes[sizes.argmin()]}' has {sizes.min()} members for {options.folds} folds: "
                f"give --folds {sizes.min()} or less, at least 2, or more labels"
            )
    elif len(y) < options.folds:
        raise ProbeError(f"{len(y)} labelled entities for {options.folds} folds: give fewer --folds or more labels")
    fits = []
    for repeat in range(options.repeats):
        splitter = (StratifiedKFold if stratify else KFold)(
            options.folds, shuffle=True, random_state=options.seed + repeat
        )
        parts = splitter.split(np.zeros(len(y)), y)
        fits += [Fit(repeat, fold, train, test) for fold, (train, test) in enumerate(parts)]
    return fits


PROTOCOLS: dict[str, Protocol] = {"cv": cv}
