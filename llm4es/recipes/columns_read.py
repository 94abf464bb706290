"""Which raw columns the expressions of a recipe read: asked of DuckDB's own parser, not of their letters.

In: SQL expressions of a recipe, or the recipe. Out: columns, with the table where it is said, in lower case as SQL
compares them. Reads no file: a name that no table has is told of where the files are read.
"""

import re
from collections.abc import Iterator
from typing import Any

from ..core.errors import RecipeError
from .expressions import expression, parsed

Path = tuple[str, ...]
"""A column, and the keys that lead into it where it is nested: ('payload', 'status')."""

_INTO = frozenset({"->", "->>", "json_extract", "json_extract_string", "struct_extract", "array_extract"})
"""Functions whose second argument says which part of the first is meant."""

WHOLE: Path = ()
"""Every column of a row: ``COLUMNS(*)``, ``to_json(events)``."""


def paths_of(sql: str) -> set[Path]:
    """The columns of an expression, tables still in front of them.

    >>> sorted(paths_of("CASE WHEN t.\\"Left?\\" = 1 THEN payload->>'$.plan' END"))
    [('payload', 'plan'), ('t', 'left?')]
    """
    try:
        return set(_columns(parsed(f"SELECT {expression(sql)}")))
    except RecipeError:  # no expression: whoever reads the files refuses it
        return {(word.lower(),) for word in re.findall(r"[^\W\d]\w*", sql)}


def _columns(node: Any) -> Iterator[Path]:
    """Every column below a node of a parsed query."""
    if isinstance(node, list):
        for part in node:
            yield from _columns(part)
    if not isinstance(node, dict):
        return
    if (path := _path(node)) is not None:
        yield path
        return
    for key, part in node.items():
        if key not in ("alias", "lhs"):  # the parameters of a lambda are no columns
            yield from _columns(part)


def _path(node: dict[str, Any]) -> Path | None:
    """The column that a node is, or the part of one; None: it is something else."""
    kind = node.get("type")
    if kind == "COLUMN_REF":
        return tuple(str(name).lower() for name in node["column_names"])
    if kind == "STAR" and not node.get("expr"):
        return (str(node["relation_name"]).lower(),) if node.get("relation_name") else WHOLE
    parts: list[Any] = []
    if kind in ("ARRAY_EXTRACT", "STRUCT_EXTRACT"):
        parts = node.get("children", [])
    elif kind == "FUNCTION" and node.get("function_name") in _INTO:
        parts = [argument.get("expression", argument) for argument in node["arguments"]]
    if len(parts) != 2 or not isinstance(parts[0], dict) or parts[1].get("type") != "VALUE_CONSTANT":
        return None
    whole, key = _path(parts[0]), str(parts[1].get("literal", {}).get("text", ""))
    keys = [word.lower() for word in re.findall(r"[^\W]+", key.removeprefix("$"))]
    return None if whole is None else (*whole, *keys)
