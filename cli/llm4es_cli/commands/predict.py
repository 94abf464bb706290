"""``llm4es predict``: scores of everybody, by a probe that is fitted once."""

from typing import Any

from llm4es.options import PredictOptions

from ..call import Call
from ..options import RecipeArgument
from ..signature import with_options


@with_options(PredictOptions, shared=("task", "max_entities", "dry_run", "format"))
def predict(call: Call, recipe: RecipeArgument, **options: Any) -> None:
    """Fit one feature set once on the labelled entities, and score everybody who has it.

    The fitted model is kept, without pickle: a rerun scores new entities, and those whose features have changed, by the
    same model. Scores are calibrated probabilities, or numbers; what they are worth is told out of fold.

    Examples:

        llm4es predict movielens-100k --task gender --features 'smollm2-135m@8 [events]'

        llm4es predict mine.toml --task churn --features 'vote(tfidf, smollm2-135m@8)' --as-of 2024-07-01

        llm4es predict mine.toml --task churn --features tfidf --refit
    """
    done = call.project(recipe).predict(call.task, dry_run=call.dry_run, **options)
    if call.dry_run:
        call.show_outcomes(*done.outcomes)
    else:
        call.show(done, wrapped=True, spare=("model_version",))
