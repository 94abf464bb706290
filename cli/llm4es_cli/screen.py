"""What a person sees: results on stdout, progress and messages on stderr.

In: results, rows. Out: text. Knows no command and no store.
"""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from llm4es.core.printable import printable
from llm4es.project.cells import as_json, cell, shown, write_csv
from llm4es.project.plan_lines import plan_lines
from llm4es.project.terminal import Terminal

from .options import OutputFormat
from .paging import paged, width_of_terminal
from .table import NARROW, Look, print_table

if TYPE_CHECKING:
    from llm4es.project.outcome import Outcome
    from llm4es.project.result import Result

READABLE = 100
"""Characters of a line of text, however wide the terminal is."""


class Screen(Terminal):
    """One command's view: quiet or not."""

    @property
    def watched(self) -> bool:
        """Whether somebody sees what is told as it comes, also on a terminal that is dumb."""
        return not self.quiet and sys.stderr.isatty()


def show(
    rows: "Result | Sequence[Mapping[str, Any]]",
    format_: OutputFormat | None,
    *,
    piped: OutputFormat = OutputFormat.CSV,
    look: Look = NARROW,
) -> None:
    """Print a result to stdout: a table on a terminal, else ``piped``, unless a format was asked for."""
    chosen = format_ or (OutputFormat.TABLE if sys.stdout.isatty() else piped)
    names = list(rows[0]) if isinstance(rows, Sequence) and rows else list(getattr(rows, "column_names", []))
    if chosen is OutputFormat.TABLE:
        print_table(names, [[row[name] for name in names] for row in rows], look)
    else:
        _SHOW[chosen](names, rows)


def show_outcomes(outcomes: "Iterable[Outcome]", format_: OutputFormat | None, look: Look = NARROW) -> None:
    """The summary of what stages did, on stdout; of what they would do, on a terminal, in lines."""
    outcomes = list(outcomes)
    if format_ is None and sys.stdout.isatty() and all(outcome.dry_run for outcome in outcomes):
        with paged() as console:
            for line in plan_lines(outcomes, min(width_of_terminal() or READABLE, READABLE)):
                console.out(printable(line), highlight=False)
        return
    show([outcome.row() for outcome in outcomes], format_, look=look)


def _show_json(_: Sequence[str], rows: Any) -> None:
    sys.stdout.write(as_json(list(rows)))


def _show_csv(names: Sequence[str], rows: Any) -> None:
    write_csv(names, ([row[name] for name in names] for row in rows), sys.stdout)


def _show_markdown(names: Sequence[str], rows: Any) -> None:
    lines = [
        [printable(name) for name in names],
        ["---"] * len(names),
        *([_short(row[name]) for name in names] for row in rows),
    ]
    for line in lines:
        sys.stdout.write("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in line) + " |\n")


_SHOW: dict[OutputFormat, Callable[[Sequence[str], Any], None]] = {
    OutputFormat.JSON: _show_json,
    OutputFormat.CSV: _show_csv,
    OutputFormat.MARKDOWN: _show_markdown,
}


def _short(value: Any) -> str:
    """A cell of a table in Markdown."""
    return printable(shown(value) if value is None or isinstance(value, float | list) else cell(value))
