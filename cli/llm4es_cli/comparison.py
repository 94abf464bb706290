"""A comparison on stdout: for people short, for machines every column.

In: a comparison of some tasks. Out: text. Decides nothing.
"""

import sys
from itertools import groupby
from typing import TYPE_CHECKING

from .options import OutputFormat
from .screen import result_console, show

if TYPE_CHECKING:
    from llm4es.project.result import Result

    from .screen import Screen


def show_comparison(compared: "Result", format_: OutputFormat | None, screen: "Screen", *, wide: bool = False) -> None:
    """The tables of the tasks under each other; beside data for machines, cautions go to ``screen``."""
    from llm4es.project.comparison_answer import answer
    from llm4es.project.comparison_table import markdown, print_text, told

    chosen = format_ or OutputFormat.TABLE
    if chosen not in (OutputFormat.TABLE, OutputFormat.MARKDOWN):
        show(compared, chosen)
        for task, of_task in groupby(compared, key=lambda row: row["task"]):
            for caution in told(list(of_task)):
                screen.warn(f"{task}: {caution}")
        return
    tasks = [list(of_task) for _, of_task in groupby(compared, key=lambda row: row["task"])]
    first = [line for rows in tasks for line in answer(rows)]
    for line in first:
        sys.stdout.write(f"{line}\n" if chosen is OutputFormat.TABLE else f"- {line}\n")
    for place, rows in enumerate(tasks):
        if place or first:
            sys.stdout.write("\n")
        if chosen is OutputFormat.MARKDOWN:
            sys.stdout.write(markdown(rows))
        else:
            print_text(rows, result_console(), wide=wide)
