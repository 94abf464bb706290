"""What has to be computed: the rows that are wanted against the rows that are live.

In: wanted rows (key columns and ``source_hash``) and a relation of live ones. Out: what to do, and why.
Knows neither stages nor files.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import duckdb
import pyarrow as pa

from .quoting import name


class Reason(StrEnum):
    """Why a row is computed."""

    NEW = "new"  # the entity has no such row
    CHANGED = "text changed"  # it was made from other content
    CONFIG = "config changed"  # the entity has such a row, under another configuration
    MODEL = "model changed"  # the name stood for other weights


@dataclass(frozen=True)
class Plan:
    """The difference between what is wanted and what is live."""

    todo: pa.Table
    """Wanted rows to compute, in the order wanted, with a column ``reason``."""
    stale: pa.Table
    """Live rows (entity_id, source_hash) that no wanted row confirms: made from other content, or vanished."""
    vanished: int
    """Entities that are live and no longer wanted; 0 where the wanted set was not the whole."""
    reused: int
    """Wanted rows that are live already."""

    @property
    def reasons(self) -> dict[str, int]:
        """Reason -> rows to compute."""
        return dict(Counter(self.todo["reason"].to_pylist()))


def make_plan(
    connection: duckdb.DuckDBPyConnection,
    wanted: pa.Table,
    live: str,
    kin: str,
    key: Sequence[str],
    *,
    complete: bool,
    unseen: Reason,
) -> Plan:
    """Compare ``wanted`` with the rows of the SELECT ``live``.

    ``kin`` selects the entity_id of rows of the same kind under another configuration: a row that is new here but
    known there is computed for the reason ``unseen``. Only where ``wanted`` is the ``complete`` set can a live row
    that is not in it be said to have vanished.
    """
    keys = ", ".join(name(column) for column in key)
    connection.register("wanted", wanted.append_column("_row", pa.array(range(len(wanted)), pa.int64())))
    connection.execute(f"CREATE OR REPLACE TEMP TABLE live AS SELECT {keys}, source_hash FROM ({live})")
    todo = connection.sql(f"""
        SELECT wanted.* EXCLUDE (_row), CASE
            WHEN live.source_hash IS NOT NULL THEN '{Reason.CHANGED}'
            WHEN wanted.entity_id IN (SELECT entity_id FROM ({kin})) THEN '{unseen}'
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
    connection.unregister("wanted")
    return Plan(todo, stale, vanished, reused=len(wanted) - len(todo))
