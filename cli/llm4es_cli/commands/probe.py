"""``llm4es probe``: vectors and labels to metrics, beside baselines."""

from typing import Any

from llm4es.options import ProbeOptions, SelectOptions

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
    TaskOption,
)
from ..screen import show_outcomes
from ..signature import with_options


@with_options(ProbeOptions, SelectOptions)
def probe(
    recipe: RecipeArgument,
    task: TaskOption = None,
    max_entities: MaxEntitiesOption = None,
    dry_run: DryRunOption = False,
    format_: FormatOption = None,
    store: StoreOption = DEFAULT_STORE,
    quiet: QuietOption = False,
    debug: DebugOption = False,
    **options: Any,
) -> None:
    """Score every embedding and baseline on the recipe's tasks; metrics and per-entity predictions are kept.

    Examples:

        llm4es probe movielens-100k --task gender

        llm4es probe movielens-100k --task age_bucket --features tfidf,smollm2-135m@8+aggregates --folds 10

        llm4es probe movielens-100k --layers all --sizes 50,100,200
    """
    work = project(recipe, store, quiet, max_entities=max_entities)
    show_outcomes(work.probe(task, dry_run=dry_run, **options), format_)
