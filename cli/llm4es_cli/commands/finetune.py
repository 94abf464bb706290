"""``llm4es finetune``: texts of train entities to a model in the store."""

from typing import Annotated, Any

import typer

from llm4es.core.processes import writes
from llm4es.options import DEFAULT_MODEL, FinetuneOptions, LoadOptions

from ..opened import project
from ..options import (
    DEFAULT_STORE,
    DebugOption,
    DryRunOption,
    FormatOption,
    MaxEntitiesOption,
    ModelOption,
    QuietOption,
    RecipeArgument,
    StoreOption,
)
from ..screen import show_outcomes
from ..signature import with_options


@with_options(FinetuneOptions, LoadOptions)
def finetune(
    recipe: RecipeArgument,
    model: ModelOption = DEFAULT_MODEL,
    name: Annotated[
        str | None, typer.Option("--name", help="What the tuned model is called; default: MODEL-RECIPE.")
    ] = None,
    max_entities: MaxEntitiesOption = None,
    dry_run: DryRunOption = False,
    format_: FormatOption = None,
    store: StoreOption = DEFAULT_STORE,
    quiet: QuietOption = False,
    debug: DebugOption = False,
    **options: Any,
) -> None:
    """Train on the train entities' texts by next-token prediction; the model lands in the store.

    Examples:

        llm4es finetune movielens-100k --steps tiny_run

        llm4es finetune movielens-100k --method full --epochs 2 --name mine

        llm4es finetune movielens-100k --preset paper --optimizer adamw_8bit --gradient-checkpointing

        llm4es embed movielens-100k --model mine
    """
    work = project(recipe, store, quiet or not writes(), max_entities=max_entities)
    outcome = work.finetune(model, name=name, dry_run=dry_run, **options)
    if writes():
        show_outcomes([outcome], format_)
