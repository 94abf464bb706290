"""A comparison on stdout: for people short, for machines every column.

In: a comparison of some tasks. Out: text. Decides nothing.
"""

import sys
from itertools import groupby
from typing import TYPE_CHECKING

from llm4es.project.cells import as_json
from llm4es.project.drawn import show_tree

from .options import OutputFormat
from .paging import paged, width_of_terminal
from .screen import show

if TYPE_CHECKING:
    from llm4es.project.compare import Comparison
    from llm4es.project.run_result import RunResult

    from .call import Call
    from .screen import Screen


def show_run(done: "RunResult", call: "Call") -> None:
    """What a run did, or would do: the comparison, or the plan; as JSON all of it in one document."""
    if call.format is OutputFormat.JSON:
        sys.stdout.write(as_json(done.document()))
        _warn(done.comparison, call.screen)
    elif done.comparison is not None:
        show_comparison(done.comparison, call.format, call.screen, wide=call.wide)
    elif done.dry_run and call.format is None and sys.stdout.isatty():
        with paged() as console:
            show_tree(done.tree, console)
    elif done.dry_run:
        call.show_outcomes(*done.outcomes)
    if not (call.quiet or done.dry_run) and done.next:
        call.screen.console.out("\n  ".join(("next:", *done.next)))  # as they are: to be copied


def show_comparison(
    compared: "Comparison", format_: OutputFormat | None, screen: "Screen", *, wide: bool = False
) -> None:
    """The tables of the tasks under each other; beside data for machines, cautions go to ``screen``."""
    from llm4es.project.comparison_answer import answers
    from llm4es.project.comparison_table import in_markdown, markdown, print_answers, print_text

    chosen = format_ or OutputFormat.TABLE
    every = list(compared)
    tasks = [list(of_task) for _, of_task in groupby(every, key=lambda row: row["task"])]
    if chosen not in (OutputFormat.TABLE, OutputFormat.MARKDOWN):
        show(compared, chosen)
        _warn(compared, screen)
    elif chosen is OutputFormat.MARKDOWN:
        first = answers(every)
        sys.stdout.write("".join(f"- {in_markdown(line)}\n" for line in first) + "\n" * bool(first))
        sys.stdout.write("\n".join(map(markdown, tasks)))
    else:
        with paged() as console:
            whole = wide or width_of_terminal() is None
            above = print_answers(every, console, wide=whole)
            for place, rows in enumerate(tasks):
                if place or above:
                    console.out()
                print_text(rows, console, wide=whole)


def _warn(compared: "Comparison | None", screen: "Screen") -> None:
    """What people read below a table, for those who were given data."""
    for caution in () if compared is None else compared.cautions:
        screen.warn(caution)
