"""Views made one by one: that of a damaged table says so to whoever reads it, and hides no other.

In: a connection, views. Out: views on it; a StoreError for a query that reads from a damaged table. Knows no stage.
"""

import re
from contextlib import suppress

import duckdb

from llm4es.core.errors import StoreError
from llm4es.core.sql import identifier, literal

from .damage import damaged_view
from .explain import explain
from .views import View


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
