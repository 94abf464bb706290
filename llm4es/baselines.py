"""Baselines: feature sets that need no language model, made from the same events.

In: events batches, or ids alone. Out: feature sets under a plain name. A new baseline is one entry in ``BASELINES``.
Counting is done by DuckDB over the stream of batches; scaling is left to the probe's training folds.
Knows no labels.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from scipy import sparse

from .errors import ProbeError
from .features import FeatureSet, Preprocess
from .fingerprint import canonical_json, text_hash


def tfidf(events: Iterable[pa.RecordBatch], column: str) -> FeatureSet:
    """Events an entity and value of ``column``, weighed by rarity in the probe. An entity without any has zeros."""
    stream = _stream(events, column)
    counts = _query(
        stream,
        """SELECT entity_id, item, count(item) AS n FROM (SELECT entity_id, "COLUMN"::VARCHAR AS item FROM events)
        GROUP BY ALL ORDER BY entity_id, item""".replace("COLUMN", column.replace('"', '""')),
    )
    ids, rows = np.unique(counts["entity_id"].to_numpy(zero_copy_only=False), return_inverse=True)
    named = counts["item"].fill_null("").to_numpy(zero_copy_only=False)
    items, columns = np.unique(named, return_inverse=True)
    n = counts["n"].to_numpy()
    matrix = sparse.csr_matrix((n.astype(float), (rows, columns)), shape=(len(ids), len(items)))  # (N, items)
    matrix.eliminate_zeros()  # events whose value is null count for no item
    content = [counts.column(name).to_pylist() for name in counts.column_names]
    return FeatureSet(
        name="tfidf",
        entity_ids=[str(i) for i in ids],
        matrix=matrix,
        model=None,
        k=None,
        seen=frozenset(),
        source_hash=text_hash(canonical_json([column, content])),
        preprocess=Preprocess.TFIDF,
    )


def majority(entity_ids: Sequence[str]) -> FeatureSet:
    """Nothing about anybody: a probe of it knows the classes' shares alone."""
    ids = sorted(entity_ids)
    return FeatureSet(
        name="majority",
        entity_ids=ids,
        matrix=np.zeros((len(ids), 1)),  # (N, 1)
        model=None,
        k=None,
        seen=frozenset(),
        source_hash=text_hash(canonical_json(ids)),
        preprocess=Preprocess.NONE,
    )


BASELINES: dict[str, Callable[..., FeatureSet]] = {"tfidf": tfidf, "majority": majority}


def _stream(events: Iterable[pa.RecordBatch], column: str) -> pa.RecordBatchReader:
    """The two columns that are counted, as one stream."""
    batches = iter(events)
    first = next(batches, None)
    if first is None:
        raise ProbeError("there are no events to count: run `llm4es serialize` first")
    if column not in first.schema.names:
        raise ProbeError(f"events have no column '{column}': choose one of {', '.join(first.schema.names)}")
    schema = pa.schema([first.schema.field("entity_id"), first.schema.field(column)])

    def chosen() -> Iterable[pa.RecordBatch]:
        yield first.select(schema.names)
        for batch in batches:
            yield batch.select(schema.names)

    return pa.RecordBatchReader.from_batches(schema, chosen())


def _query(events: pa.RecordBatchReader, sql: str) -> Any:
    """The query's table over the stream ``events``."""
    with duckdb.connect(config={"enable_external_access": "false"}) as connection:
        connection.register("events", events)
        return connection.sql(sql).to_arrow_table()
