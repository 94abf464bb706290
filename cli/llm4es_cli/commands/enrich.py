"""``llm4es enrich``: texts to more texts."""

from typing import Any

from llm4es.options import EnrichOptions, LoadOptions

from ..opened import project
from ..options import (
    DEFAULT_STORE,
    DebugOption,
    DryRunOption,
    FormatOption,
    MaxEntitiesOption,
    QuietOption,
    RecipeArgument,
    StoreOption,
)
from ..screen import show_outcomes
from ..signature import with_options


@with_options(EnrichOptions, LoadOptions)
def enrich(
    recipe: RecipeArgument,
    max_entities: MaxEntitiesOption = None,
    dry_run: DryRunOption = False,
    format_: FormatOption = None,
    store: StoreOption = DEFAULT_STORE,
    quiet: QuietOption = False,
    debug: DebugOption = False,
    **options: Any,
) -> None:
    """Write more texts an entity: the same events in other formats, or rewritten by a model and checked.

    Examples:

        llm4es enrich movielens-100k --by rules --variants 2

        llm4es enrich movielens-100k --by rules --formats json,markdown_table --dry-run

        llm4es enrich movielens-100k --by llm --model Qwen/Qwen2.5-0.5B-Instruct --formats table --variants 1

        llm4es enrich movielens-100k --by llm --engine openai --base-url http://127.0.0.1:8000/v1 --model served-name
    """
    work = project(recipe, store, quiet, max_entities=max_entities)
    show_outcomes([work.enrich(dry_run=dry_run, **options)], format_)
