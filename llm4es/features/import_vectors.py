"""Vectors made elsewhere to rows of ``embeddings``.

In: rows with an id column and either one list column or one numeric column a dimension. Out: record batches of the
schema ``EMBEDDINGS``, under the name the user gave, with ``k`` 0 and pooling ``imported``. Knows no file and no store;
what made the vectors it cannot know.
"""

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..core.columns import batches_of
from ..core.errors import DataError
from ..core.hashing import text_hash
from ..core.schemas import EMBEDDINGS
from ..options import ImportOptions
from .vector_columns import ids_of, matrix_of

IMPORTED = "imported"
"""The pooling of vectors that were made elsewhere: no layer was averaged, their ``k`` is 0."""


def import_vectors(batches: Iterable[pa.RecordBatch], options: ImportOptions) -> Iterator[pa.RecordBatch]:
    """Check vectors made elsewhere, and give them the columns of ``embeddings``.

    Parameters
    ----------
    batches : iterable of pyarrow.RecordBatch, or pyarrow.Table
        One row an entity: an id (text or whole numbers), and one list of D numbers or D columns of numbers.
    options : ImportOptions
        What the vectors are called, whose they are, and the columns where they do not bear usual names.

    Yields
    ------
    pyarrow.RecordBatch
        Rows of ``EMBEDDINGS``: vectors in float32, ``k`` 0, pooling 'imported', null for what only our own models know.

    Raises
    ------
    DataError
        Without rows; naming the row, for an id that is missing or comes twice, vectors of several lengths, NaN or
        infinity; naming the columns, where it is not clear which hold ids and vectors.

    Examples
    --------
    >>> vectors = pa.table({"entity_id": ["a", "b"], "vector": [[0.5, 1.0], [2.0, 0.0]]})
    >>> batch = next(import_vectors(vectors, ImportOptions(name="coles", dataset="bank")))
    >>> batch.select(["entity_id", "model", "dim", "vector"]).to_pylist()[0]
    {'entity_id': 'a', 'model': 'coles', 'dim': 2, 'vector': [0.5, 1.0]}
    """
    seen: set[str] = set()
    width: int | None = None
    row = 0
    for batch in batches_of(batches, "vectors"):
        ids, matrix = ids_of(batch, options, row), matrix_of(batch, options, row)  # (N,), (N, D)
        if width is not None and matrix.shape[1] != width and len(ids):
            raise DataError(
                f"row {row + 1}: a vector of {matrix.shape[1]} numbers after some of {width}: give all one length"
            )
        width = matrix.shape[1] if len(ids) else width
        bad = ~np.isfinite(matrix).all(axis=1)  # (N,)
        if bad.any():
            at = int(bad.argmax())
            raise DataError(
                f"row {row + at + 1} (entity {ids[at]!r}): a vector holds NaN or infinity: mend it or leave the row out"
            )
        for at, entity in enumerate(ids):
            if entity in seen:
                raise DataError(f"row {row + at + 1}: entity {entity!r} comes twice: give one vector an entity")
            seen.add(entity)
        yield _rows(ids, matrix, options)
        row += len(ids)
    if not row:
        raise DataError("the file holds no vectors: give one row an entity")


def _rows(ids: list[str], matrix: NDArray[np.float32], options: ImportOptions) -> pa.RecordBatch:
    """The rows of ``embeddings``; what only our own models know is null."""
    n, width = matrix.shape
    offsets = np.arange(0, (n + 1) * width, width, dtype=np.int32) if width else np.zeros(n + 1, dtype=np.int32)
    known: dict[str, Any] = {
        "dataset": [options.dataset] * n,
        "entity_id": ids,
        "model": [options.name] * n,
        "k": [0] * n,
        "pooling": [IMPORTED] * n,
        "dim": [width] * n,
        "vector": pa.ListArray.from_arrays(offsets, pa.array(matrix.ravel(), pa.float32())),
        "dtype": ["float32"] * n,
        "fingerprint": [text_hash(f"{IMPORTED} {options.name}")] * n,
        "source_hash": [hashlib.sha256(vector.tobytes()).hexdigest() for vector in np.ascontiguousarray(matrix)],
    }
    columns = [
        pa.array(known[f.name], f.type)
        if f.name in known and f.name != "vector"
        else known.get(f.name, pa.nulls(n, f.type))
        for f in EMBEDDINGS
    ]
    return pa.RecordBatch.from_arrays(columns, schema=EMBEDDINGS)
