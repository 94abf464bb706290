"""A comparison on stdout: for people short, for machines every column.

In: a comparison of some tasks. Out: text. Decides nothing.
"""

import sys
from itertools import groupby
from typing import TYPE_CHECKING

from .options import OutputFormat
from .paging import paged, width_of_terminal
from .screen import show

if TYPE_CHECKING:
    from llm4es.project.result import Result

    from .screen import Screen


def show_comparison(compared: "Result", format_: OutputFormat | None, screen: "Screen", *, wide: bool = False) -> None:
    """The tables of the tasks under each other; beside data for machines, cautions go to ``screen``."""
    from llm4es.project.comparison_answer import answers
    from llm4es.project.comparison_table import markdown, print_answers, print_text, told

    chosen = format_ or OutputFormat.TABLE
    every = list(compared)
    tasks = [list(of_task) for _, of_task in groupby(every, key=lambda row: row["task"])]
    if chosen not in (OutputFormat.TABLE, OutputFormat.MARKDOWN):
        show(compared, chosen)
        for rows in tasks:
            for caution in told(rows):
                screen.warn(f"{rows[0]['task']}: {caution}")
    elif chosen is OutputFormat.MARKDOWN:
        first = answers(every)
        sys.stdout.write("".join(f"- {line}\n" for line in first) + "\n" * bool(first))
        sys.stdout.write("\n".join(map(markdown, tasks)))
    else:
        with paged() as console:
            whole = wide or width_of_terminal() is None
            above = print_answers(every, console, wide=whole)
            for place, rows in enumerate(tasks):
                if place or above:
                    console.out()
                print_text(rows, console, wide=whole)
