"""``llm4es compare``: every embedding and baseline side by side."""

from typing import Any

from llm4es.options import CompareOptions

from ..call import Call
from ..comparison import show_comparison
from ..options import RecipeArgument
from ..signature import with_options


@with_options(CompareOptions, shared=("task", "max_entities", "format"))
def compare(
    call: Call,
    recipe: RecipeArgument,
    **options: Any,
) -> None:
    """Compare everything that was probed: metric, interval, paired difference against the best baseline.

    Examples:

        llm4es compare movielens-100k --task gender

        llm4es compare movielens-100k --task gender --unseen-only --reference smollm2-135m@8 --format json

        llm4es compare movielens-100k --format markdown

        llm4es compare mine.toml --task churn --train-as-of 2024-01-01 --test-as-of 2024-07-01
    """
    compared = call.project(recipe).compare(call.task, **options)
    show_comparison(compared, call.format, call.screen, wide=call.wide)
