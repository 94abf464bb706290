"""Whether the files of a kept recipe may be read: whoever made a store wrote which folder its recipe's files are in.

In: a context whose recipe came out of the store. Out: nothing, or a RecipeError. Opens no raw file.
"""

import json
from pathlib import Path

from ..core.errors import RecipeError
from ..recipes import Recipe, load_recipe
from .context import Context
from .kept_recipes import BUILT_IN, FRAME


def refuse_strange_files(context: Context) -> None:
    """Refuse a folder that the store alone names.

    Its files are read where the recipe's own TOML still lies, beside or below it, and names the same files; below the
    folder that is given; where the recipe is built in or its frames lie in the store; and where all is allowed.

    Raises
    ------
    RecipeError
        It is another folder: what to give is said.

    Examples
    --------
    >>> refuse_strange_files(context)
    """
    recipe = context.recipe
    if context.data is not None or context.allow_outside or recipe.origin in (None, BUILT_IN, FRAME):
        return
    if recipe.folder is None or _says_so(recipe, Path(str(recipe.origin))):
        return
    raise RecipeError(
        f"the store's recipe {recipe.name!r} reads files in {recipe.folder}, and no recipe in that folder says so "
        f"({recipe.origin}): give the folder with --data, or the recipe's TOML, or say --allow-outside if the store "
        "is to be trusted"
    )


def _says_so(recipe: Recipe, origin: Path) -> bool:
    """Whether the TOML lies in the folder or above it, and names the files."""
    if recipe.folder is None or origin.suffix != ".toml" or not origin.is_file():
        return False
    try:
        own = load_recipe(origin)
    except RecipeError:
        return False
    below = recipe.folder.resolve().is_relative_to(origin.resolve().parent)
    return below and own.name == recipe.name and _named(recipe) <= _named(own)


def _named(recipe: Recipe) -> set[str]:
    """Each path and glob of a recipe, and which table it is of."""
    layouts = recipe.all_layouts.values()
    return {json.dumps([table, path]) for each in layouts for table, spec in each.tables.items() for path in spec.path}
