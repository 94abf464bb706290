"""The one place where names and values become SQL text. Knows no table."""

import re
from collections.abc import Mapping


def identifier(value: str) -> str:
    """An identifier, quoted: any column or table name is safe."""
    return '"' + value.replace('"', '""') + '"'


def literal(value: str | int | float | bool) -> str:
    """A constant: text quoted, numbers as they are."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    return "'" + value.replace("'", "''") + "'"


def file_literal(path: str) -> str:
    """A constant that stands for one file: what DuckDB would take for a pattern in its name is escaped.

    Examples
    --------
    >>> file_literal("/data/day [1].csv")
    "'/data/day [[]1].csv'"
    """
    return literal(re.sub(r"[*?\[]", r"[\g<0>]", path))


Scope = Mapping[str, str | int]
"""Column -> value: the rows that one writer is answerable for."""


def where(scope: Scope) -> str:
    """A scope as an SQL condition. An empty scope matches every row."""
    return " AND ".join(f"{identifier(column)} = {literal(value)}" for column, value in scope.items()) or "true"
