"""The live rows of one scope, in order: for whoever compares them with rows as they are made.

In: a catalog, a table, a scope. Out: SQL of its rows as of one version, and where a writer starts from. Where all that
is wanted is known before any of it is made, ``Catalog.plan`` compares it at once.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from llm4es.core.plan import Plan
from llm4es.core.sql import Scope, identifier, where

from .catalog import Catalog
from .explain import explained
from .views import empty_sql, select_sql

_MEMORY = "300MB"
"""Bound on DuckDB's memory while keys are put in order; what is larger is spilled to disk."""

_AT_ONCE = 2**15
"""Rows of keys read at a time."""

_COLUMNS = pa.schema([("entity_id", pa.string()), ("source_hash", pa.string()), ("as_of", pa.timestamp("us", "UTC"))])
"""What is asked of a table that may not be there yet."""


@dataclass(frozen=True)
class ScopeRows:
    """The rows of a scope, as of one version."""

    table: str
    scope: Scope
    rows: str
    """SELECT of them."""
    version: int | None
    commits: int

    def standing(self, subject: str = "entity_id") -> Plan:
        """A plan of nothing: who writes by it starts from what is live here."""
        nothing = pa.schema([(subject, pa.string()), ("source_hash", pa.string())]).empty_table()
        todo = nothing.append_column("reason", pa.array([], pa.string()))
        return Plan(todo, nothing, 0, 0, self.table, subject, self.scope, self.version, self.commits)


def live_rows(catalog: Catalog, table: str, scope: Scope, condition: str = "true") -> ScopeRows:
    """The live rows of a scope.

    Parameters
    ----------
    catalog : Catalog
        A store.
    table : str
        A table of it, or ``events/<dataset>``.
    scope : mapping of str to str or int
        Column -> value.
    condition : str, default "true"
        SQL condition that picks some of them.

    Returns
    -------
    ScopeRows
        For a connection of ``comparing``.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from llm4es_store import Store, comparing, live_rows
    >>> store = Store("example-live-rows", create=True)
    >>> scope, rows = {"dataset": "shop"}, pa.table({"entity_id": ["c2", "c1"], "task": ["t", "t"]})
    >>> with store.run("serialize", "shop", {}, "0.1") as run:
    ...     run.append("labels", scope, rows, ("entity_id", "task"))
    2
    >>> live = live_rows(store, "labels", scope)
    >>> with comparing(store) as connection:
    ...     in_order(connection, live.rows, ["entity_id"]).read_all()["entity_id"].to_pylist()
    ['c1', 'c2']
    """
    target = catalog.table(table)
    if target is None:
        return ScopeRows(table, scope, empty_sql(_COLUMNS), None, 0)
    rows = f"SELECT * FROM ({select_sql(target)}) WHERE ({condition}) AND {where(scope)}"
    return ScopeRows(table, scope, rows, target.version, target.transaction(scope))


@contextmanager
def comparing(catalog: Catalog) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that reads live rows, beside tables of whoever compares them; little of it is held in memory."""
    with catalog.trusted() as connection, explained():
        connection.execute(f"SET memory_limit = '{_MEMORY}'")
        yield connection


def in_order(connection: duckdb.DuckDBPyConnection, rows: str, columns: Sequence[str]) -> pa.RecordBatchReader:
    """Distinct values of some columns of a SELECT, sorted; several can be read by turns."""
    names = ", ".join(map(identifier, columns))
    query = f"SELECT DISTINCT {names} FROM ({rows}) ORDER BY {names}"
    return connection.cursor().sql(query).to_arrow_reader(_AT_ONCE)
