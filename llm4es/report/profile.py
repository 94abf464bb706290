"""Pictures of the data, of fine-tuning and of enrichment.

In: tables of users, cuts, models, fidelity. Out: SVG.
"""

import numpy as np
import pyarrow as pa
from matplotlib.ticker import MaxNLocator, NullLocator
from numpy.typing import NDArray

from .svg import ACROSS, MOST_LINES, MUTED, PAPER, SERIES, Hints, above, drawing, in_legend, legend, short, to_svg


def histogram(values: pa.ChunkedArray, unit: str, name: str) -> str:
    """How many entities have how much, on a logarithmic axis where it is long; the median as a line."""
    numbers = np.maximum(np.asarray(values.to_pylist(), dtype=float), 1)  # (N,)
    hints = Hints()
    with drawing(2.1) as (figure, (axes,)):
        first, last = int(np.rint(numbers.min())), int(np.rint(numbers.max()))
        long = last > LONG * first and last - first > BARS
        firsts = bars(first, last, log=long)  # whole numbers: no bar is of a part of an event
        heights, _ = np.histogram(np.rint(numbers), firsts)
        for low, after, height in zip(firsts[:-1], firsts[1:], heights, strict=True):
            (bar,) = axes.bar(low - 0.5, height, after - low, align="edge", color=SERIES[0], linewidth=0)
            span = f"{low:,}" if after - low == 1 else f"{low:,} to {after - 1:,}"
            hints.add(bar, f"{height} entities with {span} {unit}")
        median = float(np.median(numbers))
        axes.axvline(median, color=MUTED, linewidth=1, linestyle=(0, (3, 3)))
        axes.set_title(f"median {median:,.0f}, longest {numbers.max():,.0f}")
        beside = 2.5 if len(firsts) < 5 else 0.5  # a bar or two do not fill the drawing
        axes.set_xlim(firsts[0] - beside, firsts[-1] - 1 + beside)
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.yaxis.set_major_formatter("{x:,.0f}")
        axes.yaxis.set_major_locator(MaxNLocator(4, integer=True, steps=[1, 2, 5, 10]))
        axes.xaxis.set_major_locator(MaxNLocator(7, integer=True, steps=[1, 2, 5, 10]))
        if long:
            axes.set_xscale("log")
            ticks = round_numbers(firsts[0], firsts[-1])
            axes.set_xticks(ticks, [f"{tick:,.4g}" if tick < 10_000 else f"{tick:,.0f}" for tick in ticks])
            axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xlabel(unit)
        axes.set_ylabel("entities")
        return to_svg(figure, name, f"Histogram of {unit} for {len(numbers)} entities", hints)


LONG = 10
"""Where the largest is more than so many times the smallest, and not each has its bar, the axis is logarithmic."""

BARS = 24


def bars(first: int, last: int, *, log: bool) -> NDArray[np.int64]:
    """Where each of at most so many bars begins, and where the one after the last would: all whole numbers."""
    if log:
        return np.unique(np.rint(np.geomspace(first, last + 1, BARS + 1)).astype(np.int64))
    width = -(-(last + 1 - first) // BARS)
    return np.arange(first, last + width + 1, width)


MOST_TICKS = 10


def round_numbers(low: float, high: float) -> list[float]:
    """Ticks of a logarithmic axis: 1, 2, 5, 10, ..., tens alone where it is long, even steps where it is short."""
    tens = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    powers = [10.0**ten for ten in tens if low <= 10.0**ten <= high]
    ticks = [step * 10.0**ten for ten in tens for step in (1, 2, 5) if low <= step * 10.0**ten <= high]
    if len(ticks) > MOST_TICKS:
        return powers[:: -(-len(powers) // MOST_TICKS)]
    if len(ticks) >= 3:
        return ticks
    return [float(tick) for tick in MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(low, high) if low <= tick <= high]


def loss_curves(models: pa.Table, name: str) -> str | None:
    """Training loss and held-out loss against steps, of every tuned model; None where there is none."""
    curves = [row for row in models.to_pylist() if row["loss_curve"]][-MOST_LINES:]
    if not curves:
        return None
    hints = Hints()
    with drawing(2.6 + 0.16 * len(curves)) as (figure, (axes,)):
        for i, row in enumerate(curves):
            colour = SERIES[i % len(SERIES)]
            for key, style in (("loss", "-"), ("held_out", "--o")):
                points = [(point["step"], point[key]) for point in row["loss_curve"] if point[key] is not None]
                if points:
                    steps, losses = zip(*points, strict=True)
                    label = row["model"] if key == "loss" else f"{row['model']}, held out"
                    (line,) = axes.plot(
                        steps, losses, style, color=colour, linewidth=1.2, markersize=4, label=in_legend(label)
                    )
                    hints.add(line, f"{label}: {losses[0]:.3f} to {losses[-1]:.3f} in {steps[-1]} steps")
        axes.set_xlabel("step")
        axes.set_ylabel("loss, nats a token")
        legend(figure)
        return to_svg(figure, name, f"Loss curves of {len(curves)} tuned models", hints)


def fidelity_bars(fidelity: pa.Table, name: str) -> str | None:
    """Per enrichment the share of texts by how much of their events they kept; None where nothing was measured."""
    variants: dict[str, list[float]] = {}
    by_rule: dict[str, list[int]] = {}
    for row in fidelity.to_pylist():
        if row["fidelity"] is not None:
            variants.setdefault(row["variant"], []).append(row["fidelity"])
            counts = by_rule.setdefault(row["variant"], [0, 0])
            counts[0] += row.get("n_events_by_rule") or 0
            counts[1] += row.get("n_events") or 0
    if not variants:
        return None
    classes = (("all events kept", 1.0, SERIES[2]), ("90 % or more", 0.9, SERIES[0]), ("half or more", 0.5, SERIES[1]),
               ("less than half", -1.0, SERIES[3]))  # fmt: skip
    hints = Hints()
    with drawing(1.1 + 0.4 * len(variants)) as (figure, (axes,)):
        for y, (variant, values) in enumerate(sorted(variants.items())):
            left, most = 0.0, np.inf
            for label, least, colour in classes:
                share = float(np.mean([least <= value < most for value in values]))
                most = least
                (bar,) = axes.barh(
                    y, share, left=left, height=0.5, color=colour, edgecolor=PAPER, label=label if y == 0 else None
                )
                hints.add(bar, f"{variant}: {share:.0%} of {len(values)} texts, {label}")
                left += share
            of_rule, events = by_rule[variant]
            of_rules = f": {of_rule / events:.0%} of its events are a rule's" if of_rule else ""
            above(axes, short(variant, ACROSS - len(of_rules)) + of_rules, y - 0.1)
        axes.set_ylim(len(variants) - 0.5, -0.9)
        axes.set_xlim(0, 1)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        axes.set_yticks([])
        axes.grid(visible=False)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("share of the texts")
        legend(figure)
        return to_svg(figure, name, f"Fidelity of {len(variants)} enrichments", hints)
