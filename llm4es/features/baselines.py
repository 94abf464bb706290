"""Baselines: feature sets that need no language model, made from the same events.

In: events batches, or ids alone. Out: feature sets under a plain name. A new baseline is one entry in ``BASELINES``.
Counting is done by DuckDB over the stream of batches; scaling is left to the probe's training folds.
Knows no labels.
"""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pyarrow as pa
from scipy import sparse

from ..core.hashing import canonical_json, text_hash
from ..core.sql import identifier
from .aggregates import aggregates, counts
from .events_table import loaded
from .feature_set import FeatureSet, Preprocess


def tfidf(events: Iterable[pa.RecordBatch], column: str) -> FeatureSet:
    """Events an entity and value of ``column``, weighed by rarity in the probe. An entity without any has zeros."""
    with loaded(events, [column]) as connection:
        table = connection.sql(
            f"""SELECT entity_id, {identifier(column)}::VARCHAR AS item, count({identifier(column)}) AS n
            FROM events GROUP BY ALL ORDER BY entity_id, item"""
        ).to_arrow_table()
    ids, rows = np.unique(table["entity_id"].to_numpy(), return_inverse=True)
    items, columns = np.unique(table["item"].fill_null("").to_numpy(), return_inverse=True)
    n = table["n"].to_numpy().astype(float)
    matrix = sparse.csr_matrix((n, (rows, columns)), shape=(len(ids), len(items)))  # (N, items)
    matrix.eliminate_zeros()  # events whose value is null count for no item
    content = [table.column(name).to_pylist() for name in table.column_names]
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


BASELINES: dict[str, Callable[..., FeatureSet]] = {
    "tfidf": tfidf,
    "aggregates": aggregates,
    "counts": counts,
    "majority": majority,
}
"""``tfidf(events, column)``, ``aggregates(events, columns)``, ``counts(events, columns)``, ``majority(entity_ids)``."""
