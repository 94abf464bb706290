"""ROC and calibration of a few feature sets.

In: the predictions of each. Out: SVG. Decides nothing.

Letters: R repeats, N entities.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_curve

from ..probe.metrics import Floats
from ..probe.predictions import Scored
from .svg import DASHES, MUTED, SERIES, SHAPES, Hints, drawing, in_legend, legend, short, to_svg

BINS = 8
POINTS = 200
"""Points of a ROC curve: more are not seen, and make the page large."""

IN_A_BIN = 40
"""Predictions that a bin should have, so that its share means something."""


@dataclass(frozen=True)
class Curve:
    """The predictions of one feature set, to be drawn."""

    label: str
    """What the legend says."""

    baseline: bool
    """Made without a language model: drawn in grey."""

    scored: Scored
    """Everybody's truth and scores."""


def roc(curves: Sequence[Curve], name: str) -> str:
    """ROC curves of binary tasks, positives of every repeat pooled after ranking inside each fold."""
    with drawing(3.4) as (figure, (axes,)):
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (3, 3)))
        for dash, (curve, colour) in zip(DASHES, _coloured(curves), strict=False):
            scored = curve.scored
            ranks = np.concatenate(
                [_ranks(score[:, 1], folds) for score, folds in zip(scored.scores, scored.folds, strict=True)]
            )
            wrong, right, _ = roc_curve(np.tile(scored.truth, len(scored.scores)), ranks)
            kept = _corners(wrong, right)
            axes.plot(wrong[kept], right[kept], linestyle=dash, color=colour, label=in_legend(curve.label))
        axes.set_xlabel(
            f"share of '{short(curves[0].scored.classes[0], 14)}' taken for '{short(curves[0].scored.classes[1], 14)}'"
        )
        axes.set_ylabel(f"share of '{short(curves[0].scored.classes[1], 14)}' found")
        axes.set_aspect("equal")
        axes.set_xlim(-0.02, 1.02)  # a rise at 0 is not hidden by the edge
        axes.set_ylim(-0.02, 1.02)
        legend(figure)
        return to_svg(figure, name, "ROC curves of " + ", ".join(curve.label for curve in curves))


def calibration(curves: Sequence[Curve], name: str) -> str:
    """Predicted probability against the share that came true, in bins of equally many predictions."""
    hints = Hints()
    with drawing(3.4) as (figure, (axes,)):
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (3, 3)))
        for shape, (curve, colour) in zip(SHAPES, _coloured(curves), strict=False):
            scored = curve.scored
            p = scored.scores[:, :, 1].ravel()  # (R * N,)
            truth = np.tile(scored.truth, len(scored.scores)) == 1  # (R * N,)
            bins = np.array_split(np.argsort(p, kind="stable"), min(BINS, max(2, len(scored.truth) // IN_A_BIN)))
            x, y = [float(p[b].mean()) for b in bins], [float(truth[b].mean()) for b in bins]
            (line,) = axes.plot(x, y, "-", marker=shape, markersize=4, color=colour, label=in_legend(curve.label))
            hints.add(line, f"{curve.label}: mean gap {np.mean(np.abs(np.subtract(x, y))):.3f}")
        axes.set_xlabel(f"predicted probability of '{short(curves[0].scored.classes[1], 14)}'")
        axes.set_ylabel("share that is so")
        axes.set_aspect("equal")
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
        legend(figure)
        return to_svg(figure, name, "Calibration of " + ", ".join(curve.label for curve in curves), hints)


def _corners(wrong: Floats, right: Floats) -> NDArray[np.int64]:
    """Which points of a ROC curve are drawn: (0, 0), the end of its rise there, (1, 1), and POINTS along the way."""
    way = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(wrong)) + np.abs(np.diff(right)))])  # 0..2, rising
    along = np.searchsorted(way, np.linspace(0, way[-1], POINTS))
    rise = np.flatnonzero(wrong == 0)[-1]
    return np.unique(np.concatenate([[0, rise, len(way) - 1], np.minimum(along, len(way) - 1)]))


def _coloured(curves: Sequence[Curve]) -> Iterator[tuple[Curve, str]]:
    """The curves with their colours: baselines grey as in the comparison, models by turns."""
    models = iter(SERIES)
    for curve in curves:
        yield curve, MUTED if curve.baseline else next(models)


def _ranks(score: np.ndarray[Any, Any], folds: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """(N,) rank of each score inside its fold, 0..1: scores of different folds are of different models."""
    ranks = np.zeros(len(score))
    for fold in np.unique(folds):
        here = folds == fold
        ordered = np.sort(score[here])
        both = np.searchsorted(ordered, score[here], "left") + np.searchsorted(ordered, score[here], "right")
        ranks[here] = both / (2 * len(ordered))
    return ranks
