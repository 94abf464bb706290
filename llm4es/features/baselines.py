"""Baselines: feature sets that need no language model, made from the same events.

In: events in any order, or ids alone. Out: feature sets under a plain name. ``aggregates``, ``counts`` and ``recency``
have files of their own; a new baseline is a function, and its name in ``tasks.BASELINE_NAMES``. Counting is done by
DuckDB over the stream of batches; scaling is left to the probe's training folds. Knows no labels.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

from ..core.hashing import canonical_json, columns_hash, text_hash
from ..core.sql import identifier
from .events_table import loaded
from .feature_set import FeatureSet, Preprocess


def tfidf(events: Iterable[pa.RecordBatch], column: str, items: Sequence[str] | None = None) -> FeatureSet:
    """Count each entity's events by the value of one column; the probe weighs the counts by rarity.

    Parameters
    ----------
    events : iterable of pyarrow.RecordBatch, or pyarrow.Table
        ``entity_id`` and ``column``, one row an event, in any order.
    column : str
        The column that is counted, of any type: a film, a merchant's code.
    items : sequence of str, optional
        The values that have a column, each once and sorted: no other is counted. None: those that there are.

    Returns
    -------
    FeatureSet
        'tfidf': a sparse (N, items) matrix of counts, entities sorted by id. An entity whose values are all null has
        zeros.

    Raises
    ------
    ProbeError
        Without events, for events without the column, or for an event without an entity.

    Examples
    --------
    >>> import pyarrow as pa
    >>> features = tfidf(pa.table({"entity_id": ["b", "a", "a"], "film": ["Heat", "Heat", "Alien"]}), "film")
    >>> features.entity_ids, features.matrix.toarray().tolist()  # the columns are Alien, Heat
    (['a', 'b'], [[1.0, 1.0], [0.0, 1.0]])
    >>> later = pa.table({"entity_id": ["b"], "film": ["Heat"]})
    >>> tfidf(later, "film", features.learnt["items"]).matrix.toarray().tolist()
    [[0.0, 1.0]]
    """
    with loaded(events, [column]) as connection:
        table = connection.sql(
            f"""SELECT entity_id, {identifier(column)}::VARCHAR AS item, count({identifier(column)}) AS n
            FROM events GROUP BY ALL ORDER BY entity_id, item"""
        ).to_arrow_table()
    ids, rows = _numbered(table["entity_id"])
    found, columns = _numbered(table["item"].fill_null(""))
    n = table["n"].to_numpy().astype(float)
    if items is not None:
        place = {item: column for column, item in enumerate(items)}
        columns = np.array([place.get(item, -1) for item in found], dtype=np.int64)[columns]
        rows, columns, n = (values[columns >= 0] for values in (rows, columns, n))
    known = list(map(str, found)) if items is None else list(items)
    matrix = sparse.csr_matrix((n, (rows, columns)), shape=(len(ids), max(len(known), 1)))  # (N, items)
    matrix.eliminate_zeros()  # events whose value is null count for no item
    return FeatureSet(
        name="tfidf",
        entity_ids=[str(i) for i in ids],
        matrix=matrix,
        model=None,
        k=None,
        seen=frozenset(),
        source_hash=columns_hash(column, table),
        preprocess=Preprocess.TFIDF,
        columns=known,
        learnt={"items": known},
    )


def _numbered(texts: pa.ChunkedArray) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """The distinct texts, sorted, and which of them each is: no other becomes a Python value."""
    encoded = texts.combine_chunks().dictionary_encode()
    distinct, place = np.unique(encoded.dictionary.to_numpy(zero_copy_only=False), return_inverse=True)
    return distinct, place[encoded.indices.to_numpy()]


def majority(entity_ids: Sequence[str]) -> FeatureSet:
    """Nothing about anybody: a probe of it knows the classes' shares alone.

    Parameters
    ----------
    entity_ids : sequence of str, (N,)
        Each id once, in any order.

    Returns
    -------
    FeatureSet
        'majority': an (N, 1) matrix of zeros, entities sorted by id.

    Raises
    ------
    ProbeError
        Where an id comes twice.

    Examples
    --------
    >>> features = majority(["b", "a"])
    >>> features.entity_ids, features.matrix.tolist()
    (['a', 'b'], [[0.0], [0.0]])
    """
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
