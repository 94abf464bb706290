"""``llm4es serialize``: raw files to events, labels, splits and one text an entity."""

from typing import Any

from llm4es.options import SerializeOptions, WorkerOptions

from ..call import Call
from ..options import RecipeArgument
from ..signature import with_options


@with_options(SerializeOptions, WorkerOptions, shared=("data", "allow_outside", "max_entities", "dry_run", "format"))
def serialize(call: Call, recipe: RecipeArgument, **options: Any) -> None:
    """Read raw files and write events, labels, splits, and one text an entity.

    Examples:

        llm4es serialize movielens-100k

        llm4es serialize rosbank --data data/rosbank --max-events 200

        llm4es serialize mine.toml --as-of 2026-01-01 --dry-run

        llm4es serialize mine.toml --store s3://bucket/store --executor ray --workers 16
    """
    outcome = call.project(recipe).serialize(dry_run=call.dry_run, **options)
    call.show_outcomes(outcome)
