"""Views made one by one: that of a damaged table says so to whoever reads it, and hides no other.

In: a connection, views. Out: views on it, and which of them a query reads; a StoreError for a query that reads from a
damaged table. Knows no stage.
"""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import duckdb

from llm4es.core.errors import StoreError
from llm4es.core.sql import identifier, literal

from .damage import damaged_view
from .explain import explain
from .views import View

_ANYTHING = {"TABLE_FUNCTION", "SHOW_REF"}
"""What may read any view: a macro does, and what lists them."""

_TREE = "SELECT tree, tree->>'$.error' = 'true' FROM (SELECT json_serialize_sql($1) AS tree)"


def create_view(connection: duckdb.DuckDBPyConnection, name: str, view: View) -> None:
    """A view by name; the comment on a damaged one says what is wrong."""
    damage = view.damage
    if damage is None:
        try:
            connection.execute(f"CREATE VIEW {identifier(name)} AS {view.select}")
        except duckdb.Error as error:  # opening a view reads its files' heads: one may be gone
            damage = explain(error)
    if damage is not None:
        connection.execute(damaged_view(name, damage, view.columns))
        connection.execute(f"COMMENT ON VIEW {identifier(name)} IS {literal(damage)}")


def named_views(connection: duckdb.DuckDBPyConnection, views: Mapping[str, View], text: str) -> Mapping[str, View]:
    """The views that a query names, where it reads from nothing else; all of them where that cannot be told.

    To make a view opens every file of its table: a database that is made for one query needs no others.
    """
    named, own, kinds = set[str](), set[str](), set[str]()

    def note(node: dict[str, Any]) -> None:
        kinds.add(str(node.get("type")))
        if node.get("type") == "BASE_TABLE":
            named.add(".".join(filter(None, (node["catalog_name"], node["schema_name"], node["table_name"].lower()))))
        elif node.keys() == {"key", "value"}:  # what a WITH names
            own.add(str(node["key"]).lower())

    try:
        ((tree, failed),) = connection.execute(_TREE, [text]).fetchall()
        json.loads(tree, object_hook=note)
    except (duckdb.Error, ValueError):
        return views
    found = {name: view for name, view in views.items() if name.lower() in named}
    known = {*own, *map(str.lower, found)}
    return views if failed or kinds & _ANYTHING or not named <= known else found


def refuse_damaged(connection: duckdb.DuckDBPyConnection, text: str, relation: object | None) -> None:
    """Raise where a query reads from a damaged table, as its plan says; where it has none, for its columns are not
    known, as its words say."""
    known = connection.execute("SELECT view_name, comment FROM duckdb_views() WHERE comment IS NOT NULL").fetchall()
    if not known:
        return
    plan = text.lower()
    if relation is not None:
        with suppress(duckdb.Error):
            plan = "".join(row[1] for row in connection.execute(f"EXPLAIN (FORMAT json) {text}").fetchall())
    for view, message in known:
        if (_bare(message) in _bare(plan)) if relation is not None else (view.lower() in plan):
            raise StoreError(message)


def _bare(text: str) -> str:
    """A text without the quoting that a plan adds."""
    return re.sub(r"[\"'\\]", "", text)
