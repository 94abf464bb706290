"""The options that several commands share, each said once.

In: words. Out: typed values. Knows no command.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from llm4es.options.completes import Completes
from llm4es.options.panels import Panel

from .completion import complete_choices, complete_names

_debug = False


def debug_wanted() -> bool:
    """Whether ``--debug`` was given: known errors then show their traceback too."""
    return _debug


def _set_debug(wanted: bool) -> bool:
    global _debug
    _debug = wanted
    return wanted


class OutputFormat(StrEnum):
    """How a result is printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"


StoreOption = Annotated[
    str,
    typer.Option("--store", envvar="LLM4ES_STORE", metavar="PATH|URI", help="The store.", rich_help_panel=Panel.WHERE),
]
QuietOption = Annotated[
    bool, typer.Option("--quiet", "-q", help="No progress and no messages.", rich_help_panel=Panel.OUTPUT)
]
DebugOption = Annotated[
    bool,
    typer.Option("--debug", help="Show tracebacks.", callback=_set_debug, is_eager=True, rich_help_panel=Panel.OUTPUT),
]
FormatOption = Annotated[
    OutputFormat | None,
    typer.Option(
        "--format",
        metavar="|".join(OutputFormat),
        autocompletion=complete_choices(tuple(OutputFormat)),
        help="How to print; default: a table on a terminal, else csv (run, compare, diff, similar: a table).",
        show_default=False,
        rich_help_panel=Panel.OUTPUT,
    ),
]
WideOption = Annotated[
    bool,
    typer.Option(
        "--wide",
        help="On a terminal every column and every text of a table, however wide.",
        rich_help_panel=Panel.OUTPUT,
    ),
]
RecipeArgument = Annotated[
    str,
    typer.Argument(
        metavar="RECIPE",
        autocompletion=complete_names(Completes.RECIPES),
        help="A built-in recipe (see `llm4es recipes`), a recipe's TOML file, or a dataset of the store.",
    ),
]
ModelOption = Annotated[
    str,
    typer.Option(
        "--model",
        "-m",
        metavar="MODEL",
        autocompletion=complete_names(Completes.MODELS),
        help="Built-in name, model of the store, Hugging Face id, folder or .gguf file.",
        rich_help_panel=Panel.WHAT,
    ),
]
TaskOption = Annotated[
    str | None,
    typer.Option(
        "--task",
        "-t",
        metavar="TASK",
        autocompletion=complete_names(Completes.TASKS),
        help="The recipe's task; without it, every task.",
        show_default=False,
        rich_help_panel=Panel.WHAT,
    ),
]
DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        help="Folder of raw files; without it the recipe fetches them.",
        rich_help_panel=Panel.WHERE,
    ),
]
AllowOutsideOption = Annotated[
    bool,
    typer.Option(
        "--allow-outside",
        help="Read files that the recipe names outside its folder, or --data.",
        rich_help_panel=Panel.WHERE,
    ),
]
MaxEntitiesOption = Annotated[
    int | None,
    typer.Option(
        "--max-entities",
        min=1,
        metavar="N",
        help="Only so many entities: always the same ones, N of N+1.",
        rich_help_panel=Panel.WHAT,
    ),
]
DryRunOption = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help="Say what would be computed, rows, why, tokens, time; write nothing.",
        rich_help_panel=Panel.OUTPUT,
    ),
]

DEFAULT_STORE = "llm4es-store"

COMMON: dict[str, tuple[Any, Any]] = {
    "data": (DataOption, None),
    "allow_outside": (AllowOutsideOption, False),
    "task": (TaskOption, None),
    "max_entities": (MaxEntitiesOption, None),
    "dry_run": (DryRunOption, False),
    "format": (FormatOption, None),
    "wide": (WideOption, False),
    "store": (StoreOption, DEFAULT_STORE),
    "quiet": (QuietOption, False),
    "debug": (DebugOption, False),
}
"""What several commands take, in the order of ``--help``: name -> how it is typed, and its default."""

BESIDE = {"format": "wide"}
"""Those of ``COMMON`` that bring another one along."""

EVERY_COMMAND = ("store", "quiet", "debug")
"""Those of ``COMMON`` that every command takes."""
