"""``llm4es embed``: texts to vectors."""

from typing import Any

from llm4es.options import DEFAULT_MODEL, EmbedOptions, LoadOptions

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


@with_options(EmbedOptions, LoadOptions)
def embed(
    recipe: RecipeArgument,
    model: ModelOption = DEFAULT_MODEL,
    max_entities: MaxEntitiesOption = None,
    dry_run: DryRunOption = False,
    format_: FormatOption = None,
    store: StoreOption = DEFAULT_STORE,
    quiet: QuietOption = False,
    debug: DebugOption = False,
    **options: Any,
) -> None:
    """Turn texts into one vector an (entity, model, k), all k from one forward pass.

    Examples:

        llm4es embed movielens-100k --k 1,8,all

        llm4es embed movielens-100k --model Qwen/Qwen2.5-0.5B-Instruct --history full --load-in 8bit

        llm4es embed movielens-100k --texts all --dry-run
    """
    work = project(recipe, store, quiet, max_entities=max_entities)
    show_outcomes([work.embed(model, dry_run=dry_run, **options)], format_)
