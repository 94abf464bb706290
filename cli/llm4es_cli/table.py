"""Rows as a table: on a terminal as wide as that, and counted; in a pipe whole.

In: names, rows of values. Out: stdout. Knows no command. How a table is laid out is ``llm4es.project.text_table``'s.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from llm4es.core.printable import printable
from llm4es.project.cells import cell, shown
from llm4es.project.text_table import LEAST, Overflow, TextColumn, text_table

from .paging import ellipsis, paged, width_of_terminal

MARKS = ("source_hash", "text_hash", "event_hash", "fingerprint", "base_fingerprint", "config_id", "run_id")
"""Columns that the store keeps for itself: where a table is too wide they are left out before others."""

_NAMES = {"id", "entity", "neighbour", "model", "dataset", "recipe", "task", "file", "variant"}
"""Columns whose texts people copy, beside those whose name ends in ``_id``: never cut."""


_TELLING = {"features", "metric", "value", "score", "cosine", "label"}
"""Columns that a row is about: they go after all others."""


@dataclass(frozen=True)
class Look:
    """How a table is shown on a terminal."""

    wide: bool = False
    """Every column and every text, however wide."""
    wrapped: bool = False
    """Sentences, which go on in the next line; else long texts are cut."""
    spare: Sequence[str] = MARKS
    """Columns left out first where it is too wide, in this order; then those of the middle."""


NARROW = Look()
"""As wide as the terminal."""


def print_table(names: Sequence[str], rows: Sequence[Sequence[Any]], look: Look) -> None:
    """Print a table, and on a terminal how many rows it has."""
    terminal = width_of_terminal()
    width = None if look.wide else terminal
    columns = [_column(place, names, [row[place] for row in rows], look, width) for place in range(len(names))]
    table = text_table(columns, width, ellipsis())
    with paged() as console:
        table.print(console)
        if terminal is not None:
            console.out(table.count, style="dim", highlight=False)


def _column(place: int, names: Sequence[str], values: Sequence[Any], look: Look, width: int | None) -> TextColumn:
    name, there = names[place], [value for value in values if value is not None]
    right = bool(there) and all(isinstance(v, int | float | Decimal) and not isinstance(v, bool) for v in there)
    is_name = name in _NAMES or name in MARKS or name.endswith("_id")
    is_text = not is_name and any(isinstance(value, str | dict) for value in there)
    overflow = (Overflow.WRAPPED if look.wrapped else Overflow.CUT) if is_text else Overflow.WHOLE
    cells = [_one_line(value, width, is_text=is_text and not look.wrapped) for value in values]
    column = TextColumn(_one_line(name, None), cells, right, overflow)
    is_vector = any(isinstance(value, list) and value and isinstance(value[0], float) for value in there)
    asked_for = is_name or is_vector or (is_text and column.width > LEAST)
    worth = 4 if name in _TELLING else 2 if asked_for else 1 if any(value not in ([], "") for value in there) else 0
    return replace(column, spare=_spare(place, names, look.spare) - worth if place else 0)


def _spare(place: int, names: Sequence[str], spare: Sequence[str]) -> float:
    """What goes first: what is named; then the middle, which is two thirds of the way: tables have keys at the left."""
    if names[place] in spare:
        return 6 + len(spare) - spare.index(names[place])
    ends = [nth for nth, name in enumerate(names) if name not in spare]
    last = ends[-1]
    middle = last * 2 / 3
    distance = (middle - place) / middle if place < middle else (place - middle) / (last - middle)
    return 4 - distance


def _one_line(value: Any, width: int | None, *, is_text: bool = False) -> str:
    """A value in one line; a terminal of ``width`` shows the ends of a vector, and of a text no more than fits."""
    if value is None or isinstance(value, float) or (isinstance(value, list) and width is not None):
        text = shown(value).replace("…", ellipsis())
    elif isinstance(value, str):
        text = value[: 4 * width] if is_text and width is not None else value
    else:
        text = value.isoformat(" ", "seconds") if isinstance(value, datetime) and width is not None else cell(value)
    return printable(text).replace("\n", "\\n").replace("\t", "\\t")
