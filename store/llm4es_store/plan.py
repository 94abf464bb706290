"""What has to be computed: the rows that are wanted against the rows that are live.

In: wanted rows (key columns and ``source_hash``) and a relation of live ones. Out: what to do, and why.
Knows neither stages nor files.
"""

from collections.abc import Sequence
from functools import partial

import duckdb
import numpy as np
import pyarrow as pa

from llm4es.core.plan import Plan, Reason
from llm4es.core.sql import Scope, identifier, where


def make_plan(
    connection: duckdb.DuckDBPyConnection,
    rows: str,
    table: str,
    scope: Scope,
    wanted: pa.Table,
    key: Sequence[str],
    *,
    version: int | None,
    commits: int,
    kin: Scope | None,
    complete: bool,
    unseen: Reason,
) -> Plan:
    """Compare ``wanted`` with the live ``rows`` (a SELECT) of a scope, as of ``version`` and ``commits`` of the table.

    ``kin`` is a wider scope, of rows of the same kind under other configurations: a row that is new here but known
    there is computed for the reason ``unseen``. Only where ``wanted`` is the ``complete`` set can a live row that is
    not in it be said to have vanished.
    """
    keys = ", ".join(identifier(column) for column in key)
    planned = partial(Plan, table=table, scope=scope, version=version, commits=commits)
    connection.register("wanted", wanted.append_column("_row", pa.array(np.arange(len(wanted)))))
    if _all_live(connection, keys, f"FROM ({rows}) WHERE {where(scope)}"):
        nothing = wanted.slice(0, 0)
        todo = nothing.append_column("reason", pa.array([], pa.string()))
        return planned(todo, nothing.select(["entity_id", "source_hash"]), 0, len(wanted))
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE live AS SELECT {keys}, source_hash FROM ({rows}) WHERE {where(scope)}"
    )
    known = f"SELECT entity_id FROM ({rows}) WHERE {where(kin)}" if kin else "SELECT NULL WHERE false"
    todo = connection.sql(f"""
        SELECT wanted.* EXCLUDE (_row), CASE
            WHEN live.source_hash IS NOT NULL THEN '{Reason.CHANGED}'
            WHEN wanted.entity_id IN ({known}) THEN '{unseen}'
            ELSE '{Reason.NEW}' END AS reason
        FROM wanted LEFT JOIN live USING ({keys})
        WHERE live.source_hash IS DISTINCT FROM wanted.source_hash ORDER BY _row""").to_arrow_table()
    stale = connection.sql(f"""
        SELECT DISTINCT live.entity_id, live.source_hash FROM live
        LEFT JOIN (SELECT DISTINCT entity_id, source_hash FROM wanted) sound USING (entity_id)
        WHERE CASE WHEN sound.entity_id IS NULL THEN {complete} ELSE live.source_hash <> sound.source_hash END
        """).to_arrow_table()
    vanished = 0
    if complete:
        gone = connection.sql(
            "SELECT DISTINCT entity_id FROM live WHERE entity_id NOT IN (SELECT entity_id FROM wanted)"
        )
        vanished = len(gone.to_arrow_table())
    return planned(todo, stale, vanished, len(wanted) - len(todo))


def _all_live(connection: duckdb.DuckDBPyConnection, keys: str, live: str) -> bool:
    """Whether the live rows are the wanted ones and no others, told by the sum of their hashes: no join, no sort.

    This is what every rerun with nothing to do costs. Two sets of rows agree by chance once in 2^64.
    """
    digest = f"count(*), sum(hash({keys}, source_hash))"
    mine, theirs = (connection.execute(f"SELECT {digest} {rows}").fetchone() for rows in ("FROM wanted", live))
    return mine == theirs
