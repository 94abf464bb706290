"""A comparison as people read it: a title, short columns that fit the screen, and what has to be known once, below.

In: rows of ``llm4es.compare``, of one task. Out: text for a terminal, or Markdown. Decides nothing: every number is in
the rows, and machines read those.
"""

import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape as quoted
from math import inf
from typing import Any

from rich.console import Console

from ..core.figures import between, count, number, p_value, signed
from ..core.interval_bar import interval_bar, scale_of
from ..core.printable import printable_line
from ..probe.cautions import cautions
from ..probe.comparison import WITHIN_NOISE, in_short, shows_no_gain
from .comparison_answer import answers
from .text_table import GAP, Overflow, TextColumn, folded, text_table

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Column:
    """One column of the table."""

    title: str
    cell: Callable[[Row], str]
    drop_priority: float = 0
    """The highest goes first where the screen is narrow; below 1 only where a name would be cut to pieces, 0 never."""
    left: bool = False
    """Text, not a number."""


def shown(rows: Sequence[Row]) -> list[Column]:
    """The columns that have something to say about these rows, from left to right."""
    probes = {row["probe"] for row in rows}
    metric = rows[0]["metric"]
    columns = [
        Column("features", lambda row: printable_line(row["features"]), left=True),
        Column("probe", lambda row: row["probe"], left=True) if len(probes) > 1 else None,
        Column(metric, lambda row: number(row["value"])),
        Column("interval", lambda row: between(row["ci_low"], row["ci_high"], number), 0.2),
        Column("difference", lambda row: "" if row["difference"] is None else signed(row["difference"]), 0.1),
        Column(
            "interval",
            lambda row: "" if row["difference"] is None else between(row["diff_low"], row["diff_high"], signed),
            drop_priority=1,
        ),
        Column("p", lambda row: "" if row["difference"] is None else p_value(row["p_adjusted"]), 0.3),
        Column("verdict", in_short, left=True),
        Column("seen in tuning", lambda row: str(row["n_seen"] or ""), 0.4) if any(r["n_seen"] for r in rows) else None,
        Column("dimensions", lambda row: count(row["dimensions"]), drop_priority=2),
        Column("tokens", lambda row: count(row["tokens"]), drop_priority=3),
        Column("seconds", lambda row: "" if row["seconds"] is None else f"{row['seconds']:,.0f}", drop_priority=4),
    ]
    return [column for column in columns if column is not None]


def title(rows: Sequence[Row]) -> str:
    """What is compared, and against what."""
    first, others = rows[0], len(rows) - 1
    against = f"; differences to {first['reference']} on the same entities" if others else ""
    corrected = f", their intervals and p corrected for {others} comparisons" if others > 1 else ""
    metric = first["metric"] + (f" of '{first['positive']}'" if first["metric"] == "average_precision" else "")
    return printable_line(f"{first['task']}: {metric} on {first['n']:,} entities, 95 % intervals{against}{corrected}")


def notes(rows: Sequence[Row]) -> list[str]:
    """What a reader has to know before believing the figures: each thing once."""
    found = []
    within = [row for row in rows if in_short(row) == WITHIN_NOISE]
    hopeless = [row for row in within if shows_no_gain(row)]
    near = sorted(row["detectable"] for row in within if row not in hopeless and 0 < row["detectable"] < inf)
    apart = f"within noise: {rows[0]['n']:,} entities cannot tell the two apart"
    if near:  # 0: every resample is like the reference
        least, most = number(near[0]), number(near[-1])
        size = least if least == most else f"{least} to {most}, depending on the features"
        apart += f"; the smallest difference that they would show is {size}"
    if hopeless:
        which = f" with {len(hopeless)} of the feature sets" if near else ""
        apart += f"; they cannot show any improvement{which}: it would have to be more than there is to gain"
    if near or hopeless:
        found.append(apart)
    seen = [row for row in rows if row["n_seen"]]
    if seen:
        names = f"{seen[0]['features']} comes" if len(seen) == 1 else f"{len(seen)} feature sets come"
        found.append(
            f"seen in tuning: {names} from a model fine-tuned on so many of the scored entities; "
            "--unseen-only leaves those out"
        )
    best = next((row for row in rows if row["model"] and row["best_of"]), None)
    found += [f"{row['features']}: chosen in so many folds: {row['chosen']}" for row in rows if row.get("chosen")]
    return [*map(printable_line, found + ([chosen(best)] if best else [])), *told(rows)]


def chosen(row: Row) -> str:
    """What a reader has to know of the best of several."""
    among = "beside the baselines" if row.get("imported") else "with a language model"
    return (
        f"best of {row['best_of']}: {row['features']} is the best feature set {among} and was chosen on "
        f"the very entities that score it: its {row['metric']} is optimistic by up to {number(row['optimism'])}"
    )


def told(rows: Sequence[Row]) -> list[str]:
    """Where so little was scored that intervals and tests promise more than they hold: each thing once."""
    first = rows[0]
    return cautions(first["n"], first["n_smallest"], first["repeats"], first["folds"])


NAME = 44
"""Characters of a name that other columns make room for; a longer name is folded."""


def fitting(columns: Sequence[Column], rows: Sequence[Row], width: int) -> list[Column]:
    """The columns that fit beside each other, dropping what makes room for whole names."""
    kept = list(columns)
    while _total(kept, rows, NAME) > width and any(column.drop_priority >= 1 for column in kept):
        kept.remove(max(kept, key=lambda column: column.drop_priority))
    return kept


def _total(columns: Sequence[Column], rows: Sequence[Row], name: int) -> int:
    """Characters of a row, of whose first column ``name`` count at most."""
    widths = [max(len(column.title), *(len(column.cell(row)) for row in rows)) for column in columns]
    return min(widths[0], name) + sum(widths[1:]) + GAP * (len(columns) - 1)


def print_answers(rows: Sequence[Row], console: Console, *, wide: bool) -> bool:
    """The lines that stand above the tables of some tasks; whether there are any."""
    lines = answers(rows)
    for line in lines:
        console.out("\n".join(folded(line, None if wide else console.width)), highlight=False)
    return bool(lines)


def print_text(rows: Sequence[Row], console: Console, *, wide: bool) -> None:
    """The table as wide as the console, rows and what is left out counted; ``wide``: as wide as it comes."""
    width = None if wide else console.width
    columns = shown(rows)
    kept = columns if width is None else fitting(columns, rows, width)
    table = text_table([_laid_out(column, rows) for column in kept], width)
    for line in folded(title(rows), width):
        console.out(line, highlight=False)
    table.print(console)
    count = [] if wide else [replace(table, n_hidden=len(columns) - len(kept) + table.n_hidden).count]
    for note in [*count, *notes(rows)]:
        for line in folded(note, width):
            console.out(line, highlight=False)


def _laid_out(column: Column, rows: Sequence[Row]) -> TextColumn:
    overflow = Overflow.WRAPPED if column.title == "features" else Overflow.WHOLE
    cells = [column.cell(row) for row in rows]
    return TextColumn(column.title, cells, not column.left, overflow, column.drop_priority)


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
    >>> text(project.compare("loyal").to_pylist()).splitlines()[2]
    'loyal: roc_auc on 20 entities, 95 % intervals; differences to counts on the same entities'
    """
    console = Console(file=io.StringIO(), color_system=None)
    above = print_answers(rows, console, wide=True)
    tasks = list(dict.fromkeys(row["task"] for row in rows))
    for place, task in enumerate(tasks):
        if place or above:
            console.out()
        print_text([row for row in rows if row["task"] == task], console, wide=True)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())  # type: ignore[attr-defined]


def html(rows: Sequence[Row]) -> str:
    """The tables of some tasks under each other as HTML, each with its title and notes."""
    tables = [
        _html([row for row in rows if row["task"] == task]) for task in dict.fromkeys(row["task"] for row in rows)
    ]
    return "".join([*(f"<p>{quoted(line)}</p>" for line in answers(rows)), *tables])


def _html(rows: Sequence[Row]) -> str:
    columns, place = shown(rows), 1 + any(row["probe"] != rows[0]["probe"] for row in rows)
    head = [f'<th scope="col">{quoted(column.title)}</th>' for column in columns]
    head.insert(place, '<th scope="col">drawn</th>')
    reference = next((row["value"] for row in rows if row["difference"] is None), None)
    scale = scale_of(reference, *(row[end] for row in rows for end in ("ci_low", "ci_high")))
    lines = []
    for row in rows:
        cells = [f"<td>{quoted(column.cell(row))}</td>" for column in columns[1:]]
        drawn = interval_bar(row["ci_low"], row["value"], row["ci_high"], scale, reference)
        cells.insert(place - 1, f"<td>{drawn}</td>")
        lines.append(f'<tr><th scope="row">{quoted(columns[0].cell(row))}</th>{"".join(cells)}</tr>')
    below = "".join(f"<p><em>{quoted(note)}</em></p>" for note in notes(rows))
    table = f"<table><thead><tr>{''.join(head)}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
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
        f"**{in_markdown(title(rows))}**",
        "",
        _line(column.title for column in columns),
        _line(("---" if column.left else "---:") for column in columns),
        *(_line(in_markdown(column.cell(row)) for column in columns) for row in rows),
        *("", *(f"_{in_markdown(note)}_" for note in notes(rows))),
    ]
    return "\n".join(lines).rstrip() + "\n"


_SIGNS = re.compile(r"[\\`*<|]|(?<!\w)_|_(?!\w)|(?<=\])\(")
"""Of Markdown: code, emphasis, HTML, cells, and what makes a link of what stands in brackets."""


def in_markdown(line: str) -> str:
    """A line as Markdown shows it: what would be taken for its signs is escaped.

    Parameters
    ----------
    line : str
        One line.

    Returns
    -------
    str
        The same for who reads the page.

    Examples
    --------
    >>> print(in_markdown("a|b: roc_auc of m@8 [64 tokens] and *x*"))
    a\\|b: roc_auc of m@8 [64 tokens] and \\*x\\*
    """
    return _SIGNS.sub(r"\\\g<0>", line)


def _line(cells: Any) -> str:
    return "| " + " | ".join(cells) + " |"
