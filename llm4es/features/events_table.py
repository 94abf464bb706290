"""Events as a DuckDB table in memory: what baselines and neighbours count in.

In: record batches of events. Out: a connection with a table ``events``. Knows no feature.
"""

from collections.abc import Iterable, Sequence

import duckdb
import pyarrow as pa

from ..core.errors import ProbeError


def loaded(events: Iterable[pa.RecordBatch], columns: Sequence[str]) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection with the table ``events``: entity_id and ``columns``.

    One thread: sums of floats then come in one order, and equal events give equal bytes.
    """
    batches = iter(events)
    first = next(batches, None)
    if first is None:
        raise ProbeError("there are no events to count: run `llm4es serialize` first")
    for column in columns:
        if column not in first.schema.names:
            raise ProbeError(f"events have no column '{column}': choose one of {', '.join(first.schema.names)}")
    names = list(dict.fromkeys(["entity_id", *columns]))
    schema = pa.schema([first.schema.field(name) for name in names])

    def chosen() -> Iterable[pa.RecordBatch]:
        yield first.select(names)
        for batch in batches:
            yield batch.select(names)

    connection = duckdb.connect(config={"enable_external_access": "false", "threads": 1})
    connection.register("stream", pa.RecordBatchReader.from_batches(schema, chosen()))
    connection.execute("CREATE TABLE events AS SELECT * FROM stream")
    return connection
