"""A table as lines of text that fit a terminal: what is too wide is cut, folded or left out, and counted.

In: columns of text, a width. Out: lines. Knows no terminal and no data. Rich measures the text; its own table takes 38
times as long, and leaves out in silence what does not fit.
"""

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from itertools import zip_longest

from rich.cells import cell_len, set_cell_size
from rich.console import Console

GAP = 2
"""Spaces between columns."""

LEAST = 20
"""Characters that a long text keeps before columns are left out for it."""

_NARROW = 8
"""Characters that it keeps where nothing is left to leave out."""


class Overflow(Enum):
    """What becomes of a text that is wider than its column."""

    WHOLE = "whole"  # it is never wider: a number, an id
    CUT = "cut"  # its beginning stands there, and an ellipsis
    WRAPPED = "wrapped"  # it goes on in the next line, parted between words


@dataclass(frozen=True, eq=False)
class TextColumn:
    """One column."""

    title: str
    cells: Sequence[str]
    """Lines of printable text, one a row."""
    right: bool = False
    """Numbers stand at the right."""
    overflow: Overflow = Overflow.WHOLE
    spare: float = 0
    """The highest is left out first where the table is too wide; 0 never."""

    @cached_property
    def width(self) -> int:
        """Columns of a terminal that the widest cell takes."""
        return max(map(cell_len, (self.title, *self.cells)))

    @cached_property
    def least(self) -> int:
        """The same, where others need room: no word is broken."""
        if self.overflow is Overflow.WRAPPED:
            return max(len(word) for cell in (self.title, *self.cells) for word in cell.split() or [""])
        return self.width if self.overflow is Overflow.WHOLE else min(self.width, LEAST)


@dataclass(frozen=True)
class TextTable:
    """A table that fits."""

    header: str
    lines: list[str]
    n_rows: int
    n_hidden: int
    """Columns left out."""
    is_cut: bool
    """Whether a text was cut."""

    @property
    def count(self) -> str:
        """How many rows there are, and what of them is not to be seen."""
        lost = ["long texts cut"] * self.is_cut
        lost += [f"{self.n_hidden} column{'s' * (self.n_hidden > 1)} hidden"] * (self.n_hidden > 0)
        rows = f"{self.n_rows:,} row{'s' * (self.n_rows != 1)}"
        return f"{rows}; {', '.join(lost)}: --wide" if lost else rows

    def print(self, console: Console) -> None:
        """Header and rows: no more than that, as other programs read it."""
        console.out(self.header, style="bold", highlight=False)
        if self.lines:
            console.out("\n".join(self.lines), highlight=False)


def folded(line: str, width: int | None) -> list[str]:
    """A sentence as lines that are parted between words; None: as it is."""
    return [line] if width is None else textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False)


def text_table(columns: Sequence[TextColumn], width: int | None, ellipsis: str = "…") -> TextTable:
    """Lay columns out beside each other.

    Parameters
    ----------
    columns : sequence of TextColumn
        From left to right.
    width : int or None
        Columns of the terminal; None: whatever it takes, and nothing is cut, wrapped or left out.
    ellipsis : str, default '…'
        What stands where a text was cut.

    Returns
    -------
    TextTable
        Lines of at most ``width``, where the first column and what may not be left out fit in that.

    Examples
    --------
    >>> ids, texts = ["c1", "c2"], ["one two three four five six", "one"]
    >>> numbers = TextColumn("n", ["6", "1"], right=True)
    >>> table = text_table([TextColumn("id", ids), TextColumn("text", texts, overflow=Overflow.CUT), numbers], 30)
    >>> print("\\n".join([table.header, *table.lines, table.count]))
    id  text                     n
    c1  one two three four fiv…  6
    c2  one                      1
    2 rows; long texts cut: --wide
    """
    kept = list(columns) if width is None else _fitting(columns, width)
    widths = [column.width for column in kept] if width is None else _shared(kept, width)
    parted = [_parts(column, room, ellipsis) for column, room in zip(kept, widths, strict=True)]
    lines = [
        _line(cells, kept, widths) for row in zip(*parted, strict=True) for cells in zip_longest(*row, fillvalue="")
    ]
    header = _line([_cut(c.title, room, ellipsis) for c, room in zip(kept, widths, strict=True)], kept, widths)
    is_cut = any(c.overflow is Overflow.CUT and c.width > room for c, room in zip(kept, widths, strict=True))
    n_rows = len(columns[0].cells) if columns else 0
    return TextTable(header, lines, n_rows, len(columns) - len(kept), is_cut)


def _fitting(columns: Sequence[TextColumn], width: int) -> list[TextColumn]:
    """The columns that fit, those that are least to be spared before others."""
    rest = sorted((column for column in columns if column.spare), key=lambda column: column.spare)
    chosen = [column for column in columns if not column.spare]
    for column in rest:
        if _total([c.least for c in (*chosen, column)]) <= width:
            chosen.append(column)
    return [column for column in columns if column in chosen]


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + GAP * (len(widths) - 1)


def _shared(columns: Sequence[TextColumn], width: int) -> list[int]:
    """Every column's width: what it needs at least, and an equal part of what is left."""
    widths = [column.least for column in columns]
    left = width - _total(widths)
    long = sorted(
        (p for p, column in enumerate(columns) if column.overflow is not Overflow.WHOLE), key=lambda p: columns[p].width
    )
    for nth, place in enumerate(long):
        more = min(columns[place].width - widths[place], left // (len(long) - nth))
        more = max(more, min(0, _NARROW - widths[place]))  # less than it needs, where nothing is left to leave out
        widths[place] += more
        left -= more
    return widths


def _parts(column: TextColumn, width: int, ellipsis: str) -> list[list[str]]:
    """Each cell's lines."""
    if column.overflow is Overflow.WRAPPED and column.width > width:
        return [_wrapped(cell, width) or [""] for cell in column.cells]
    return [[_cut(cell, width, ellipsis)] for cell in column.cells]


def _wrapped(cell: str, width: int) -> list[str]:
    """Lines that are parted between words; a name that is wider goes on behind a hyphen or another sign in it."""
    words = [word if len(word) <= width else " ".join(_pieces(word, width)) for word in cell.split(" ")]
    return textwrap.wrap(" ".join(words), width, break_on_hyphens=False)


def _pieces(word: str, width: int) -> list[str]:
    """As few pieces as fit; two of them never fit in one line."""
    pieces = [""]
    for part in re.findall(r"[^-_/@+.,]*[-_/@+.,]|[^-_/@+.,]+", word):
        pieces[-1:] = [pieces[-1] + part] if len(pieces[-1] + part) <= width or not pieces[-1] else [pieces[-1], part]
    return pieces


def _cut(text: str, width: int, ellipsis: str) -> str:
    return text if cell_len(text) <= width else set_cell_size(text, width - len(ellipsis)) + ellipsis


def _line(cells: Sequence[str], columns: Sequence[TextColumn], widths: Sequence[int]) -> str:
    padded = [
        f"{' ' * (width - cell_len(cell))}{cell}" if column.right else f"{cell}{' ' * (width - cell_len(cell))}"
        for cell, column, width in zip(cells, columns, widths, strict=True)
    ]
    return (" " * GAP).join(padded).rstrip()
