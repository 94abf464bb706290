"""A matplotlib figure as inline SVG that follows the page's theme.

In: a figure whose colours come from here. Out: an ``<svg>`` element. matplotlib writes fixed colours; those of this
module are stand-ins that become CSS variables, so one drawing serves the light and the dark page. Text stays text:
selectable, small, read by screen readers. Knows no data.
"""

import io
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Annotation

from ..core.printable import printable_line
from .letters import letters

INK = "#010101"
MUTED = "#010102"
GRID = "#010103"
PAPER = "#010104"
SERIES = tuple(f"#01020{i}" for i in range(8))
"""Stand-ins for the page's colours."""


@dataclass(frozen=True)
class Palette:
    """The colours of a drawing."""

    ink: str
    muted: str
    series: Sequence[str]


PAGE = Palette(INK, MUTED, SERIES)
NOTEBOOK = Palette(
    "#1b1f24", "#59626d", ("#1f6fd1", "#c7570a", "#1a8a5a", "#b3285a", "#7a4fd0", "#8a6d00", "#007f8c", "#6b6f76")
)
"""The light page's own: a notebook has no style sheet."""

SHAPES = ("o", "s", "^", "D", "v", "P", "X", "*")
DASHES = ("-", "-.", (0, (5, 1)), (0, (1, 1)), (0, (3, 1, 1, 1)), "--", ":", (0, (8, 2)))
"""What tells marks and lines apart besides their colour."""

MOST_LINES = 8
"""Lines of a drawing: of more, the first."""

_VARIABLES = {INK: "--ink", MUTED: "--muted", GRID: "--grid", PAPER: "--paper"} | {
    colour: f"--c{i}" for i, colour in enumerate(SERIES)
}

STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "text.parse_math": False,  # a title with two dollar signs is a title
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GRID,
    "axes.labelcolor": MUTED,
    "axes.titlesize": 9,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "text.color": INK,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "axes.grid": True,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
}

WIDTH = 4.2
"""Inches: on a telephone the drawing shrinks little, and its text can still be read."""


@contextmanager
def drawing(height: float, columns: int = 1) -> Iterator[tuple[Figure, Sequence[Axes]]]:
    """A figure of ``columns`` axes in the page's style."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        axes = figure.subplots(1, columns, squeeze=False)[0]
        yield figure, list(axes)


ACROSS = 54
"""Letters that fit into a drawing from edge to edge."""


def short(text: str, most: int = 28) -> str:
    """``text`` as it fits into a drawing, in ``most`` usual letters: its beginning and its end, where k stands."""
    text = printable_line(text)
    if letters(text) <= most:
        return text
    cuts = (f"{text[:half]}…{text[-half:]}" for half in range((most - 1) // 2, 1, -1))
    return next((cut for cut in cuts if letters(cut) <= most), f"{text[0]}…{text[-1]}")


def above(axes: Axes, text: str, y: float, colour: str = INK) -> Annotation:
    """Write ``text`` above what is drawn at ``y``, from the left edge; a long one takes nothing from the drawing."""
    written = axes.annotate(
        short(text, ACROSS),
        (0, y),
        (0, 7),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        color=colour,
        parse_math=False,
    )
    written.set_in_layout(False)
    return written


def in_legend(text: str, most: int = 44) -> str:
    """The same as a legend names it, which leaves out a name that begins with ``_``: something unseen stands before."""
    text = short(text, most)
    return f"\u200b{text}" if text.startswith("_") else text


def legend(figure: Figure) -> int:
    """The legend above the drawing, as many names a line as fit; how many lines it has."""
    names = [name for axes in figure.axes for name in axes.get_legend_handles_labels()[1]]
    figure.legend(loc="outside upper left", columnspacing=1.2, ncols=in_a_line(names))
    return -(-len(names) // in_a_line(names))


def in_a_line(names: Sequence[str]) -> int:
    """How many of a legend's names fit into a line of it, four at most."""
    return max(1, min(4, int(58 // (max(map(letters, names), default=0) + MARK))))


MARK = 7
"""Letters that a legend's mark and the space before the next one take."""


class Hints:
    """Texts that appear over parts of a drawing."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def add(self, artist: Artist, text: str) -> None:
        """Show ``text`` over ``artist``."""
        name = f"hint{len(self.texts)}"
        artist.set_gid(name)
        self.texts[name] = printable_line(text)


def to_svg(figure: Figure, name: str, label: str, hints: Hints | None = None) -> str:
    """The ``<svg>`` element. ``name`` keeps its ids apart from other drawings'; ``label`` says what it shows.

    Those who do not see it are told the hints, or what its axes are.
    """
    buffer = io.StringIO()
    with mpl.rc_context({**STYLE, "svg.hashsalt": name}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from")  # text stays text: the browser's font has it
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<(metadata|style)\b.*?</\1>", "", text, flags=re.DOTALL)  # the page has the style once
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'(url\(#|href="#)', rf"\1{name}-", text)
    for stand_in, variable in _VARIABLES.items():
        text = text.replace(stand_in, f"var({variable})")
    for hint, words in (hints.texts if hints else {}).items():
        text = text.replace(f'<g id="{name}-{hint}">', f'<g id="{name}-{hint}" data-tip={quoteattr(words)}>')
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1)
    label, said = printable_line(label), _described(figure, hints)
    opened = f'<svg role="img" aria-labelledby="{name}-title {name}-desc" '
    told = f'><title id="{name}-title">{escape(label)}</title><desc id="{name}-desc">{escape(said)}</desc>'
    return opened + text[len("<svg ") :].replace(">", told, 1)


TOLD = 12
"""Hints that stand for a drawing: the tables have all."""


def _described(figure: Figure, hints: Hints | None) -> str:
    """A drawing in words."""
    if hints is not None and hints.texts:
        texts = list(dict.fromkeys(hints.texts.values()))
        return "; ".join(texts[:TOLD]) + (f"; and {len(texts) - TOLD} more" if len(texts) > TOLD else "")
    axes = figure.axes[0]
    return printable_line(f"{axes.get_ylabel()} against {axes.get_xlabel()}") if axes.get_xlabel() else "A mark a user"
