"""The map's drawing: one mark a user, coloured by a class or on a scale.

In: points, ids, labels. Out: SVG whose marks carry the users' numbers. Decides nothing.

Letters: N entities.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from numpy.typing import NDArray

from .svg import PAGE, SHAPES, Palette, drawing, in_legend, legend, short, to_svg

STEPS = 16
"""Colours of a scale: one more is not told apart."""

COLOURS = ListedColormap(colormaps["viridis"](np.linspace(0.2, 0.95, STEPS)))
"""Without the darkest, which a dark page swallows."""

TAILS = (0.02, 0.98)
"""Quantiles that the scale's ends stand for, so that one large number does not make all others alike."""


def classes(points: NDArray[np.float64], ids: Sequence[str], label: Mapping[str, str], name: str, task: str) -> str:
    """One mark a user, a colour a class; the marks carry the users' numbers in the order of ``ids``."""
    with drawing(4.2) as (figure, (axes,)):
        members = classes_on(axes, points, ids, label)
        figure.set_figheight(4.2 + 0.16 * (legend(figure) - 1))  # its lines take nothing from the map
        svg = to_svg(figure, name, f"Map of {len(ids)} users" + (f" coloured by {task}" if task else ""))
    return _with_users(svg, name, members)


def classes_on(
    axes: Axes, points: NDArray[np.float64], ids: Sequence[str], label: Mapping[str, str], colours: Palette = PAGE
) -> list[list[int]]:
    """Draw it on axes; the users of each class."""
    series = colours.series
    known = sorted(set(label.values()))[: len(series)]
    groups = [(c, [i for i, e in enumerate(ids) if label.get(e) == c], series[n]) for n, c in enumerate(known)]
    rest = [i for i, e in enumerate(ids) if label.get(e) not in known]
    groups += [("no label" if len(known) < len(series) else "other", rest, colours.muted)] if rest else []
    for n in sorted(range(len(groups)), key=lambda n: -len(groups[n][1])):  # small classes on top
        _, members, colour = groups[n]
        _marks(axes, points, members, n, color=colour)
    for n, (text, _, colour) in enumerate(groups):
        axes.plot([], [], SHAPES[n % 8], color=colour, label=in_legend(text))
    _frame(axes, points)
    return [members for _, members, _ in groups]


def scale(points: NDArray[np.float64], ids: Sequence[str], label: Mapping[str, str], name: str, task: str) -> str:
    """One mark a user, its colour from low to high; a bar says which number has which."""
    with drawing(4.2) as (figure, (axes,)):
        members, (low, high) = scale_on(axes, points, ids, label, task)
        svg = to_svg(figure, name, f"Map of {len(ids)} users coloured by {task}, from {low:.4g} to {high:.4g}")
    return _with_users(svg, name, members)


def scale_on(
    axes: Axes,
    points: NDArray[np.float64],
    ids: Sequence[str],
    label: Mapping[str, str],
    task: str,
    colours: Palette = PAGE,
) -> tuple[list[list[int]], tuple[float, float]]:
    """Draw it on axes; the users with a number and those without, and the scale's ends."""
    number = np.array([float(label.get(entity, "nan")) for entity in ids])  # (N,)
    known, rest = (np.flatnonzero(side).tolist() for side in (~np.isnan(number), np.isnan(number)))
    low, high = np.quantile(number[known], TAILS) if known else (0.0, 1.0)
    high = high if high > low else low + 1
    _marks(axes, points, rest, 1, color=colours.muted)
    marks = axes.scatter(
        points[known, 0], points[known, 1], s=20, c=number[known], vmin=low, vmax=high, cmap=COLOURS,
        edgecolors=colours.muted, linewidths=0.5,
    )  # fmt: skip  # an edge: the scale's ends are near the light page's paper, or the dark one's
    marks.set_gid("group0")
    _frame(axes, points)
    outside = (bool((number[known] < low).any()), bool((number[known] > high).any()))
    ends = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}[outside]
    axes.figure.colorbar(marks, ax=axes, location="top", label=short(task, 40), aspect=40, extend=ends)
    return [known, rest], (low, high)


def _marks(axes: Axes, points: NDArray[np.float64], members: Sequence[int], group: int, *, color: str) -> None:
    marks = axes.scatter(
        points[members, 0], points[members, 1], s=16, marker=SHAPES[group % 8], color=color, alpha=0.75, linewidths=0
    )
    marks.set_gid(f"group{group}")


def _frame(axes: Axes, points: NDArray[np.float64]) -> None:
    """Every mark inside, and no axis that would say what a direction means."""
    low, high = points.min(axis=0), points.max(axis=0)
    axes.set_xlim(low[0] - 0.03 * (high[0] - low[0]) - 1e-9, high[0] + 0.03 * (high[0] - low[0]) + 1e-9)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(visible=False)


def _with_users(svg: str, name: str, groups: Sequence[Sequence[int]]) -> str:
    """``svg`` with the marks of each group bearing the numbers of their users."""
    for n, members in enumerate(groups):
        if members:
            svg = _numbered(svg, f'<g id="{name}-group{n}">', members)
    return svg


def _numbered(svg: str, opening: str, numbers: Sequence[int]) -> str:
    """``svg`` with the marks of one group bearing the numbers of their users."""
    start = svg.index(opening)
    parts = svg[start:].split("<use ", len(numbers))
    marked = parts[0] + "".join(f'<use data-user="{n}" {part}' for n, part in zip(numbers, parts[1:], strict=True))
    return svg[:start] + marked
