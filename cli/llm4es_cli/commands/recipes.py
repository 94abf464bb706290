"""``llm4es recipes``: the built-in recipes."""

from importlib.resources import files
from typing import Annotated

import typer

from llm4es.options.completes import Completes

from ..call import Call
from ..completion import complete_names
from ..signature import with_options


@with_options(shared=("format",))
def recipes(
    call: Call,
    recipe: Annotated[
        str | None,
        typer.Argument(
            metavar="RECIPE", autocompletion=complete_names(Completes.RECIPES), help="Show this one's TOML."
        ),
    ] = None,
) -> None:
    """List the built-in recipes, or show one (a good start for your own).

    Examples:

        llm4es recipes

        llm4es recipes movielens-100k > mine.toml
    """
    from llm4es.recipes import builtin_recipes, load_recipe

    if recipe is not None:
        load_recipe(recipe)  # a wrong name is told here
        typer.echo(files("llm4es.recipes").joinpath(f"{recipe}.toml").read_text(encoding="utf-8"), nl=False)
        return
    loaded = [load_recipe(name) for name in builtin_recipes()]
    rows = [{"recipe": r.name, "description": r.description, "tasks": ", ".join(r.tasks)} for r in loaded]
    call.show(rows, wrapped=True)
