"""Recipes by name, by path, or as a store keeps them.

In: the name of a recipe in this package, the path of a TOML, or JSON. Out: the checked recipe, or an error that names
the file, the key and the line. Knows nothing of raw data and of stores.
"""

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ..core.errors import RecipeError, nearest, one_line
from ..core.shipped import shipped_names, shipped_text
from .model import Recipe
from .problems import first_problem

MOST_BYTES = 4_000_000
"""Of a recipe's file: what is larger is something else."""


@dataclass(frozen=True)
class _Toml:
    """A recipe's text and the name it has in messages."""

    name: str
    text: str
    folder: Path | None
    origin: str | None


def builtin_recipes() -> list[str]:
    """Names of the recipes in this package, in order."""
    return shipped_names("recipes")


def load_recipe(name_or_path: str | Path, known: Sequence[str] = ()) -> Recipe:
    """The recipe of that name, or in that file.

    Parameters
    ----------
    name_or_path : str or Path
        Name of a built-in recipe (``builtin_recipes``), or path of a TOML.
    known : sequence of str, default ()
        Further names to suggest where there is no such recipe: the datasets of a store.

    Returns
    -------
    Recipe
        Checked; its ``folder`` is the one of the TOML, or None for a built-in recipe.

    Raises
    ------
    RecipeError
        There is no such recipe (the nearest names are told), the file cannot be read, or a key or value in it is wrong
        (key and line are told).

    Examples
    --------
    >>> recipe = load_recipe("rosbank")
    >>> recipe.item, list(recipe.tasks)
    ('mcc', ['target'])
    >>> load_recipe("ag")
    Traceback (most recent call last):
    llm4es.core.errors.RecipeError: no recipe 'ag': did you mean age? (your own is given by the path of its TOML)
    """
    toml = _read(str(name_or_path), known)
    try:
        values = tomllib.loads(toml.text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{toml.name} is not valid TOML: {one_line(error, 300)}") from error
    except RecursionError:
        raise RecipeError(f"{toml.name} nests tables or lists too deep: a recipe needs five levels") from None
    return checked(values, toml.name, toml.text, toml.folder, toml.origin)


def recipe_from_json(text: str, folder: Path | None = None, origin: str | None = None) -> Recipe:
    """The recipe that ``Recipe.to_json`` wrote: equal to the bit, as its ``content_hash`` shows.

    Parameters
    ----------
    text : str
        JSON.
    folder : Path, optional
        Where the recipe's files lie; None: a built-in recipe.
    origin : str, optional
        The file that it was read from, or 'frame'; None: a built-in recipe.

    Raises
    ------
    RecipeError
        The text is no recipe that this version knows.

    Examples
    --------
    >>> recipe = load_recipe("rosbank")
    >>> recipe_from_json(recipe.to_json()) == recipe
    True
    """
    try:
        values = json.loads(text)
    except RecursionError:
        raise RecipeError("the kept recipe nests objects too deep: keep it again from its TOML") from None
    except json.JSONDecodeError as error:
        raise RecipeError(f"the kept recipe is not valid JSON: {error}") from error
    if not isinstance(values, dict):
        raise RecipeError(f"the kept recipe is no object but {text[:40]!r}: keep it again from its TOML")
    return checked(values, f"the kept recipe {values.get('name')!r}", text, folder, origin)


def checked(
    values: Mapping[str, Any], what: str, text: str = "", folder: Path | None = None, origin: str | None = None
) -> Recipe:
    """The recipe of these values, called ``what`` in messages; ``text`` is where they were read, for lines."""
    for key in ("folder", "origin"):
        if key in values:
            raise RecipeError(f"{what}: {key}: there is no such key; paths are relative to the recipe's own file")
    try:
        return Recipe.model_validate({**values, "folder": folder, "origin": origin})
    except ValidationError as error:
        problem = first_problem(error, text)
    raise RecipeError(f"{what}: {problem}")  # without pydantic's error, which keeps every frame from being freed


def _read(name_or_path: str, known: Sequence[str]) -> _Toml:
    """The text of a recipe, wherever it is."""
    path = Path(name_or_path).expanduser()
    if _is_toml(name_or_path) or path.is_file():
        try:
            if path.stat().st_size > MOST_BYTES:
                size = f"{path.stat().st_size / 1e6:.0f} MB"
                raise RecipeError(
                    f"{path} has {size}: a recipe is a TOML of a few kilobytes, and raw files are named in it"
                )
            return _Toml(str(path), path.read_text(encoding="utf-8"), path.absolute().parent, str(path.absolute()))
        except FileNotFoundError:
            raise RecipeError(f"no recipe at {path}: check the path, or write one with 'llm4es init'") from None
        except (OSError, UnicodeDecodeError) as error:
            raise RecipeError(f"cannot read the recipe {path}: {error}") from error
    builtin = builtin_recipes()
    if name_or_path not in builtin:
        hint = nearest(name_or_path, list(dict.fromkeys([*known, *builtin])))
        raise RecipeError(f"no recipe {name_or_path!r}: {hint} (your own is given by the path of its TOML)")
    text = shipped_text("recipes", name_or_path)
    return _Toml(f"recipe {name_or_path!r}", text, None, None)


def _is_toml(name: str) -> bool:
    return name.endswith(".toml")
