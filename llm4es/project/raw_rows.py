"""Whose raw events are as they were: they are not put in order, written as text or compared again.

In: the raw events of everybody, hashed, and what the store keeps of the last time. Out: who has to be read. Taken only
where the newest serialization kept it at its end and made the same texts; otherwise everybody is read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from ..core.hashing import CONFIG_ID_LENGTH
from ..core.sql import identifier, literal
from ..core.tables import events_table
from ..recipes import RawEvents
from .context import Context
from .making import Making
from .recorded import PastRun
from .selection import RAW

if TYPE_CHECKING:
    import duckdb

    from llm4es_store import Run

WRITER, WRITER_NOW = "writer", 1
"""What the record calls the way from events to texts, and which it is now: another number where the text of the same
events and settings becomes another one, so that every text is made and compared once more."""

TABLE = "raw_rows"


@dataclass(frozen=True)
class Unread:
    """Who has to be read, and who not."""

    only: pa.ChunkedArray | None
    """Entities that have to be read; None: everybody."""
    n_texts: tuple[int, ...] = ()
    """Of each cut, how many texts the others have, which stay."""
    n_others: int = 0
    """Entities that need not be read."""


def unread(
    context: Context,
    last: PastRun | None,
    connection: "duckdb.DuckDBPyConnection",
    raw: RawEvents,
    rows: pa.Table,
    makings: Sequence[Making],
) -> Unread:
    """Who has to be read. Where it is not everybody, leaves the tables ``everybody`` and ``to_read`` behind.

    Parameters
    ----------
    context : Context
        Store and recipe.
    last : PastRun or None
        The serialization before this one.
    connection : duckdb.DuckDBPyConnection
        Of ``llm4es_store.comparing``.
    raw : RawEvents
        Open.
    rows : pyarrow.Table
        Its hashes.
    makings : sequence of Making
        The texts that are wanted.

    Returns
    -------
    Unread
        Everybody, where the store does not know.
    """
    from llm4es_store import live_rows

    made = set() if last is None else {each["config_id"] for each in last.config.get("cutoffs", ())}
    if (
        last is None
        or last.status != "done"
        or last.config.get(WRITER) != WRITER_NOW
        or context.store.table(TABLE) is None
        or not made.issuperset(making.cut.cutoff.config_id for making in makings)
    ):
        return Unread(None)
    connection.register("_rows", rows)
    connection.execute("CREATE TABLE everybody AS SELECT entity_id, values_hash, places_hash FROM _rows")
    scope = {"dataset": context.dataset, "config_id": raw.made_from[:CONFIG_ID_LENGTH]}
    kept = live_rows(context.store, TABLE, scope, f"run_id = {literal(last.run_id)}").rows
    connection.execute(f"""CREATE TABLE as_before AS
        SELECT entity_id, now.places_hash = kept.places_hash AS in_place
        FROM everybody AS now JOIN ({kept}) AS kept USING (entity_id) WHERE now.values_hash = kept.values_hash""")
    moved = connection.sql("SELECT entity_id FROM as_before WHERE NOT in_place").to_arrow_table()["entity_id"]
    if len(moved):  # where two of its events are of one time, their order is that of the files
        connection.register("_in_no_order", pa.table({"entity_id": raw.in_no_order(moved)}))
        connection.execute("DELETE FROM as_before WHERE NOT in_place AND entity_id IN (FROM _in_no_order)")
    events = live_rows(context.store, events_table(context.dataset), {"dataset": context.dataset}, "position = 0").rows
    _keep_only(connection, f"SELECT entity_id FROM ({events})")
    for making in makings:
        _keep_only(connection, _with_its_text(context, connection, making))
    ((others,),) = connection.execute("SELECT count(*) FROM as_before").fetchall()
    if not others:
        return Unread(None)
    connection.execute("CREATE TABLE to_read AS SELECT entity_id FROM everybody ANTI JOIN as_before USING (entity_id)")
    n_texts = tuple(_n_texts(connection, making, others) for making in makings)
    return Unread(connection.sql("FROM to_read").to_arrow_table()["entity_id"], n_texts, others)


def read_only(connection: "duckdb.DuckDBPyConnection", entities: pa.Array) -> pa.ChunkedArray:
    """Leave the tables behind that ``unread`` leaves, where it is known who is read, and nobody is thought of besides.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Of ``llm4es_store.comparing``.
    entities : pyarrow.Array
        Who is read.

    Returns
    -------
    pyarrow.ChunkedArray
        The same.
    """
    connection.register("_entities", pa.table({"entity_id": entities}))
    connection.execute("CREATE TABLE to_read AS FROM _entities")
    return pa.chunked_array([entities])


def keep_rows(context: Context, run: "Run", made_from: str, rows: pa.Table) -> None:
    """Enter the hashes, at the end of a run that read everybody.

    Parameters
    ----------
    context : Context
        Whose they are.
    run : Run
        Open.
    made_from : str
        What they are hashes of.
    rows : pyarrow.Table
        From ``RawEvents.rows``.
    """
    of_dataset = {"dataset": context.dataset}
    if context.store.table(TABLE) is not None:
        run.delete(TABLE, of_dataset, "true")
    run.append(TABLE, {**of_dataset, "config_id": made_from[:CONFIG_ID_LENGTH]}, rows, ("entity_id",))


def _keep_only(connection: "duckdb.DuckDBPyConnection", entities: str) -> None:
    """Whatever has no row where it should have one is read anew."""
    connection.execute(f"DELETE FROM as_before WHERE entity_id NOT IN ({entities})")


def _with_its_text(context: Context, connection: "duckdb.DuckDBPyConnection", making: Making) -> str:
    """SELECT of the entities that have the text that they should have, where their events are as before.

    Who has none may have had no event before the cut-off: that is looked at again.
    """
    from llm4es_store import live_rows

    scope = {"dataset": context.dataset, "variant": RAW, "config_id": making.cut.cutoff.config_id}
    texts = live_rows(context.store, "texts", scope).rows
    if making.own is None:
        return f"SELECT entity_id FROM ({texts})"
    name = _own(making)
    connection.register("_own", making.own)
    connection.execute(f"CREATE TABLE {name} AS SELECT entity_id, as_of FROM _own")
    return f"""SELECT entity_id FROM everybody LEFT JOIN {name} AS own USING (entity_id)
        LEFT JOIN (SELECT entity_id, as_of FROM ({texts})) AS text USING (entity_id)
        WHERE text.as_of IS NOT DISTINCT FROM own.as_of"""


def _n_texts(connection: "duckdb.DuckDBPyConnection", making: Making, others: int) -> int:
    """How many of those that are not read have a text."""
    if making.own is None:
        return others
    ((count,),) = connection.execute(
        f"SELECT count(*) FROM as_before SEMI JOIN {_own(making)} USING (entity_id)"
    ).fetchall()
    return int(count)


def _own(making: Making) -> str:
    return identifier(f"own {making.cut.cutoff.config_id}")
