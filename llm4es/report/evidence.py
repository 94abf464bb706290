"""Pictures of the evidence: comparison, choice of k, ROC, calibration, learning curve.

In: rows of ``compare``, ``predictions`` and ``probes``. Out: SVG. Decides nothing: every number is in the tables.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from matplotlib.ticker import MaxNLocator
from sklearn.metrics import roc_curve

from ..probe.predictions import Scored
from .svg import INK, MUTED, SERIES, Hints, drawing, legend, short, to_svg


@dataclass(frozen=True)
class Curve:
    """The predictions of one feature set, to be drawn."""

    label: str
    baseline: bool
    scored: Scored


MOST_ROWS = 24
"""Feature sets drawn in a comparison; the table below it has them all."""

BINS = 8
IN_A_BIN = 40
"""Predictions that a bin should have, so that its share means something."""


def forest(rows: Sequence[dict[str, Any]], name: str) -> str:
    """Each feature set's metric and its interval, best first; baselines hollow, the reference's value as a line."""
    drawn = rows[:MOST_ROWS]
    reference = next((row for row in rows if row["difference"] is None), None)
    if reference is not None and reference not in drawn:
        drawn = [*drawn[:-1], reference]
    hints = Hints()
    with drawing(0.9 + 0.45 * len(drawn)) as (figure, (axes,)):
        for y, row in enumerate(drawn):
            colour = SERIES[0] if row["model"] else MUTED
            (bar,) = axes.plot(
                [row["ci_low"], row["ci_high"]], [y, y], color=colour, linewidth=2, solid_capstyle="butt"
            )
            (dot,) = axes.plot(row["value"], y, "o", color=colour, markerfacecolor=colour if row["model"] else "none")
            said = f"{label_of(row)}: {row['metric']} {row['value']:.3f} ({row['ci_low']:.3f} to {row['ci_high']:.3f})"
            for artist in (bar, dot):
                hints.add(artist, f"{said}. {row['words']}")
            axes.annotate(
                short(label_of(row), 60),
                (0, y),
                (0, 7),
                xycoords=("axes fraction", "data"),
                textcoords="offset points",
                color=INK,
            )
        if reference is not None:
            axes.axvline(reference["value"], color=MUTED, linewidth=1, linestyle=(0, (3, 3)))
        axes.set_ylim(len(drawn) - 0.4, -0.8)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.grid(axis="y", visible=False)
        axes.set_xlabel(f"{drawn[0]['metric']} with 95 % interval; dashed: {short(drawn[0]['reference'])}")
        return to_svg(figure, name, f"Comparison of {len(drawn)} feature sets by {drawn[0]['metric']}", hints)


def by_k(rows: Sequence[dict[str, Any]], name: str) -> str | None:
    """The metric against the number of layers averaged, a line a model; None where no model has two."""
    of_k = [(int(row["k"]), row) for row in rows if row["k"] is not None and _alone(row)]
    return _by_depth(of_k, name, "k", "k: last layers averaged", log=True)


def by_layer(rows: Sequence[dict[str, Any]], name: str) -> str | None:
    """The metric of single layers, a line a model; None where no model has two."""
    found = [(re.search(r"@layer(\d+)", row["features"]), row) for row in rows if row["model"] and _alone(row)]
    return _by_depth([(int(m[1]), row) for m, row in found if m], name, "layer", "layer, the first to the last")


def _alone(row: dict[str, Any]) -> bool:
    """Vectors of one model, nothing joined to them. The model's own name may bear a '+'."""
    return bool(row["model"]) and "+" not in row["features"].removeprefix(row["model"])


def _by_depth(
    rows: Sequence[tuple[int, dict[str, Any]]], name: str, depth: str, axis: str, *, log: bool = False
) -> str | None:
    lines: dict[str, list[tuple[int, dict[str, Any]]]] = {}
    for at, row in rows:
        lines.setdefault(re.sub(r"@(layer)?\d+", "", label_of(row), count=1), []).append((at, row))
    lines = {key: sorted(found, key=lambda pair: pair[0]) for key, found in lines.items() if len(found) > 1}
    if not lines:
        return None
    metric = rows[0][1]["metric"]
    hints = Hints()
    with drawing(2.6 + 0.16 * len(lines)) as (figure, (axes,)):
        for i, (model, found) in enumerate(lines.items()):
            x = np.array([at for at, _ in found], dtype=float)
            value, low, high = (np.array([row[key] for _, row in found]) for key in ("value", "ci_low", "ci_high"))
            # side by side: intervals of several models would cover another
            aside = i - (len(lines) - 1) / 2
            x = x * 1.03**aside if log else x + 0.12 * aside
            colour = SERIES[i % len(SERIES)]
            axes.plot(x, value, "-o", color=colour, label=short(model), markersize=4)
            for place, (at, row) in enumerate(found):
                ends = [low[place], high[place]]
                (bar,) = axes.plot([x[place]] * 2, ends, color=colour, linewidth=1.2, alpha=0.6)
                said = f"{row['value']:.3f} ({row['ci_low']:.3f} to {row['ci_high']:.3f})"
                hints.add(bar, f"{model}, {depth} = {at}: {said}")
        ticks = sorted({at for found in lines.values() for at, _ in found})
        if log:
            axes.set_xscale("log", base=2)
            ticks = _apart(ticks)
            axes.set_xticks(ticks, [str(at) for at in ticks])
            axes.minorticks_off()
        else:
            axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        axes.set_xlabel(axis)
        axes.set_ylabel(metric)
        legend(figure)
        return to_svg(figure, name, f"{metric} against {depth} for {len(lines)} models", hints)


def _apart(ticks: Sequence[int]) -> list[int]:
    """Of rising numbers on a logarithmic axis, those whose labels do not run into each other; the last one stays."""
    kept = [ticks[-1]]
    for tick in reversed(ticks[:-1]):
        if tick * 1.35 <= kept[-1]:
            kept.append(tick)
    return kept[::-1]


def roc(found: Sequence[Curve], name: str) -> str:
    """ROC curves of binary tasks, positives of every repeat pooled after ranking inside each fold."""
    with drawing(3.4) as (figure, (axes,)):
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (3, 3)))
        for curve, colour in _coloured(found):
            scored = curve.scored
            ranks = np.concatenate(
                [_ranks(score[:, 1], folds) for score, folds in zip(scored.scores, scored.folds, strict=True)]
            )
            wrong, right, _ = roc_curve(np.tile(scored.truth, len(scored.scores)), ranks)
            grid = np.linspace(0, 1, 101)
            axes.plot(grid, np.interp(grid, wrong, right), color=colour, label=short(curve.label))
        axes.set_xlabel(
            f"share of '{short(found[0].scored.classes[0], 14)}' taken for '{short(found[0].scored.classes[1], 14)}'"
        )
        axes.set_ylabel(f"share of '{short(found[0].scored.classes[1], 14)}' found")
        axes.set_aspect("equal")
        legend(figure)
        return to_svg(figure, name, "ROC curves of " + ", ".join(curve.label for curve in found))


def calibration(found: Sequence[Curve], name: str) -> str:
    """Predicted probability against the share that came true, in bins of equally many predictions."""
    hints = Hints()
    with drawing(3.4) as (figure, (axes,)):
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (3, 3)))
        for curve, colour in _coloured(found):
            scored = curve.scored
            p = scored.scores[:, :, 1].ravel()  # (R * N,)
            truth = np.tile(scored.truth, len(scored.scores)) == 1  # (R * N,)
            bins = np.array_split(np.argsort(p, kind="stable"), min(BINS, max(2, len(scored.truth) // IN_A_BIN)))
            x, y = [float(p[b].mean()) for b in bins], [float(truth[b].mean()) for b in bins]
            (line,) = axes.plot(x, y, "-o", markersize=4, color=colour, label=short(curve.label))
            hints.add(line, f"{curve.label}: mean gap {np.mean(np.abs(np.subtract(x, y))):.3f}")
        axes.set_xlabel(f"predicted probability of '{short(found[0].scored.classes[1], 14)}'")
        axes.set_ylabel("share that is so")
        axes.set_aspect("equal")
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
        legend(figure)
        return to_svg(figure, name, "Calibration of " + ", ".join(curve.label for curve in found), hints)


def learning_curve(probes: pa.Table, metric: str, name: str) -> str | None:
    """The metric against training entities, a line a feature set; None where there is nothing to draw."""
    lines: dict[str, list[tuple[int, dict[str, Any]]]] = {}
    for row in probes.to_pylist():
        _, parted, size = row["protocol"].partition("@")
        if parted and row["metric"] == metric:
            lines.setdefault(label_of(row), []).append((int(size), row))
    if not lines:
        return None
    hints = Hints()
    with drawing(2.6 + 0.16 * len(lines)) as (figure, (axes,)):
        colours = iter(SERIES * len(lines))
        for label, found in sorted(lines.items()):
            found.sort(key=lambda pair: pair[0])
            sizes = [size for size, _ in found]
            low, value, high = ([row[key] for _, row in found] for key in ("ci_low", "value", "ci_high"))
            colour = next(colours) if found[0][1]["model"] else MUTED
            (line,) = axes.plot(sizes, value, "-o", color=colour, label=short(label), markersize=4)
            axes.fill_between(sizes, low, high, color=colour, alpha=0.12, linewidth=0)
            hints.add(line, ", ".join(f"{size}: {row['value']:.3f}" for size, row in found) + f" ({label})")
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.set_xlabel("labelled entities trained on")
        axes.set_ylabel(metric)
        legend(figure)
        return to_svg(figure, name, f"{metric} against training entities for {len(lines)} feature sets", hints)


def _coloured(found: Sequence[Curve]) -> Iterator[tuple[Curve, str]]:
    """The curves with their colours: baselines grey as in the comparison, models by turns."""
    models = iter(SERIES)
    for curve in found:
        yield curve, MUTED if curve.baseline else next(models)


def label_of(row: dict[str, Any]) -> str:
    """A feature set's name, and its probe where that is not the usual one."""
    return str(row["features"]) if row["probe"] == "logistic" else f"{row['features']} ({row['probe']})"


def _ranks(score: np.ndarray[Any, Any], folds: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """(N,) rank of each score inside its fold, 0..1: scores of different folds are of different models."""
    ranks = np.zeros(len(score))
    for fold in np.unique(folds):
        here = folds == fold
        ordered = np.sort(score[here])
        both = np.searchsorted(ordered, score[here], "left") + np.searchsorted(ordered, score[here], "right")
        ranks[here] = both / (2 * len(ordered))
    return ranks
