"""A metric against something that grows: layers averaged, single layers, training entities.

In: rows of ``compare`` and ``probes``. Out: SVG; None where there is nothing to draw. Decides nothing.
"""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from .forest import label_of
from .svg import MOST_LINES, MUTED, PAGE, SERIES, SHAPES, Hints, Palette, drawing, in_legend, legend, to_svg


def by_k(rows: Sequence[dict[str, Any]], name: str) -> str | None:
    """The metric against the number of layers averaged, a line a model; None where no model has two."""
    return _by_depth(_of_k(rows), name, "k", "k: last layers averaged", log=True)


def by_k_on(axes: Axes, rows: Sequence[dict[str, Any]], colours: Palette = PAGE) -> bool:
    """Draw it on axes; whether there is anything to draw."""
    lines = _lines(_of_k(rows))
    if lines:
        _depth_on(axes, lines, "k", "k: last layers averaged", log=True, colours=colours)
    return bool(lines)


def _of_k(rows: Sequence[dict[str, Any]]) -> list[tuple[int, dict[str, Any]]]:
    return [(int(row["k"]), row) for row in rows if row["k"] is not None and _alone(row)]


def by_layer(rows: Sequence[dict[str, Any]], name: str) -> str | None:
    """The metric of single layers, a line a model; None where no model has two."""
    named = [(re.search(r"@layer(\d+)", row["features"]), row) for row in rows if row["model"] and _alone(row)]
    return _by_depth(
        [(int(layer[1]), row) for layer, row in named if layer], name, "layer", "layer, the first to the last"
    )


def _alone(row: dict[str, Any]) -> bool:
    """Vectors of one model, nothing joined to them. The model's own name may bear a '+'."""
    return bool(row["model"]) and "+" not in row["features"].removeprefix(row["model"])


Lines = dict[str, list[tuple[int, dict[str, Any]]]]
"""A model -> depth and row, rising."""


def _lines(rows: Sequence[tuple[int, dict[str, Any]]]) -> Lines:
    """The lines of models that have two points or more."""
    lines: Lines = {}
    for at, row in rows:
        lines.setdefault(re.sub(r"@(layer)?\d+", "", label_of(row), count=1), []).append((at, row))
    several = {key: sorted(points, key=lambda pair: pair[0]) for key, points in lines.items() if len(points) > 1}
    return dict(list(several.items())[:MOST_LINES])


def _by_depth(
    rows: Sequence[tuple[int, dict[str, Any]]], name: str, depth: str, axis: str, *, log: bool = False
) -> str | None:
    lines = _lines(rows)
    if not lines:
        return None
    with drawing(2.6 + 0.16 * len(lines)) as (figure, (axes,)):
        hints = _depth_on(axes, lines, depth, axis, log=log)
        legend(figure)
        return to_svg(figure, name, f"{rows[0][1]['metric']} against {depth} for {len(lines)} models", hints)


def _depth_on(axes: Axes, lines: Lines, depth: str, axis: str, *, log: bool, colours: Palette = PAGE) -> Hints:
    hints = Hints()
    for i, (model, points) in enumerate(lines.items()):
        x = np.array([at for at, _ in points], dtype=float)
        value, low, high = (np.array([row[key] for _, row in points]) for key in ("value", "ci_low", "ci_high"))
        # side by side: intervals of several models would cover another
        aside = i - (len(lines) - 1) / 2
        x = x * 1.03**aside if log else x + 0.12 * aside
        colour = colours.series[i % len(colours.series)]
        axes.plot(x, value, "-", marker=SHAPES[i % 8], color=colour, label=in_legend(model), markersize=4)
        for place, (at, row) in enumerate(points):
            (bar,) = axes.plot([x[place]] * 2, [low[place], high[place]], color=colour, linewidth=1.2, alpha=0.6)
            value_text = f"{row['value']:.3f} ({row['ci_low']:.3f} to {row['ci_high']:.3f})"
            hints.add(bar, f"{model}, {depth} = {at}: {value_text}")
    ticks = sorted({at for points in lines.values() for at, _ in points})
    if log:
        axes.set_xscale("log", base=2)
        ticks = _apart(ticks, log=True)
        axes.set_xticks(ticks, [str(at) for at in ticks])
        axes.minorticks_off()
    else:
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    axes.set_xlabel(axis)
    axes.set_ylabel(next(iter(lines.values()))[0][1]["metric"])
    return hints


def _apart(ticks: Sequence[int], *, log: bool) -> list[int]:
    """Of rising numbers on an axis, those whose labels do not run into each other; the last one stays."""
    kept, least = [ticks[-1]], 0.09 * (ticks[-1] - ticks[0])
    for tick in reversed(ticks[:-1]):
        if tick * 1.35 <= kept[-1] if log else tick + least <= kept[-1]:
            kept.append(tick)
    return kept[::-1]


def learning_curve(probes: pa.Table, metric: str, name: str) -> str | None:
    """The metric against entities ``trained`` on, a line a feature set; None where there is nothing to draw."""
    lines: dict[str, list[tuple[int, dict[str, Any]]]] = {}
    for row in probes.to_pylist():
        if row["metric"] == metric:
            lines.setdefault(label_of(row), []).append((row["trained"], row))
    if not lines:
        return None
    hints = Hints()
    with drawing(2.6 + 0.16 * len(lines)) as (figure, (axes,)):
        colours = iter(SERIES * len(lines))
        for i, (label, points) in enumerate(sorted(lines.items())[:MOST_LINES]):
            points.sort(key=lambda pair: pair[0])
            sizes = [size for size, _ in points]
            low, value, high = ([row[key] for _, row in points] for key in ("ci_low", "value", "ci_high"))
            colour = next(colours) if points[0][1]["model"] else MUTED
            (line,) = axes.plot(
                sizes, value, "-", marker=SHAPES[i % 8], color=colour, label=in_legend(label), markersize=4
            )
            axes.fill_between(sizes, low, high, color=colour, alpha=0.12, linewidth=0)
            hints.add(line, ", ".join(f"{size}: {row['value']:.3f}" for size, row in points) + f" ({label})")
        axes.set_xticks(_apart(sorted({size for points in lines.values() for size, _ in points}), log=False))
        axes.set_xlabel("labelled entities trained on")
        axes.set_ylabel(metric)
        legend(figure)
        return to_svg(figure, name, f"{metric} against training entities for {len(lines)} feature sets", hints)
