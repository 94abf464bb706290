"""What a person sees: results on stdout, progress and messages on stderr.

In: results, rows. Out: text. Knows no command and no store.
"""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

from llm4es.core.printable import printable
from llm4es.project.cells import as_json, cell, shown, write_csv
from llm4es.project.plan_lines import plan_lines
from llm4es.project.terminal import WIDE, Terminal

from .options import OutputFormat

if TYPE_CHECKING:
    from llm4es.project.outcome import Outcome
    from llm4es.project.result import Result


READABLE = 100
"""Characters of a line of text, however wide the terminal is."""


class Screen(Terminal):
    """One command's view: quiet or not."""


def show(
    rows: "Result | Sequence[Mapping[str, Any]]",
    format_: OutputFormat | None,
    *,
    piped: OutputFormat = OutputFormat.CSV,
) -> None:
    """Print a result to stdout: a table on a terminal, else ``piped``, unless a format was asked for."""
    chosen = format_ or (OutputFormat.TABLE if sys.stdout.isatty() else piped)
    names = list(rows[0]) if isinstance(rows, Sequence) and rows else list(getattr(rows, "column_names", []))
    _SHOW[chosen](names, rows)


def show_outcomes(outcomes: "Iterable[Outcome]", format_: OutputFormat | None) -> None:
    """The summary of what stages did, on stdout; of what they would do, on a terminal, in lines."""
    outcomes = list(outcomes)
    if format_ is None and sys.stdout.isatty() and all(outcome.dry_run for outcome in outcomes):
        for line in plan_lines(outcomes, min(result_console().width, READABLE)):
            result_console().print(escape(printable(line)), soft_wrap=True)
        return
    show([outcome.row() for outcome in outcomes], format_)


def _show_json(_: Sequence[str], rows: Any) -> None:
    sys.stdout.write(as_json(list(rows)))


def _show_csv(names: Sequence[str], rows: Any) -> None:
    write_csv(names, ([row[name] for name in names] for row in rows), sys.stdout)


def _show_table(names: Sequence[str], rows: Any) -> None:
    from rich.table import Table

    lines = [[row[name] for name in names] for row in rows]
    table = Table(box=None, header_style="bold", pad_edge=False)
    for place, name in enumerate(names):
        numbers = [isinstance(line[place], int | float) for line in lines if line[place] is not None]
        table.add_column(
            escape(printable(name)), justify="right" if numbers and all(numbers) else "left", overflow="fold"
        )
    for line in lines:
        table.add_row(*(escape(_short(value)) for value in line))
    result_console().print(table)


def _show_markdown(names: Sequence[str], rows: Any) -> None:
    lines = [
        [printable(name) for name in names],
        ["---"] * len(names),
        *([_short(row[name]) for name in names] for row in rows),
    ]
    for line in lines:
        sys.stdout.write("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in line) + " |\n")


_SHOW: dict[OutputFormat, Callable[[Sequence[str], Any], None]] = {
    OutputFormat.TABLE: _show_table,
    OutputFormat.JSON: _show_json,
    OutputFormat.CSV: _show_csv,
    OutputFormat.MARKDOWN: _show_markdown,
}


def result_console() -> Console:
    """Stdout as wide as its terminal, and wide where there is none."""
    return Console(width=None if sys.stdout.isatty() else WIDE, highlight=False)


def _short(value: Any) -> str:
    """A cell of a table."""
    return printable(shown(value) if value is None or isinstance(value, float | list) else cell(value))
