"""``llm4es similar``: the nearest entities, and the events that make them alike."""

import sys
from typing import Annotated, Any

import typer

from llm4es.options import SimilarOptions

from ..opened import project
from ..options import (
    DEFAULT_STORE,
    DebugOption,
    FormatOption,
    OutputFormat,
    QuietOption,
    RecipeArgument,
    StoreOption,
)
from ..screen import Screen, show
from ..signature import with_options


@with_options(SimilarOptions)
def similar(
    recipe: RecipeArgument,
    entity: Annotated[str, typer.Argument(metavar="ENTITY", help="The entity's id.")],
    format_: FormatOption = None,
    store: StoreOption = DEFAULT_STORE,
    quiet: QuietOption = False,
    debug: DebugOption = False,
    **options: Any,
) -> None:
    """Show the nearest entities by cosine, and what they have in common with this one, the rarest first.

    Examples:

        llm4es similar movielens-100k 196

        llm4es similar movielens-100k 196 --model smollm2-135m --k all -n 3 --format json
    """
    near = project(recipe, store, quiet).similar(entity, **options)
    Screen(quiet).say(near.title)
    if format_ not in (None, OutputFormat.TABLE):
        show(near if format_ is OutputFormat.JSON else near.brief(), format_)
        return
    show([{k: v for k, v in row.items() if k != "rarest shared"} for row in near], OutputFormat.TABLE)
    if shared := near.shared():
        sys.stdout.write(f"\nWhat they have in common, the rarest first, at most {near.MOST_SHARED} each:\n\n")
        show(shared, OutputFormat.TABLE)
