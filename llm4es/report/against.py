"""Two versions or stores side by side: values then and now.

In: rows of values and differences. Out: SVG. Decides nothing: every number is in the table.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .svg import MUTED, SERIES, Hints, above, drawing, to_svg

MOST_ROWS = 24
"""Feature sets drawn of a task; the table below has them all."""


@dataclass(frozen=True)
class Against:
    """What is shown beside what is here now."""

    named: str
    """A version, a time or a store, in words."""
    probes: Sequence[Mapping[str, Any]] = ()
    """task, features, metric, then, now, difference, low, high, n, words: a row a (task, feature set)."""
    counts: Sequence[Mapping[str, Any]] = ()
    """what, then, now, added, gone, changed."""
    sentences: Sequence[str] = ()
    """A task each: what it answered, and what it answers."""
    then: str = "then"
    """What values of the other side are called: another store need not be older."""
    now: str = "now"
    """What those of this one are called."""

    def pictures(self) -> list[tuple[str, str]]:
        """A drawing a task that was probed both times, with its title."""
        tasks = dict.fromkeys(row["task"] for row in self.probes)
        both = [(task, [row for row in self.probes if row["task"] == task and _both(row)]) for task in tasks]
        return [
            (task, _drawn(rows[:MOST_ROWS], f"against-{n}", (self.then, self.now)))
            for n, (task, rows) in enumerate(both)
            if rows
        ]


def _both(row: Mapping[str, Any]) -> bool:
    return row["then"] is not None and row["now"] is not None


def _drawn(rows: Sequence[Mapping[str, Any]], name: str, sides: tuple[str, str]) -> str:
    """Each feature set's value then (hollow) and now (filled)."""
    then, now = sides
    hints = Hints()
    with drawing(0.9 + 0.4 * len(rows)) as (figure, (axes,)):
        for y, row in enumerate(rows):
            axes.plot([row["then"], row["now"]], [y, y], color=MUTED, linewidth=1)
            axes.plot(row["then"], y, "o", color=MUTED, markerfacecolor="none", markersize=7)
            (dot,) = axes.plot(row["now"], y, "o", color=SERIES[0], markersize=5)
            hints.add(dot, f"{row['features']}: {row['then']:.3f} {then}, {row['now']:.3f} {now}, {row['words']}")
            above(axes, row["features"], y)
        axes.set_ylim(len(rows) - 0.4, -0.8)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.grid(axis="y", visible=False)
        axes.set_xlabel(f"{rows[0]['metric']}: hollow {then}, filled {now}")
        return to_svg(figure, name, f"{rows[0]['metric']} {then} and {now} of {len(rows)} feature sets", hints)
