"""A comparison as people read it: a title, short columns that fit the screen, and what has to be known once, below.

In: rows of ``llm4es.compare``, of one task. Out: text for a terminal, or Markdown. Decides nothing: every number is in
the rows, and machines read those.
"""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape as quoted
from typing import Any, Literal

from rich.console import Console
from rich.markup import escape
from rich.table import Table

Row = Mapping[str, Any]

GAP = 2
"""Spaces between columns."""

SIGNIFICANT = 0.05

_PLAIN = 200
"""Columns of a comparison as plain text."""


@dataclass(frozen=True)
class Column:
    """One column of the table."""

    title: str
    cell: Callable[[Row], str]
    drop_priority: int = 0
    """The highest goes first where the screen is narrow; 0 never does."""
    left: bool = False
    """Text, not a number."""


def shown(rows: Sequence[Row]) -> list[Column]:
    """The columns that have something to say about these rows, from left to right."""
    probes = {row["probe"] for row in rows}
    metric = rows[0]["metric"]
    columns = [
        Column("features", lambda row: row["features"], left=True),
        Column("probe", lambda row: row["probe"], left=True) if len(probes) > 1 else None,
        Column(metric, lambda row: number(row["value"])),
        Column("interval", lambda row: between(row["ci_low"], row["ci_high"], number)),
        Column("difference", lambda row: "" if row["difference"] is None else signed(row["difference"])),
        Column(
            "interval",
            lambda row: "" if row["difference"] is None else between(row["diff_low"], row["diff_high"], signed),
            drop_priority=1,
        ),
        Column("p", lambda row: "" if row["difference"] is None else p_value(row["p_adjusted"])),
        Column("verdict", verdict, left=True),
        Column("seen in tuning", lambda row: str(row["n_seen"] or "")) if any(row["n_seen"] for row in rows) else None,
        Column("dimensions", lambda row: count(row["dimensions"]), drop_priority=2),
        Column("tokens", lambda row: count(row["tokens"]), drop_priority=3),
        Column("seconds", lambda row: "" if row["seconds"] is None else f"{row['seconds']:,.0f}", drop_priority=4),
    ]
    return [column for column in columns if column is not None]


def verdict(row: Row) -> str:
    """One or two words: 'better', 'worse', 'within noise', 'reference'."""
    if row["difference"] is None:
        return "reference"
    return "within noise" if row["p_adjusted"] >= SIGNIFICANT else str(row["words"]).partition(" ")[0]


def title(rows: Sequence[Row]) -> str:
    """What is compared, and against what."""
    first, others = rows[0], len(rows) - 1
    against = f"; differences to {first['reference']} on the same entities" if others else ""
    corrected = f", p corrected for {others} comparisons" if others > 1 else ""
    return f"{first['task']}: {first['metric']} on {first['n']:,} entities, 95 % intervals{against}{corrected}"


def notes(rows: Sequence[Row]) -> list[str]:
    """What a reader has to know before believing the figures: each thing once."""
    found = []
    near = sorted(row["detectable"] for row in rows if verdict(row) == "within noise")
    if near:
        least, most = number(near[0]), number(near[-1])
        size = least if least == most else f"{least} to {most}, depending on the features"
        found.append(
            f"within noise: {rows[0]['n']:,} entities cannot tell the two apart; "
            f"the smallest difference that they would show is {size}"
        )
    seen = [row for row in rows if row["n_seen"]]
    if seen:
        names = f"{seen[0]['features']} comes" if len(seen) == 1 else f"{len(seen)} feature sets come"
        found.append(
            f"seen in tuning: {names} from a model fine-tuned on so many of the scored entities; "
            "--unseen-only leaves those out"
        )
    return found


def fitting(columns: Sequence[Column], rows: Sequence[Row], width: int) -> list[Column]:
    """The columns that fit beside each other, dropping what can be drop_priority, the names folded at last."""
    kept = list(columns)
    while _total(kept, rows) > width and any(column.drop_priority for column in kept):
        kept.remove(max(kept, key=lambda column: column.drop_priority))
    return kept


def _total(columns: Sequence[Column], rows: Sequence[Row]) -> int:
    """Characters of a row."""
    widths = [max(len(column.title), *(len(column.cell(row)) for row in rows)) for column in columns]
    return sum(widths) + GAP * (len(columns) - 1)


def print_text(rows: Sequence[Row], console: Console, *, wide: bool) -> None:
    """The table on a terminal; ``wide`` keeps every column however narrow it is."""
    columns = shown(rows) if wide else fitting(shown(rows), rows, console.width)
    if wide:
        console.width = max(console.width, _total(columns, rows))
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, GAP, 0, 0))
    for column in columns:
        justify: Literal["left", "right"] = "left" if column.left else "right"
        table.add_column(escape(column.title), justify=justify, overflow="fold", no_wrap=column is not columns[0])
    for row in rows:
        table.add_row(*(escape(column.cell(row)) for column in columns))
    console.print(escape(title(rows)), soft_wrap=True)
    console.print(table)
    for note in notes(rows):
        console.print(escape(note))


def text(rows: Sequence[Row]) -> str:
    """The tables of some tasks under each other, as plain text with every column.

    Parameters
    ----------
    rows : sequence of dict
        Of ``compare``, those of a task together.

    Returns
    -------
    str
        Titles, tables and notes.

    Examples
    --------
    >>> text(project.compare("loyal").to_pylist()).splitlines()[0]
    'loyal: roc_auc on 20 entities, 95 % intervals; differences to counts on the same entities'
    """
    console = Console(file=io.StringIO(), width=_PLAIN, highlight=False, color_system=None)
    tasks = list(dict.fromkeys(row["task"] for row in rows))
    for place, task in enumerate(tasks):
        if place:
            console.print()
        print_text([row for row in rows if row["task"] == task], console, wide=True)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())  # type: ignore[attr-defined]


def html(rows: Sequence[Row]) -> str:
    """The tables of some tasks under each other as HTML, each with its title and notes."""
    return "".join(
        _html([row for row in rows if row["task"] == task]) for task in dict.fromkeys(row["task"] for row in rows)
    )


def _html(rows: Sequence[Row]) -> str:
    columns = shown(rows)
    head = "".join(f"<th>{quoted(column.title)}</th>" for column in columns)
    body = "".join("<tr>" + "".join(f"<td>{quoted(c.cell(row))}</td>" for c in columns) + "</tr>" for row in rows)
    below = "".join(f"<p><em>{quoted(note)}</em></p>" for note in notes(rows))
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f"<p><strong>{quoted(title(rows))}</strong></p>{table}{below}"


def markdown(rows: Sequence[Row]) -> str:
    """Title, table and notes as Markdown.

    Parameters
    ----------
    rows : sequence of dict
        Of ``compare``, of one task.

    Returns
    -------
    str
        Markdown.

    Examples
    --------
    >>> markdown(project.compare("loyal").to_pylist()).splitlines()[2]
    '| features | roc_auc | interval | difference | ...
    """
    columns = shown(rows)
    lines = [
        f"**{title(rows)}**",
        "",
        _line(column.title for column in columns),
        _line(("---" if column.left else "---:") for column in columns),
        *(_line(column.cell(row).replace("|", "\\|") for column in columns) for row in rows),
        *("", *(f"_{note}_" for note in notes(rows))),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _line(cells: Any) -> str:
    return "| " + " | ".join(cells) + " |"


def number(value: float) -> str:
    """Three decimals, none where the unit is small.

    Examples
    --------
    >>> number(0.61234), number(1234.5)
    ('0.612', '1,234')
    """
    return f"{value:.3f}" if abs(value) < 100 else f"{value:,.0f}"


def signed(value: float) -> str:
    """With its sign, a zero without.

    Examples
    --------
    >>> signed(0.0123), signed(-0.0123), signed(-0.0001)
    ('+0.012', '-0.012', '0.000')
    """
    text = number(value)
    return text.lstrip("-") if float(text.replace(",", "")) == 0 else text if value < 0 else f"+{text}"


def between(low: float, high: float, form: Callable[[float], str]) -> str:
    """``0.679-0.873``, or with 'to' where a sign would be read as a dash.

    Parameters
    ----------
    low, high : float
        An interval.
    form : callable
        How either end is written.

    Returns
    -------
    str
        Text for a cell.

    Examples
    --------
    >>> between(0.679, 0.873, number), between(-0.1, 0.2, signed)
    ('0.679-0.873', '-0.100 to +0.200')
    """
    signs = low < 0 or high < 0 or form is signed
    return f"{form(low)} to {form(high)}" if signs else f"{form(low)}-{form(high)}"


def p_value(value: float) -> str:
    """``<0.001`` where it is smaller.

    Examples
    --------
    >>> p_value(0.04), p_value(0.0001)
    ('0.040', '<0.001')
    """
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def count(value: int | None) -> str:
    """With thousands apart; nothing where it is not known.

    Examples
    --------
    >>> count(10995), count(None)
    ('10,995', '')
    """
    return "" if value is None else f"{value:,}"
