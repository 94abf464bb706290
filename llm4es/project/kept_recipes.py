"""The recipe of each dataset, kept in the store: whoever has the store needs no TOML.

In: a store, a recipe as people name it. Out: the recipe, and a word where the one on disk has changed since. Knows no
step.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from ..core.errors import RecipeError
from ..core.schemas import RECIPES
from ..recipes import Recipe, builtin_recipes, load_recipe, recipe_from_json
from .context import Context, open_store
from .observer import Observer

if TYPE_CHECKING:
    from llm4es_store import Run, Store

BUILT_IN, FRAME = "built in", "frame"
"""Where a recipe came from, where that is no file."""


def find_recipe(store: "str | Path | Store", name: str, observer: Observer) -> Recipe:
    """A recipe by the path of its TOML, by its dataset's name in the store, or by its built-in name.

    Of a dataset in the store the kept recipe is taken; where the file that it came from says something else by now,
    that is told.

    Parameters
    ----------
    store : str, Path or Store
        Need not be there yet.
    name : str
        A path, a dataset's name, or a built-in recipe's.
    observer : Observer
        Who hears that the file has changed.

    Returns
    -------
    Recipe
        With the folder of its raw files.

    Raises
    ------
    RecipeError
        For a name that is none of these, naming the nearest, and a TOML that is no recipe.

    Examples
    --------
    >>> from llm4es.project.observer import Null
    >>> find_recipe(project.store, "shop", Null()).item
    'product'
    >>> find_recipe(project.store, "shoop", Null())
    Traceback (most recent call last):
    llm4es.core.errors.RecipeError: no recipe 'shoop': did you mean shop? ...
    """
    if is_file(name):
        return load_recipe(name)
    opened = existing(store)
    kept = None if opened is None else opened.recipe(name)
    if kept is None or kept["origin"] == BUILT_IN:
        known = [] if opened is None else opened.datasets()
        if name in known and name not in builtin_recipes():
            raise RecipeError(
                f"the store holds data of {name!r} and no recipe of it (imported, or made before recipes were kept): "
                "give the path of its TOML once, to `llm4es serialize`"
            )
        return load_recipe(name, known=known)
    if _has_changed(kept["origin"], kept["recipe_hash"]):
        observer.warn(
            f"{kept['origin']} has changed since {name!r} was serialized: the store's own recipe is used; "
            "give the file to take the change over"
        )
    folder = None if kept["folder"] is None else Path(kept["folder"])
    if kept["origin"] == FRAME and opened is not None:
        folder = frames_folder(opened, name) / _last(kept["folder"])  # they go along with the store
    return recipe_from_json(kept["recipe"], folder, origin=kept["origin"])


def existing(store: "str | Path | Store") -> "Store | None":
    """The store of a folder or a URI, opened.

    Parameters
    ----------
    store : str, Path or Store
        Need not be there yet.

    Returns
    -------
    Store or None
        None where there is none yet.

    Examples
    --------
    >>> existing("nowhere") is None
    True
    """
    if isinstance(store, str | Path) and "://" not in str(store) and not Path(store).expanduser().exists():
        return None
    return open_store(store, create=False)


def keep_recipe(context: Context, run: "Run") -> None:
    """Enter the recipe; equal content makes no commit.

    Parameters
    ----------
    context : Context
        Whose recipe it is.
    run : Run
        Open; it writes the row.
    """
    recipe = context.recipe
    row = {
        "dataset": recipe.name,
        "recipe": recipe.to_json(),
        "origin": origin_of(recipe),
        "folder": _folder(context),
        "recipe_hash": recipe.content_hash(),
    }
    run.replace("recipes", {"dataset": recipe.name}, pa.Table.from_pylist([row], schema=RECIPES))


def is_kept(context: Context) -> bool:
    """Whether the store has this very recipe, from the same place.

    Parameters
    ----------
    context : Context
        Recipe and store.

    Returns
    -------
    bool
        False also where the raw files have moved.

    Examples
    --------
    >>> is_kept(context.with_(given_recipe=context.recipe.model_copy(update={"item": "amount"})))
    False
    """
    kept = context.store.recipe(context.dataset)
    if kept is None:
        return False
    here = (context.recipe.content_hash(), origin_of(context.recipe), _folder(context))
    return (kept["recipe_hash"], kept["origin"], kept["folder"]) == here


def frames_folder(store: "Store", dataset: str) -> Path:
    """Where the frames of a dataset lie, as Parquet.

    Parameters
    ----------
    store : Store
        A folder or a bucket.
    dataset : str
        Its name.

    Returns
    -------
    Path
        Below the store; of a remote store in the cache.

    Examples
    --------
    >>> frames_folder(project.store, "bank").parts[-2:]
    ('raw', 'bank')
    """
    return store.layout.folder("raw") / dataset


def origin_of(recipe: Recipe) -> str:
    """Where a recipe came from: its file, 'frame', or 'built in'.

    Parameters
    ----------
    recipe : Recipe
        Any.

    Returns
    -------
    str
        As the table ``recipes`` keeps it.

    Examples
    --------
    >>> from llm4es.recipes import load_recipe
    >>> origin_of(load_recipe("age"))
    'built in'
    """
    return recipe.origin or BUILT_IN


def _folder(context: Context) -> str | None:
    """The folder of the raw files; None: they are fetched."""
    folder = context.data or context.recipe.folder
    return None if folder is None else str(Path(folder).expanduser().absolute())


def is_file(name: str) -> bool:
    """Whether a recipe is named by its file.

    Parameters
    ----------
    name : str
        As people type it.

    Returns
    -------
    bool
        False: it is a dataset's name, or a built-in recipe's.

    Examples
    --------
    >>> is_file("mine.toml"), is_file("age")
    (True, False)
    """
    return name.endswith(".toml") or Path(name).expanduser().is_file()


def _last(folder: str) -> str:
    """The last part of a path; '' where it leads upwards."""
    name = Path(folder).name
    return "" if name == ".." else name


def _has_changed(origin: str, kept_hash: str) -> bool:
    """Whether the file that a recipe came from is there and says something else now."""
    if origin == FRAME or not Path(origin).is_file():
        return False
    try:
        return load_recipe(origin).content_hash() != kept_hash
    except RecipeError:
        return True
