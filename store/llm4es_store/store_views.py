"""The views of a store: every promised table, the record of runs, each dataset's events.

In: one version of each table, and what is damaged. Out: views. Knows the tables' columns, not what they are for.
"""

from collections.abc import Callable, Collection, Mapping, Sequence

import pyarrow as pa

from llm4es.core.schemas import EVENT_KEYS
from llm4es.core.sql import identifier, literal
from llm4es.core.tables import events_table

from .delta import Table
from .event_names import events_views, shared_names
from .layout import NOT_ENDED, TABLES
from .smaller_vectors import CODED, DECODED
from .views import View, duckdb_types, empty_sql, select_sql

_RUNS_VIEW = """SELECT run_id, stage, dataset, started_at, seconds, {status} AS status, rows_in, rows_computed,
    rows_reused, reasons, config, versions, code_version, host, cost, message, version
FROM ({rows}) WHERE {condition} QUALIFY row_number() OVER (PARTITION BY run_id ORDER BY version DESC) = 1"""


def store_views(
    tables: Mapping[str, Table],
    datasets: Collection[str],
    version: int | None = None,
    *,
    damaged: Mapping[str, str] | None = None,
    dead: Sequence[str] = (),
    place: Callable[[str], str] = str,
) -> dict[str, View]:
    """Name -> view over these tables; ``version`` shows of the record only what the store held by then.

    ``damaged`` says of a table what is wrong with it: its view is there and says so. ``dead`` are runs that never ended
    and whose process is gone. ``place`` gives what the connection calls a folder of the store.
    """
    damaged = damaged or {}
    views = {}
    for table, spec in TABLES.items():
        select = _promised(spec.schema, tables.get(table), place)
        if table == "runs":
            condition = "true" if version is None else f"version <= {version}"
            select = _RUNS_VIEW.format(rows=select, condition=condition, status=_status(dead))
        views[table] = View(select, duckdb_types(spec.schema), damaged.get(table))
    names = events_views([name for name in datasets if events_table(name) in {*tables, *damaged}])
    for dataset, name in names.items():
        table = events_table(dataset)
        if (events := tables.get(table)) is not None:
            views[name] = View(select_sql(events, place(events.path)), duckdb_types(events.schema))
        elif table in damaged:
            views[name] = View("", duckdb_types(EVENT_KEYS), damaged[table])
    for name, told in shared_names(names).items():
        views[name] = View("", duckdb_types(EVENT_KEYS), told)
    return views


def _status(dead: Sequence[str]) -> str:
    """The column ``status``: a run that was killed may not have been recorded so yet."""
    if not dead:
        return "status"
    chosen = ", ".join(literal(run_id) for run_id in dead)
    return f"CASE WHEN status = {literal(NOT_ENDED)} AND run_id IN ({chosen}) THEN 'killed' ELSE status END"


def _promised(schema: pa.Schema, table: Table | None, place: Callable[[str], str]) -> str:
    """A table's rows with the promised columns, in their order; those that an older table lacks are null."""
    if table is None:
        return empty_sql(schema)
    types, known = duckdb_types(schema), set(table.schema.names)
    shown = {column: identifier(column) for column in known} | (DECODED if known.issuperset(CODED) else {})
    columns = ", ".join(f"{shown.get(c, f'NULL::{t}')} AS {identifier(c)}" for c, t in types.items())
    return f"SELECT {columns} FROM ({select_sql(table, place(table.path))})"
