"""``llm4es embed``: texts to vectors."""

from typing import Any

from llm4es.options import DEFAULT_MODEL, EmbedOptions, LoadOptions, WorkerOptions

from ..call import Call
from ..options import ModelOption, RecipeArgument
from ..signature import with_options


@with_options(EmbedOptions, LoadOptions, WorkerOptions, shared=("task", "max_entities", "dry_run", "format"))
def embed(call: Call, recipe: RecipeArgument, model: ModelOption = DEFAULT_MODEL, **options: Any) -> None:
    """Turn texts into one vector an (entity, model, k), all k from one forward pass.

    Examples:

        llm4es embed movielens-100k --k 1,8,all

        llm4es embed movielens-100k --model Qwen/Qwen2.5-0.5B-Instruct --history full --load-in 8bit

        llm4es embed movielens-100k --texts all --workers 2

        llm4es embed movielens-100k --engine openai --base-url http://127.0.0.1:8080/v1 --model bge-m3
    """
    outcome = call.project(recipe).embed(model, task=call.task, dry_run=call.dry_run, **options)
    call.show_outcomes(outcome)
