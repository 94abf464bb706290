"""import: vectors made elsewhere -> rows of ``embeddings``.

In: record batches with an id column and either one list column or one numeric column a dimension. Out: record batches
of the schema ``EMBEDDINGS``, under the name the user gave, with ``k`` 0 and pooling ``imported``. Knows no file and no
store; what made the vectors it cannot know.
"""

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..core.errors import DataError
from ..core.hashing import text_hash
from ..core.schemas import EMBEDDINGS
from ..options import ImportOptions as ImportOptions

IMPORTED = "imported"
"""The pooling of vectors that were made elsewhere: no layer was averaged, their ``k`` is 0."""

_ID_NAMES = ("entity_id", "id", "user_id", "client_id", "customer_id", "uid")
_VECTOR_NAMES = ("vector", "embedding", "embeddings")


def import_vectors(batches: Iterable[pa.RecordBatch], options: ImportOptions) -> Iterator[pa.RecordBatch]:
    """Check the vectors and give them the columns of ``embeddings``. Raises DataError naming the first bad row."""
    seen: set[str] = set()
    width: int | None = None
    row = 0
    for batch in batches:
        ids, matrix = _ids(batch, options, row), _matrix(batch, options, row)  # (N,), (N, D)
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


def _ids(batch: pa.RecordBatch, options: ImportOptions, row: int) -> list[str]:
    """The entities' ids as text; whole numbers written without a point."""
    column = id_column(batch.schema, options)
    values = batch.column(column)
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if not (
        pa.types.is_integer(values.type) or pa.types.is_string(values.type) or pa.types.is_large_string(values.type)
    ):
        raise DataError(f"column {column!r} holds {values.type}, not ids: make it text or whole numbers")
    if values.null_count:
        at = pc.index(values.is_null(), True).as_py()
        raise DataError(f"row {row + at + 1}: column {column!r} is empty: give every vector an id")
    return list(values.cast(pa.string()).to_pylist())


def id_column(schema: pa.Schema, options: ImportOptions) -> str:
    """The column of ids: the one named, or the first usual name."""
    usual = (options.id,) if options.id else (*_ID_NAMES, f"{options.dataset}_id")
    found = next((name for name in usual if name in schema.names), None)
    if found is None:
        raise DataError(
            f"no column {options.id or _ID_NAMES[0]!r}: name the ids' column with --id, one of {_some(schema.names)}"
        )
    return found


def _matrix(batch: pa.RecordBatch, options: ImportOptions, row: int) -> NDArray[np.float32]:
    """(N, D) the vectors of a batch."""
    name = _list_column(batch.schema, options)
    if name is not None:
        return _from_lists(batch.column(name), name, row)
    id_ = id_column(batch.schema, options)
    numeric = [f.name for f in batch.schema if f.name != id_ and _is_number(f.type)]
    other = [f.name for f in batch.schema if f.name != id_ and not _is_number(f.type)]
    if not numeric or other:
        raise DataError(
            f"column {other[0]!r} is neither a list nor a number: leave it out, or name the lists with --vector"
            if other
            else "no column of vectors and none of numbers: name the vectors' column with --vector"
        )
    for column in numeric:
        if batch.column(column).null_count:
            at = pc.index(batch.column(column).is_null(), True).as_py()
            raise DataError(f"row {row + at + 1}: column {column!r} is empty: fill it or leave the row out")
    columns = [batch.column(c).cast(pa.float32(), safe=False).to_numpy(zero_copy_only=False) for c in numeric]
    return np.column_stack(columns).astype(np.float32, copy=False)  # (N, D)


def _list_column(schema: pa.Schema, options: ImportOptions) -> str | None:
    """The column of lists: the one named, a usual name, or the only one; None: the numbers stand side by side."""
    lists = [f.name for f in schema if _is_list(f.type)]
    if options.vector is not None:
        if options.vector not in lists:
            raise DataError(f"--vector {options.vector!r} is no column of lists: there are {_some(lists) or 'none'}")
        return options.vector
    usual = [name for name in _VECTOR_NAMES if name in lists] or lists
    if len(usual) > 1:
        raise DataError(f"columns {_some(usual)} all hold lists: name the vectors' one with --vector")
    return usual[0] if usual else None


def _from_lists(values: Any, name: str, row: int) -> NDArray[np.float32]:
    """(N, D) from a list column whose lists are all of one length."""
    if values.null_count:
        at = pc.index(values.is_null(), True).as_py()
        raise DataError(f"row {row + at + 1}: column {name!r} is empty: give every entity a vector")
    if not len(values):
        return np.zeros((0, 0), dtype=np.float32)
    lengths = pc.list_value_length(values).to_numpy(zero_copy_only=False)  # (N,)
    if (lengths != lengths[0]).any() or lengths[0] == 0:
        at = int((lengths != lengths[0]).argmax())
        raise DataError(
            f"row {row + at + 1}: a vector of {lengths[at]} numbers after some of {lengths[0]}: give all one length"
            if lengths[0]
            else f"row {row + 1}: a vector of no numbers: give every entity a vector"
        )
    flat = pc.list_flatten(values)
    if flat.null_count:
        at = pc.index(flat.is_null(), True).as_py() // int(lengths[0])
        raise DataError(f"row {row + at + 1}: a vector holds a null: mend it or leave the row out")
    numbers = flat.cast(pa.float32(), safe=False).to_numpy(zero_copy_only=False)
    return np.asarray(numbers, dtype=np.float32).reshape(len(values), int(lengths[0]))  # (N, D)


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


def _is_list(type_: pa.DataType) -> bool:
    return bool(pa.types.is_list(type_) or pa.types.is_large_list(type_) or pa.types.is_fixed_size_list(type_))


def _is_number(type_: pa.DataType) -> bool:
    return bool(pa.types.is_integer(type_) or pa.types.is_floating(type_))


def _some(names: Iterable[str]) -> str:
    """The first few of many names."""
    found = list(names)
    return ", ".join(found[:8]) + (", ..." if len(found) > 8 else "")
