"""``llm4es serialize``: raw files to events, labels, splits and one text an entity."""

from typing import Any

from llm4es.options import SerializeOptions

from ..opened import project
from ..options import (
    DEFAULT_STORE,
    DataOption,
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


@with_options(SerializeOptions)
def serialize(
    recipe: RecipeArgument,
    data: DataOption = None,
    max_entities: MaxEntitiesOption = None,
    dry_run: DryRunOption = False,
    format_: FormatOption = None,
    store: StoreOption = DEFAULT_STORE,
    quiet: QuietOption = False,
    debug: DebugOption = False,
    **options: Any,
) -> None:
    """Read raw files and write events, labels, splits, and one text an entity.

    Examples:

        llm4es serialize movielens-100k

        llm4es serialize rosbank --data data/rosbank --max-events 200

        llm4es serialize mine.toml --as-of 2026-01-01 --dry-run
    """
    work = project(recipe, store, quiet, data=data, max_entities=max_entities)
    show_outcomes([work.serialize(dry_run=dry_run, **options)], format_)
