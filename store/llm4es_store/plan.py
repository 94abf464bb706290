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
    related: str | None,
    complete: bool,
    unseen: Reason,
) -> Plan:
    """Compare ``wanted`` with the live ``rows`` (a SELECT) of a scope, as of ``version`` and ``commits`` of the table.

    The subject, whom the rows are about, is the key's first column: an entity, the features of a probe, a model.
    ``related`` is a SELECT of a wider scope, of rows of the same kind under other configurations: a row that is new
    here but whose subject is known there is computed for the reason ``unseen``. Only where ``wanted`` is the
    ``complete`` set can a live row that is not in it be said to have vanished. Several live rows of one key, such as a
    probe's row a metric, count once.
    """
    subject, keys = identifier(key[0]), ", ".join(identifier(column) for column in key)
    planned = partial(Plan, table=table, subject=key[0], scope=scope, version=version, commits=commits)
    connection.register("wanted", wanted.append_column("_row", pa.array(np.arange(len(wanted)))))
    live = f"FROM ({rows}) WHERE {where(scope)}"
    known = f"FROM ({related})" if related else ""
    nothing = wanted.slice(0, 0)
    stale = nothing.select([key[0], "source_hash"])
    if _all_live(connection, keys, live):
        todo = nothing.append_column("reason", pa.array([], pa.string()))
        return planned(todo, stale, 0, len(wanted))
    if not any(connection.execute(f"SELECT 1 {of} LIMIT 1").fetchall() for of in (live, known) if of):
        todo = wanted.append_column("reason", pa.repeat(pa.scalar(Reason.NEW.value), len(wanted)))
        return planned(todo, stale, 0, 0)
    # Two passes over the live keys and no copy of them: what is left over on either side is little, as a rule.
    connection.execute(f"""CREATE OR REPLACE TEMP TABLE todo AS
        SELECT * FROM wanted ANTI JOIN (SELECT {keys}, source_hash {live}) USING ({keys}, source_hash)""")
    connection.execute(f"""CREATE OR REPLACE TEMP TABLE unconfirmed AS
        FROM (SELECT {keys}, source_hash {live}) ANTI JOIN wanted USING ({keys}, source_hash)""")
    met = f"SELECT {subject} {known} SEMI JOIN todo USING ({subject})" if related else "SELECT NULL LIMIT 0"
    todo = connection.sql(f"""
        SELECT todo.* EXCLUDE (_row), CASE
            WHEN outdated.outdated THEN '{Reason.CHANGED}'
            WHEN todo.{subject} IN ({met}) THEN '{unseen}'
            ELSE '{Reason.NEW}' END AS reason
        FROM todo LEFT JOIN (SELECT DISTINCT {keys}, true AS outdated FROM unconfirmed) outdated USING ({keys})
        ORDER BY _row""").to_arrow_table()
    ours = "" if complete else f"SEMI JOIN wanted USING ({subject})"  # of a part, the rest may well be wanted too
    stale = connection.sql(f"""
        SELECT DISTINCT {subject}, source_hash FROM unconfirmed ANTI JOIN wanted USING ({subject}, source_hash) {ours}
        """).to_arrow_table()
    vanished = 0
    if complete:
        gone = connection.sql(f"SELECT count(DISTINCT {subject}) FROM unconfirmed ANTI JOIN wanted USING ({subject})")
        ((vanished,),) = gone.fetchall()
    return planned(todo, stale, vanished, len(wanted) - len(todo))


def _all_live(connection: duckdb.DuckDBPyConnection, keys: str, live: str) -> bool:
    """Whether the live rows are the wanted ones and no others, told by the sum of their hashes: no join, no sort.

    This is what every rerun with nothing to do costs. Two sets of rows agree by chance once in 2^64. Where several
    live rows have one key the sums differ, and the joins, which count them once, have the last word.
    """
    digest = f"count(*), sum(hash({keys}, source_hash))"
    mine, theirs = (connection.execute(f"SELECT {digest} {rows}").fetchone() for rows in ("FROM wanted", live))
    return mine == theirs
