"""``llm4es run``: the stages in order, each only where something is missing."""

from pathlib import Path
from typing import Annotated, Any

import typer

from llm4es.core.errors import OptionError
from llm4es.options import DEFAULT_MODEL, LoadOptions, RunOptions
from llm4es.options.completes import Completes

from ..call import Call
from ..comparison import show_run
from ..completion import complete_names
from ..options import ModelOption, OutputFormat
from ..signature import with_options

DEFAULT_RECIPE = "llm4es.toml"


@with_options(RunOptions, LoadOptions, shared=("data", "allow_outside", "task", "max_entities", "dry_run", "format"))
def run(
    call: Call,
    recipe: Annotated[
        str | None,
        typer.Argument(
            metavar="RECIPE",
            autocompletion=complete_names(Completes.RECIPES),
            help=f"Built-in recipe or TOML; default: ./{DEFAULT_RECIPE}.",
        ),
    ] = None,
    model: ModelOption = DEFAULT_MODEL,
    **options: Any,
) -> None:
    """Run every stage where something is missing, then compare base model, tuned model and baselines.

    Where events repeat, each distinct one is read once and every event counts (--history events); where hardly any two
    are alike, the newest of each history are read, and a line says so. Beside the baselines stand a vote of the model
    and a baseline and a choice made anew in every fold; the first lines say what the model adds, and what it cost.

    A task that cannot be probed, such as one with a class of one entity, is named in a warning and left out; the exit
    code is 0 where another one was probed, and 2 where none was.

    On a terminal the plan comes first, at the end where everything lies and what to type next. --format json prints one
    document: what was planned and done, stage by stage, the rows of `llm4es compare`, its cautions, and next commands;
    with --dry-run the plan alone.

    Examples:

        llm4es run movielens-100k

        llm4es run movielens-100k --history newest --max-entities 100 --max-length 256 --finetune 10

        llm4es run mine.toml --model Qwen/Qwen2.5-0.5B-Instruct --device cuda --history full

        llm4es run movielens-100k --dry-run
    """
    planned = call.screen.watched or call.format is OutputFormat.JSON
    project = call.project(_recipe(recipe))
    done = project.run(call.task, model=model, dry_run=call.dry_run, plan_first=planned, **options)
    show_run(done, call)


def _recipe(recipe: str | None) -> str:
    """The recipe named, or the one of this folder."""
    if recipe is None and not Path(DEFAULT_RECIPE).is_file():
        raise OptionError(
            f"no recipe given and no {DEFAULT_RECIPE} here: name one (`llm4es recipes`) or write one (`llm4es init`)"
        )
    return recipe or DEFAULT_RECIPE
