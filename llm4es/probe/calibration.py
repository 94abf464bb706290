"""Calibration: scores to probabilities that can be read as shares, and how near to shares they are.

In: out-of-fold scores and what came true. Out: a map of scores, and figures. As Platt (1999), and scikit-learn's
``CalibratedClassifierCV(method="sigmoid", ensemble=False)``: a logistic curve over the log odds of entities that the
scoring model was not fitted on; of several classes one curve each, and the probabilities divided by their sum. A curve
never falls: scores that are worse than chance become everybody's share. Knows no features and no store.

Letters: R repeats, N entities, C classes.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .combine import LEAST
from .metrics import Floats
from .predictions import Scored


@dataclass(frozen=True)
class Calibration:
    """A logistic curve a class; of two classes one, over the second's log odds."""

    slopes: tuple[float, ...]
    """0 or more."""

    intercepts: tuple[float, ...]
    """In log odds."""

    @classmethod
    def fit(cls, scores: Floats, truth: NDArray[Any]) -> Self:
        """Learn the curves.

        Parameters
        ----------
        scores : (R, N, C) array
            Probabilities of entities that the scoring models were not fitted on.
        truth : (N,) array
            Class numbers.

        Returns
        -------
        Calibration
            Of C classes.

        Examples
        --------
        >>> p = np.linspace(0.3, 0.7, 200)  # too modest: all below a half are of one class, all above of the other
        >>> curve = Calibration.fit(np.stack([1 - p, p], axis=1)[None], (p > 0.5).astype(int))
        >>> curve(np.array([[0.4, 0.6]])).round(2).tolist()
        [[0.0, 1.0]]
        """
        n_classes = scores.shape[2]
        of = [1] if n_classes == 2 else range(n_classes)
        curves = [_platt(_log_odds(scores[:, :, c]), truth == c) for c in of]
        return cls(tuple(slope for slope, _ in curves), tuple(intercept for _, intercept in curves))

    def __call__(self, scores: Floats) -> Floats:
        """(..., C) probabilities of (..., C) scores."""
        if len(self.slopes) == 1:
            p = _sigmoid(self.slopes[0] * _log_odds(scores[..., 1]) + self.intercepts[0])
            return np.stack([1 - p, p], axis=-1)
        each = _sigmoid(np.array(self.slopes) * _log_odds(scores) + np.array(self.intercepts))
        return np.asarray(each / each.sum(axis=-1, keepdims=True), dtype=float)

    def as_dict(self) -> dict[str, list[float]]:
        """Plain JSON values."""
        return {"slopes": list(self.slopes), "intercepts": list(self.intercepts)}

    @classmethod
    def of_json(cls, text: str) -> Self:
        """What ``as_dict`` wrote down, as JSON."""
        fields = json.loads(text)
        return cls(tuple(fields["slopes"]), tuple(fields["intercepts"]))


def calibrated_out_of_fold(scored: Scored) -> Floats:
    """(R, N, C) probabilities of each fold by curves that were learnt of the other folds: what an evaluation may read.

    Of a single fold, as of a hold-out, there are no others: its own curve.
    """
    found = np.empty_like(scored.scores)
    for repeat, folds in enumerate(scored.folds):
        scores = scored.scores[repeat]
        for fold in np.unique(folds):
            rest = folds != fold if len(np.unique(folds)) > 1 else folds == fold
            curves = Calibration.fit(scores[rest][None], scored.truth[rest])
            found[repeat, folds == fold] = curves(scores[folds == fold])
    return found


def _platt(log_odds: Floats, positive: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope, 0 or more, and intercept of the curve over (R, N) log odds that best says who is (N,) positive."""
    from scipy.optimize import minimize  # heavy

    n, m = int(positive.sum()), int((~positive).sum())
    target = np.where(positive, (n + 1) / (n + 2), 1 / (m + 2))  # Platt's: no entity is quite certain

    def loss(ab: NDArray[Any]) -> tuple[float, NDArray[Any]]:
        z = ab[0] * log_odds + ab[1]  # (R, N)
        wrong = _sigmoid(z) - target
        return float(np.mean(np.logaddexp(0, z) - target * z)), np.array([np.mean(wrong * log_odds), np.mean(wrong)])

    best = minimize(
        loss,
        (1.0, 0.0),
        jac=True,
        method="L-BFGS-B",
        bounds=((0, None), (None, None)),
        options={"ftol": 1e-14, "gtol": 1e-9},
    )
    return float(best.x[0]), float(best.x[1])


def _log_odds(p: Floats) -> Floats:
    kept = np.clip(p, LEAST, 1 - LEAST)
    return np.asarray(np.log(kept) - np.log1p(-kept), dtype=float)


_sigmoid: Callable[[Any], Floats] = lambda z: 0.5 * (1 + np.tanh(0.5 * z))  # noqa: E731  # no overflow
