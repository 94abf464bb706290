"""``llm4es similar``: the nearest entities, and the events that make them alike."""

import sys
from typing import Annotated, Any

import typer

from llm4es.options import SimilarOptions

from ..call import Call
from ..options import OutputFormat, RecipeArgument
from ..screen import show
from ..signature import with_options
from ..table import Look


@with_options(SimilarOptions, shared=("task", "format"))
def similar(
    call: Call,
    recipe: RecipeArgument,
    entity: Annotated[str, typer.Argument(metavar="ENTITY", help="The entity's id.")],
    **options: Any,
) -> None:
    """Show the nearest entities by cosine, and what they have in common with this one, the rarest first.

    Examples:

        llm4es similar movielens-100k 196

        llm4es similar movielens-100k 196 --model smollm2-135m --k all -n 3 --format json
    """
    near = call.project(recipe).similar(entity, task=call.task, **options)
    call.screen.say(near.title)
    if call.format not in (None, OutputFormat.TABLE):
        show(near if call.format is OutputFormat.JSON else near.brief(), call.format)
        return
    look = Look(call.wide, wrapped=True)
    show([{k: v for k, v in row.items() if k != "rarest shared"} for row in near], OutputFormat.TABLE, look=look)
    if shared := near.shared():
        sys.stdout.write(f"\nWhat they have in common, the rarest first, at most {near.MOST_SHARED} each:\n\n")
        show(shared, OutputFormat.TABLE, look=Look(call.wide))  # a line each, however much their events say
