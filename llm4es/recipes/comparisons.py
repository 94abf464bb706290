"""Comparisons and sums of columns of texts that hold numbers: as numbers, where both sides are.

In: an expression of a recipe, and the rows that it is read from. Out: the same expression, such columns cast. Text
files have no types: '9' < '10' is false of texts. Codes with leading zeros are no numbers, and equality with a quoted
text stays one of texts.
"""

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import duckdb

from ..core.ids import MISSING
from ..core.sql import identifier, literal
from .expressions import expression, parsed, unparsed

SUMS = frozenset(
    {"+", "-", "*", "/", "//", "%", "**", "^", "abs", "round", "floor", "ceil", "ceiling", "sqrt", "ln", "exp"}
)
"""Operators and functions of numbers."""

COUNTS = frozenset({"length", "strlen", "len", "year", "month", "day", "hour", "datediff", "date_diff", "instr"})
"""Functions that give numbers of other things."""

SAME = frozenset({"COMPARE_EQUAL", "COMPARE_NOTEQUAL", "COMPARE_IN", "COMPARE_NOT_IN"})
"""Comparisons that a quoted text makes one of texts."""

NUMBERS = frozenset({"INTEGER", "NUMERIC"})
NUMBER_TYPES = ("int", "double", "float", "real", "decimal", "numeric")

_NUMBER = "nullif(TRY_CAST(_column AS DOUBLE), 'nan'::DOUBLE)"


def compared(connection: duckdb.DuckDBPyConnection, sql: str, clause: str) -> str:
    """An expression of a recipe as ``expression`` gives it, numbers of text columns compared as numbers.

    ``clause`` is what stands behind FROM.
    """
    if sql.isidentifier():
        return expression(sql)
    tree = parsed(f"SELECT {sql}\n")
    if tree.get("error"):  # whoever runs it says so
        return expression(sql)
    casts = _Casts(lambda column: _is_number(connection, column, clause))
    casts.walk(tree["statements"][0]["node"]["select_list"])
    return f"({unparsed(tree)})" if casts.made else expression(sql)


def _is_number(connection: duckdb.DuckDBPyConnection, column: str, clause: str) -> bool:
    """Whether a column of texts holds numbers and nothing else."""
    try:
        type = str(connection.execute(f"DESCRIBE SELECT {column} FROM {clause}").fetchall()[0][1])
    except duckdb.Error:  # a column that there is not: whoever runs the expression says so
        return False
    if type != "VARCHAR":
        return False
    missing = f"lower(v) IN ({', '.join(map(literal, MISSING))})"
    number = "TRY_CAST(v AS DOUBLE) IS NOT NULL AND NOT regexp_matches(v, '^[+-]?0\\d')"
    query = f"SELECT bool_and({number}) FROM (SELECT {column} AS v FROM {clause}) WHERE v <> '' AND NOT {missing}"
    return bool(connection.execute(query).fetchall()[0][0])


class _Casts:
    """A walk over the tree of an expression, which it changes."""

    def __init__(self, is_number: Callable[[str], bool]) -> None:
        self.made = 0
        self._is_number = is_number
        self._known: dict[str, bool] = {}

    def walk(self, node: Any) -> None:
        """Cast what is compared or added up in a node and below it."""
        if isinstance(node, list):
            for each in node:
                self.walk(each)
        elif isinstance(node, dict):
            kind, operands = str(node.get("type", "")), _operands(node)
            if node.get("class") == "FUNCTION" and node.get("function_name") in SUMS:
                self._cast([each for each in operands if self._is_column(each[0][each[1]])])
            elif kind.startswith("COMPARE_") and operands:
                self._compare(operands, ordered=kind not in SAME)
            for value in list(node.values()):
                self.walk(value)

    def _compare(self, operands: list[tuple[Any, Any]], ordered: bool) -> None:
        nodes = [place[key] for place, key in operands]
        columns = [each for each, node in zip(operands, nodes, strict=True) if self._is_column(node)]
        rest = [node for node in nodes if not self._is_column(node)]
        texts = [each for each, node in zip(operands, nodes, strict=True) if ordered and _is_quoted_number(node)]
        if columns and all(_gives_number(node) or (ordered and _is_quoted_number(node)) for node in rest):
            self._cast([*columns, *texts])

    def _is_column(self, node: Any) -> bool:
        """Whether a node is a column of texts that are numbers."""
        if not isinstance(node, dict) or node.get("class") != "COLUMN_REF":
            return False
        column = ".".join(map(identifier, node["column_names"]))
        if column not in self._known:
            self._known[column] = self._is_number(column)
        return self._known[column]

    def _cast(self, operands: list[tuple[Any, Any]]) -> None:
        for place, key in operands:
            template = parsed(f"SELECT {_NUMBER}")["statements"][0]["node"]["select_list"][0]
            place[key] = _filled(template, deepcopy(place[key]))
            self.made += 1


def _operands(node: dict[str, Any]) -> list[tuple[Any, Any]]:
    """The (container, key) of each thing that an operator takes."""
    found: list[tuple[Any, Any]] = [(node, key) for key in ("left", "right", "input", "lower", "upper") if key in node]
    if node.get("type") in SAME and isinstance(node.get("children"), list):
        found += [(node["children"], at) for at in range(len(node["children"]))]
    if node.get("class") == "FUNCTION":
        found += [(argument, "expression") for argument in node.get("arguments", [])]
    return found


def _gives_number(node: Any) -> bool:
    """Whether a node is a number whatever the columns are."""
    if node.get("class") == "CONSTANT":
        return node["literal"].get("kind") in NUMBERS
    if node.get("class") == "FUNCTION":
        return node.get("function_name") in SUMS | COUNTS
    return node.get("class") == "CAST" and any(name in json.dumps(node["type_expr"]).lower() for name in NUMBER_TYPES)


def _is_quoted_number(node: Any) -> bool:
    text = node["literal"].get("text", "") if node.get("class") == "CONSTANT" else ""
    try:
        return node["literal"].get("kind") == "STRING" and bool(text.strip()) and float(text) == float(text)
    except (ValueError, KeyError):
        return False


def _filled(node: Any, column: Any) -> Any:
    """A template with the column in it."""
    if isinstance(node, list):
        return [_filled(each, column) for each in node]
    if not isinstance(node, dict):
        return node
    if node.get("column_names") == ["_column"]:
        return column
    return {key: _filled(value, column) for key, value in node.items()}
