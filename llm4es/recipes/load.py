"""Recipes by name or path.

In: the name of a recipe in this package, or the path of a TOML. Out: the checked recipe, or an error that names the
file, the key and the line. Knows nothing of raw data.
"""

import difflib
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from pydantic import ValidationError

from ..core.errors import RecipeError
from .model import Recipe as RecipeModel


class Recipe(RecipeModel):
    """A recipe and where it was read from."""

    folder: Path | None = None
    """Folder of the TOML, which its paths are relative to; None: a built-in recipe."""


@dataclass(frozen=True)
class _Toml:
    """A recipe's text and the name it has in messages."""

    name: str
    text: str
    folder: Path | None


def builtin_recipes() -> list[str]:
    """Names of the recipes in this package."""
    return sorted(entry.name.removesuffix(".toml") for entry in files(__package__).iterdir() if _is_toml(entry.name))


def load_recipe(name_or_path: str) -> Recipe:
    """The recipe of that name, or in that file."""
    toml = _read(name_or_path)
    try:
        values = tomllib.loads(toml.text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{toml.name} is not valid TOML: {error}") from error
    try:
        return Recipe.model_validate({**values, "folder": toml.folder})
    except ValidationError as error:
        raise RecipeError(f"{toml.name}: {_first_problem(error, toml.text)}") from error


def _read(name_or_path: str) -> _Toml:
    """The text of a recipe, wherever it is."""
    path = Path(name_or_path).expanduser()
    if _is_toml(name_or_path) or path.is_file():
        try:
            return _Toml(str(path), path.read_text(encoding="utf-8"), path.absolute().parent)
        except FileNotFoundError:
            raise RecipeError(f"no recipe at {path}: check the path, or write one with 'llm4es init'") from None
        except (OSError, UnicodeDecodeError) as error:
            raise RecipeError(f"cannot read the recipe {path}: {error}") from error
    known = builtin_recipes()
    if name_or_path not in known:
        near = difflib.get_close_matches(name_or_path, known, cutoff=0.4)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(known)}"
        raise RecipeError(f"no recipe {name_or_path!r}: {hint} (your own is given by the path of its TOML)")
    text = files(__package__).joinpath(f"{name_or_path}.toml").read_text(encoding="utf-8")
    return _Toml(f"recipe {name_or_path!r}", text, None)


def _is_toml(name: str) -> bool:
    return name.endswith(".toml")


def _first_problem(error: ValidationError, text: str) -> str:
    """The first thing wrong: key, line, what, and the names that would be right."""
    problem = error.errors(include_url=False)[0]
    place = problem["loc"]
    key = ".".join(str(part) for part in place) or "the recipe as a whole"
    what = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(place[-1]), _keys(), n=1)
        what = "there is no such key" + (f"; did you mean {near[0]!r}?" if near else "")
    elif problem["type"] != "missing" and not isinstance(problem["input"], dict | list):
        what += f", not {problem['input']!r}"
    return f"{key}{_line(place, text)}: {what}"


def _keys() -> list[str]:
    """Every key that a recipe may hold somewhere."""
    schema = RecipeModel.model_json_schema(by_alias=True)
    parts = [schema, *schema.get("$defs", {}).values()]
    return sorted({key for part in parts for key in part.get("properties", {})})


def _line(place: tuple[int | str, ...], text: str) -> str:
    """' (line N: ...)' of the last key of a place, where it can be found below the tables that lead to it."""
    lines, start = text.splitlines(), 0
    for depth, part in enumerate(place):
        following = place[depth + 1] if depth + 1 < len(place) else None
        if isinstance(part, int):
            continue
        nth = following if isinstance(following, int) else 0
        found = [i for i in range(start, len(lines)) if _opens(lines[i], part, depth)]
        if len(found) > nth:
            start = found[nth]
    line = lines[start].strip() if start < len(lines) else ""
    return f" (line {start + 1}: {line})" if place and str(place[-1]) in line else ""


def _opens(line: str, key: str, depth: int) -> bool:
    """Whether a line gives a key, or opens a table that ends in it."""
    bare = line.strip()
    if bare.startswith("["):
        parts = bare.split("]")[0].strip("[").split(".")
        return depth < len(parts) and parts[depth].strip().strip("\"'") == key
    return bare.split("=")[0].strip().strip("\"'") == key
