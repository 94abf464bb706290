"""Events as a DuckDB table in memory: what baselines and neighbours count in.

In: record batches of events, in any order. Out: a connection with a table ``events``. Knows no feature.
"""

from collections.abc import Iterable, Sequence

import duckdb
import pyarrow as pa

from ..core.columns import batches_of
from ..core.errors import ProbeError
from ..core.sql import identifier, literal


def loaded(events: Iterable[pa.RecordBatch], columns: Sequence[str]) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection with the table ``events``: entity_id as text, and ``columns``.

    One thread: sums of floats then come in one order, and equal events give equal bytes.
    """
    batches = batches_of(events, "events", ProbeError)
    first = next(batches, None)
    if first is None:
        raise ProbeError("there are no events to count: run `llm4es serialize` first")
    names = list(dict.fromkeys(["entity_id", *columns]))
    for name in names:
        if name not in first.schema.names:
            raise ProbeError(f"events have no column '{name}': choose one of {', '.join(first.schema.names)}")
    schema = pa.schema([first.schema.field(name) for name in names])

    def chosen() -> Iterable[pa.RecordBatch]:
        yield first.select(names)
        for batch in batches:
            yield batch.select(names)

    connection = duckdb.connect(config={"enable_external_access": "false", "threads": 1})
    connection.register("stream", pa.RecordBatchReader.from_batches(schema, chosen()))
    connection.execute("CREATE TABLE events AS SELECT * REPLACE (entity_id::VARCHAR AS entity_id) FROM stream")
    if connection.sql("SELECT 1 FROM events WHERE entity_id IS NULL LIMIT 1").fetchall():
        raise ProbeError("events have a row without an entity_id: give each event its entity")
    return connection


def check_numbers(connection: duckdb.DuckDBPyConnection, column: str) -> None:
    """ProbeError that names the first entity with something in an amount's column that is no finite number."""
    name = identifier(column)
    query = f"""SELECT entity_id, {name}::VARCHAR FROM events
        WHERE {name} IS NOT NULL AND NOT coalesce(isfinite(TRY_CAST({name}::VARCHAR AS DOUBLE)), false)
        ORDER BY entity_id LIMIT 1"""
    for entity, value in connection.sql(query).fetchall():
        raise ProbeError(
            f"events of entity '{entity}' have {literal(value)} as amount '{column}': give finite numbers or nothing"
        )
