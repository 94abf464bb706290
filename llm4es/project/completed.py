"""New events put among those that an entity has already: its whole history, as if all had been read at once.

In: a context, new events, the version of the store that they complete. Out: batches of all events of the entities that
have new ones, sorted by entity and time. Knows no files and no texts.
"""

from collections.abc import Iterator, Sequence

import duckdb
import pyarrow as pa

from ..core.sql import identifier
from ..recipes.derive import PARTS, EventBuilder
from ..recipes.raw_events import BATCH_ROWS, last_of_key
from .context import Context


def completed(context: Context, new: pa.RecordBatchReader, since: int) -> Iterator[pa.RecordBatch]:
    """The histories that new events are part of.

    Parameters
    ----------
    context : Context
        Recipe, store, and who hears of events that were there.
    new : pyarrow.RecordBatchReader
        From ``read_events``: positions and gaps are those among the new ones.
    since : int
        Version of the store whose events they complete: what other runs have written later is none of it.

    Yields
    ------
    pyarrow.RecordBatch
        As of ``read_events``. Among events of one time those that were there come first; of those with one
        ``events.key`` the newest stands.

    Examples
    --------
    >>> from llm4es.options import SerializeOptions
    >>> from llm4es.recipes import locate, read_events
    >>> again = read_events(context.recipe, locate(context.recipe), SerializeOptions())
    >>> ((newest,),) = context.store.sql("SELECT max(version) FROM runs").fetchall()
    >>> twice = pa.Table.from_batches(completed(context, again, newest))
    >>> [row["position"] for row in twice.to_pylist() if row["entity_id"] == "c0"]
    [0, 1, 2, 3, 4, 5]
    """
    recipe = context.recipe
    kept_fields = [field for field in recipe.fields if field.derive not in PARTS]
    # whether an event is new goes before its position: of one time, those that were there stay first
    columns = "entity_id, CAST(event_time AS TIMESTAMP) AS event_time, position" + "".join(
        f", {identifier(field.name)} AS {identifier(f'f_{field.name}')}" for field in kept_fields
    )
    key = [name if name == "event_time" else f"f_{name}" for name in recipe.events.key]
    view = identifier(context.store.events_view(context.dataset))
    with context.store.connect(at=since) as connection:
        connection.register("_reader", new)
        connection.execute(f"CREATE TEMP TABLE _new AS SELECT {columns} FROM _reader")
        connection.execute(
            "CREATE TEMP TABLE _ids AS SELECT entity_id, CAST(row_number() OVER (ORDER BY entity_id) - 1 AS INTEGER) "
            "AS number FROM (SELECT DISTINCT entity_id FROM _new)"
        )
        connection.execute(  # of a large store what takes longest: once, for both that ask for it
            f"CREATE TEMP TABLE _kept AS SELECT {columns}, 0 AS _new FROM {view} SEMI JOIN _ids USING (entity_id)"
        )
        both = "SELECT number, _all.* EXCLUDE (entity_id) FROM (FROM _kept UNION ALL FROM (SELECT *, 1 FROM _new)) _all"
        rows = f"{both} JOIN _ids USING (entity_id) {last_of_key('number', key, '_new DESC, position DESC')}"
        _say_what_was_there(context, connection, key)
        ids = connection.sql("SELECT entity_id FROM _ids ORDER BY number").to_arrow_table()["entity_id"]
        reader = connection.sql(f"{rows} ORDER BY number, event_time, _new, position").to_arrow_reader(BATCH_ROWS)
        yield from EventBuilder(recipe.name, recipe.fields, {}, ids.combine_chunks()).events(reader)


def _say_what_was_there(context: Context, connection: duckdb.DuckDBPyConnection, key: Sequence[str]) -> None:
    """How many of the new events are known: by their key, or to the last field."""
    if key:
        using = ", ".join(map(identifier, ["entity_id", *key]))
        query = f"SELECT count(*) FROM _new SEMI JOIN _kept USING ({using})"
    else:
        there = "SELECT * EXCLUDE (position, _new) FROM _kept"
        query = f"SELECT count(*) FROM (SELECT * EXCLUDE (position) FROM _new INTERSECT {there})"
    ((known,),) = connection.execute(query).fetchall()
    if known and key:
        context.observer.say(f"serialize: {known} new events have the key of one that was there, and take its place")
    elif known:
        context.observer.warn(
            f"{known} new events equal one that was there in time and every field, and are kept beside it: if they are "
            'the same, name what tells events apart: events.key = ["..."]'
        )
