"""Expressions of a recipe as SQL, and what DuckDB says of them in one line.

In: what a recipe says, or an error. Out: SQL, or a message. Reads nothing. A recipe may come from anyone, and is text
that goes into statements: what is not one expression, or reaches for more than the columns, is refused here, by
DuckDB's own parser. (Where it is evaluated, nothing else can be reached either: see ``database``.)
"""

import functools
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from ..core.errors import RecipeError, nearest, one_line
from ..core.sql import identifier

_CLAUSES = ("modifiers", "where_clause", "group_expressions", "having", "qualify", "sample")
_REFUSED = frozenset({"getenv", "current_setting", "getvariable", "current_query", "write_log", "sleep_ms", "pg_sleep"})
_REFUSED |= {"nextval", "currval", "setval", "setseed", "stats", "txid_current"}
_REFUSED |= {"current_connection_id", "current_transaction_id", "current_query_id"}
"""Functions of the connection and not of its rows."""


def expression(sql: str, key: str = "") -> str:
    """An expression of a recipe, to be put anywhere. A bare name is a column, even one that SQL has other uses for.

    Raises RecipeError, with the ``key`` that says it, for whatever is not one expression over columns.
    """
    if sql.isidentifier():
        return identifier(sql)
    if problem := _problem(sql):
        raise RecipeError(f"{key or 'expression ' + repr(one_line(sql, 60))}: {problem}")
    return f"({sql}\n)"  # the line break ends a comment


@functools.lru_cache(maxsize=4096)
def _problem(sql: str) -> str | None:
    """What is wrong with an expression, None: nothing. It is parsed, never planned and never run."""
    tree = parsed(f"SELECT {sql}\n")
    if tree.get("error"):
        return f"Parser Error: {one_line(tree.get('error_message', ''), 200)}"
    if parsed(f"SELECT 1 WHERE ({sql}\n)").get("error"):  # as it will stand: a semicolon ends no expression
        return "it is no single SQL expression: write one value or condition, without a semicolon"
    node = tree["statements"][0]["node"]
    items = node.get("select_list", [])
    alone = len(tree["statements"]) == len(items) == 1 and not items[0].get("alias")
    if not alone or node["from_table"]["type"] != "EMPTY" or any(node[clause] for clause in _CLAUSES):
        return "it is no single SQL expression: write one value or condition over the columns, and no other clause"
    for part in _parts(items[0]):
        if part.get("class") == "SUBQUERY" or str(part.get("type", "")).endswith("_NODE"):
            return "it holds a subquery: an expression reads the columns of its own row, join other tables to it"
        if part.get("class") == "PARAMETER":
            return "it holds a parameter, which nobody fills in: write the value"
        if (name := str(part.get("function_name", "")).lower()) in _REFUSED:
            return (
                f"it calls {name}(), which tells of the connection and not of a row: write an expression over columns"
            )
    return None


def parsed(query: str) -> dict[str, Any]:
    """DuckDB's tree of a query."""
    with _parser().cursor() as connection:
        ((text,),) = connection.execute("SELECT json_serialize_sql($1)", [query]).fetchall()
    tree: dict[str, Any] = json.loads(text)
    return tree


def unparsed(tree: dict[str, Any]) -> str:
    """The one expression of a tree of ``SELECT ...`` as SQL."""
    with _parser().cursor() as connection:
        ((text,),) = connection.execute("SELECT json_deserialize_sql($1::JSON)", [json.dumps(tree)]).fetchall()
    return str(text).removeprefix("SELECT ")


@functools.cache
def _parser() -> Any:
    import duckdb  # heavy

    return duckdb.connect(
        config={"enable_external_access": "false", "temp_directory": "", "lock_configuration": "true"}
    )


def _parts(node: Any) -> Iterator[dict[str, Any]]:
    """Every object below a node of a tree."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node


def explained(error: BaseException, columns: Sequence[str]) -> str:
    """What DuckDB did not understand, with the nearest names where it is a column."""
    missing = re.search(r'column "([^"]+)" not found', str(error))
    if missing is None:
        cast = "; columns of text files are texts: write age::DOUBLE" if "explicit cast" in str(error) else ""
        return sentence(error) + cast
    return f"there is no column {missing[1]!r}; {nearest(missing[1], columns)}"


def sentence(error: BaseException) -> str:
    """DuckDB's message without what follows it over many lines: the drawing of the query, and hints."""
    return one_line(re.split(r"\n\s*(?:LINE \d|Possible|\*|\^)", str(error))[0])
