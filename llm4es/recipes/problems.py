"""What is wrong with the values of a recipe, in one line: the key, the line, and the name that would be right.

In: a validation error and the text that was read. Out: a message.
"""

from pydantic import ValidationError

from ..core.errors import did_you_mean, one_line
from .model import Recipe


def first_problem(error: ValidationError, text: str) -> str:
    """The first thing wrong: key, line of ``text`` where it can be found, what, and the name that would be right."""
    problem = error.errors(include_url=False)[0]
    place = problem["loc"]
    key = ".".join(str(part) for part in place) or "the recipe as a whole"
    what = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        what = f"there is no such key{did_you_mean(str(place[-1]), _keys())}"
    elif problem["type"] != "missing" and not isinstance(problem["input"], dict | list):
        what += f", not {one_line(repr(problem['input']), 200)}"
    return f"{key}{_line(place, text)}: {what}"


def _keys() -> list[str]:
    """Every key that a recipe may hold somewhere."""
    schema = Recipe.model_json_schema(by_alias=True)
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
    return f" (line {start + 1}: {one_line(line, 200)})" if place and str(place[-1]) in line else ""


def _opens(line: str, key: str, depth: int) -> bool:
    """Whether a line gives a key, or opens a table that ends in it."""
    bare = line.strip()
    if bare.startswith("["):
        parts = bare.split("]")[0].strip("[").split(".")
        return depth < len(parts) and parts[depth].strip().strip("\"'") == key
    return bare.split("=")[0].strip().strip("\"'") == key
