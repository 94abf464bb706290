"""``llm4es finetune``: texts of train entities to a model in the store."""

from dataclasses import replace
from typing import Annotated, Any

import typer

from llm4es.core.processes import writes
from llm4es.options import DEFAULT_MODEL, FinetuneOptions, LoadOptions

from ..call import Call
from ..options import ModelOption, RecipeArgument
from ..signature import with_options


@with_options(FinetuneOptions, LoadOptions, shared=("task", "max_entities", "dry_run", "format"))
def finetune(
    call: Call,
    recipe: RecipeArgument,
    model: ModelOption = DEFAULT_MODEL,
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="What the tuned model is called; default: MODEL-RECIPE."),
    ] = None,
    **options: Any,
) -> None:
    """Train on the train entities' texts by next-token prediction; the model lands in the store.

    Examples:

        llm4es finetune movielens-100k --steps tiny_run

        llm4es finetune movielens-100k --method full --epochs 2 --name mine

        llm4es finetune movielens-100k --preset paper --optimizer adamw_8bit --gradient-checkpointing

        llm4es embed movielens-100k --model mine
    """
    heard = call if writes() else replace(call, quiet=True)
    outcome = heard.project(recipe).finetune(model, name=name, task=call.task, dry_run=call.dry_run, **options)
    if writes():
        call.show_outcomes(outcome)
