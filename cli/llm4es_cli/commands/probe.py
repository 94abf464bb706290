"""``llm4es probe``: vectors and labels to metrics, beside baselines."""

from typing import Any

from llm4es.core.freed_memory import free_large_arrays
from llm4es.options import ProbeOptions, SelectOptions

from ..call import Call
from ..options import RecipeArgument
from ..signature import with_options


@with_options(ProbeOptions, SelectOptions, shared=("task", "max_entities", "dry_run", "format"))
def probe(call: Call, recipe: RecipeArgument, **options: Any) -> None:
    """Score every embedding and baseline on the recipe's tasks; metrics and per-entity predictions are kept.

    Examples:

        llm4es probe movielens-100k --task gender

        llm4es probe movielens-100k --task age_bucket --features tfidf,smollm2-135m@8+aggregates --folds 10

        llm4es probe movielens-100k --task gender --features 'vote(tfidf, smollm2-135m@8),best(tfidf, smollm2-135m@*)'

        llm4es probe movielens-100k --layers all --sizes 50,100,200

        llm4es probe mine.toml --task churn --protocol new-items --since 2024-01-01

        llm4es probe mine.toml --task churn --train-as-of 2024-01-01 --test-as-of 2024-07-01
    """
    free_large_arrays()
    outcomes = call.project(recipe).probe(call.task, dry_run=call.dry_run, **options)
    call.show_outcomes(*outcomes)
