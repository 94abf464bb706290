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
import pyarrow.compute as pc
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
    known: list[pa.Array] = []  # ids: a set of them would take ten times as much
    width: int | None = None
    row = 0
    try:
        for batch in batches_of(batches, "vectors"):
            ids, matrix = ids_of(batch, options, row), matrix_of(batch, options, row)  # (N,), (N, D)
            if width is not None and matrix.shape[1] != width and len(ids):
                raise DataError(
                    f"row {row + 1}: a vector of {matrix.shape[1]} dimensions after some of {width}: give all one "
                    "length"
                )
            width = matrix.shape[1] if len(ids) else width
            bad = ~np.isfinite(matrix).all(axis=1)  # (N,)
            if bad.any():
                at = int(bad.argmax())
                entity = ids[at].as_py()
                raise DataError(
                    f"row {row + at + 1} (entity {entity!r}): a vector holds NaN or infinity: mend it or leave the row "
                    "out"
                )
            known.append(ids)
            hashes = [hashlib.sha256(vector.data).hexdigest() for vector in np.ascontiguousarray(matrix)]
            yield imported_rows(ids, pa.array(hashes, pa.string()), matrix, options, options.name)
            row += len(ids)
    except DataError:
        _refuse_twice(known)  # it comes first
        raise
    _refuse_twice(known)
    if not row:
        raise DataError("the file holds no vectors: give one row an entity")


def _refuse_twice(known: list[pa.Array]) -> None:
    """Raise for an id that comes twice, by the first row that repeats one."""
    ids = pa.chunked_array(known, pa.string())
    if pc.count_distinct(ids).as_py() == len(ids):
        return
    seen = set[str]()
    for row, entity in enumerate(ids.to_pylist()):
        if entity in seen:
            raise DataError(f"row {row + 1}: entity {entity!r} comes twice: give one vector an entity")
        seen.add(entity)


def imported_rows(
    ids: pa.Array, hashes: pa.Array, matrix: NDArray[np.float32], options: ImportOptions, name: str
) -> pa.RecordBatch:
    """The rows of ``embeddings``; what only our own models know is null.

    Parameters
    ----------
    ids, hashes : pyarrow.Array of string
        (N,) whose they are, and of what content.
    matrix : numpy.ndarray
        (N, D) float32.
    options : ImportOptions
        Whose dataset they are of.
    name : str
        What they are called, perhaps with a version.

    Returns
    -------
    pyarrow.RecordBatch
        Rows of ``EMBEDDINGS``.

    Examples
    --------
    >>> options = ImportOptions(name="coles", dataset="bank")
    >>> batch = imported_rows(pa.array(["a"]), pa.array(["5fc0"]), np.ones((1, 2), np.float32), options, "coles@v2")
    >>> batch["model"].to_pylist(), batch["vector"].to_pylist()
    (['coles@v2'], [[1.0, 1.0]])
    """
    n, width = matrix.shape
    offsets = np.arange(0, (n + 1) * width, width, dtype=np.int32) if width else np.zeros(n + 1, dtype=np.int32)
    same = {
        "dataset": options.dataset,
        "model": name,
        "k": 0,
        "pooling": IMPORTED,
        "dim": width,
        "dtype": "float32",
        "fingerprint": text_hash(f"{IMPORTED} {name}"),
    }
    known: dict[str, Any] = {
        "entity_id": ids,
        "vector": pa.ListArray.from_arrays(offsets, pa.array(matrix.ravel(), pa.float32())),
        "source_hash": hashes,
        **{column: pa.repeat(pa.scalar(value, EMBEDDINGS.field(column).type), n) for column, value in same.items()},
    }
    columns = [known[f.name] if f.name in known else pa.nulls(n, f.type) for f in EMBEDDINGS]
    return pa.RecordBatch.from_arrays(columns, schema=EMBEDDINGS)
