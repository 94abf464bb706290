"""The comparison as a picture: every feature set beside the others.

In: rows of ``compare``. Out: SVG. Decides nothing: every number is in the table.
"""

from collections.abc import Sequence
from textwrap import fill
from typing import Any

from matplotlib.axes import Axes

from .svg import ACROSS, PAGE, Hints, Palette, above, drawing, short, to_svg

MOST_ROWS = 24
"""Feature sets drawn in a comparison; the table below it has them all."""


def forest(rows: Sequence[dict[str, Any]], name: str) -> str:
    """Each feature set's metric and its interval, best first; baselines hollow, the reference's value as a line."""
    shown = drawn_rows(rows)
    with drawing(0.9 + 0.45 * len(shown)) as (figure, (axes,)):
        hints = forest_on(axes, rows)
        return to_svg(figure, name, f"Comparison of {len(shown)} feature sets by {shown[0]['metric']}", hints)


def drawn_rows(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The best, and the reference."""
    reference = _reference(rows)
    best = list(rows[:MOST_ROWS])
    return best if reference is None or reference in best else [*best[:-1], reference]


def _reference(rows: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    return next((row for row in rows if row["difference"] is None), None)


def forest_on(axes: Axes, rows: Sequence[dict[str, Any]], colours: Palette = PAGE) -> Hints:
    """Draw it on axes."""
    shown, reference, hints = drawn_rows(rows), _reference(rows), Hints()
    for y, row in enumerate(shown):
        colour = colours.series[0] if row["model"] else colours.muted
        (bar,) = axes.plot([row["ci_low"], row["ci_high"]], [y, y], color=colour, linewidth=2, solid_capstyle="butt")
        (dot,) = axes.plot(row["value"], y, "o", color=colour, markerfacecolor=colour if row["model"] else "none")
        said = f"{label_of(row)}: {row['metric']} {row['value']:.3f} ({row['ci_low']:.3f} to {row['ci_high']:.3f})"
        for artist in (bar, dot, above(axes, label_of(row), y, colours.ink)):
            hints.add(artist, f"{said}. {row['words']}")
    if reference is not None:
        axes.axvline(reference["value"], color=colours.muted, linewidth=1, linestyle=(0, (3, 3)))
    axes.set_ylim(len(shown) - 0.4, -0.8)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.grid(axis="y", visible=False)
    caption = f"{shown[0]['metric']} with 95 % interval; dashed: {short(shown[0]['reference'])}"
    axes.set_xlabel(fill(caption, ACROSS), parse_math=False, loc="left")
    return hints


def label_of(row: dict[str, Any]) -> str:
    """A feature set's name, and its probe where that is not the usual one."""
    return str(row["features"]) if row["probe"] == "logistic" else f"{row['features']} ({row['probe']})"
