"""``llm4es enrich``: texts to more texts."""

from typing import Any

from llm4es.options import EnrichOptions, LoadOptions, WorkerOptions

from ..call import Call
from ..options import RecipeArgument
from ..signature import with_options


@with_options(EnrichOptions, LoadOptions, WorkerOptions, shared=("task", "max_entities", "dry_run", "format"))
def enrich(call: Call, recipe: RecipeArgument, **options: Any) -> None:
    """Write more texts an entity: the same events in other formats, or rewritten by a model and checked.

    Examples:

        llm4es enrich movielens-100k --by rules --variants 2

        llm4es enrich movielens-100k --by rules --formats json,markdown_table --dry-run

        llm4es enrich movielens-100k --by llm --model Qwen/Qwen2.5-0.5B-Instruct --formats table --variants 1

        llm4es enrich movielens-100k --by llm --engine openai --base-url http://127.0.0.1:8000/v1 --model served-name
    """
    outcome = call.project(recipe).enrich(task=call.task, dry_run=call.dry_run, **options)
    call.show_outcomes(outcome)
