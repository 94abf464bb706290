"""Vectors in fewer bytes: what is kept of them, and how near it is to what was computed.

In: rows with a column ``vector`` of float32. Out: the same rows with less in them: ``vector`` in half precision, or
``codes`` and ``scale`` in its place, from which a view of the store makes vectors again. Knows no store.

A code c of -127..127 stands for c * c * c * scale: steps are fine near zero and wide at the top. Vectors of decoders
have a few numbers twenty times the others' size; even steps up to these leave the others a handful of values (after
standardising, a dimension of smollm2-135m keeps 58 % of its variance so, and 99 % in cubes).
"""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..options.embed import StoreAs

# N rows, D width

LARGEST = 127
"""The largest code."""


def smaller(rows: pa.RecordBatch, store_as: StoreAs) -> pa.Table:
    """Rows as they are kept.

    Parameters
    ----------
    rows : pyarrow.RecordBatch
        Rows of ``EMBEDDINGS`` or ``LAYERS``; vectors of one length.
    store_as : StoreAs
        What of a vector's numbers is kept.

    Returns
    -------
    pyarrow.Table
        The rows, with ``stored_as`` and, where they have the column, ``stored_cosine``. Of 'int8' ``vector`` is null,
        and two more columns hold it: ``codes``, D int8 a row, and ``scale``, a float32. The two are there, and null,
        of 'float16' too: a table that has them is written for vectors whose numbers repeat.

    Examples
    --------
    >>> import pyarrow as pa
    >>> rows = pa.record_batch({"vector": pa.array([[1.0, -0.5, 0.1]], pa.list_(pa.float32()))})
    >>> smaller(rows, StoreAs.INT8).select(["codes", "stored_as"]).to_pylist()
    [{'codes': [127, -101, 59], 'stored_as': 'int8'}]
    >>> smaller(rows, StoreAs.FLOAT16)["vector"].to_pylist()
    [[1.0, -0.5, 0.0999755859375]]
    """
    table = pa.Table.from_batches([rows])
    if store_as is StoreAs.FLOAT32 or not len(table):
        return table
    lists = rows["vector"]
    x = np.asarray(lists.flatten(), np.float32).reshape(len(lists), -1)  # (N, D)
    if store_as is StoreAs.INT8:
        codes, scales = _codes(x)
        kept = vectors_of(codes, scales)
        columns = {
            "vector": pa.nulls(len(table), pa.list_(pa.float32())),
            "codes": _lists(codes),
            "scale": pa.array(scales, pa.float32()),
        }
    else:
        kept = _halves(x)
        columns = {
            "vector": _lists(kept),
            "codes": pa.nulls(len(table), pa.list_(pa.int8())),
            "scale": pa.nulls(len(table), pa.float32()),
        }
    for name, column in columns.items():
        table = _with(table, name, column)
    table = _with(table, "stored_as", pa.array([store_as.value] * len(table), pa.string()))
    if "stored_cosine" in table.column_names:
        table = _with(table, "stored_cosine", pa.array(_cosines(x, kept), pa.float32()))
    return table


def vectors_of(codes: NDArray[np.int8], scales: NDArray[np.float32]) -> NDArray[np.float32]:
    """The (N, D) vectors that (N, D) codes and (N,) scales stand for."""
    wide = codes.astype(np.float32)  # (N, D)
    return np.asarray(wide * wide * wide * scales[:, None], np.float32)


def _codes(x: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """The (N, D) codes and (N,) scales of vectors; a vector of zeros has scale 0."""
    largest = np.abs(x).max(axis=1, initial=0).astype(np.float64)  # (N,)
    share = x / np.where(largest == 0, 1, largest)[:, None]  # (N, D), -1..1
    return np.rint(np.cbrt(share) * LARGEST).astype(np.int8), (largest / LARGEST**3).astype(np.float32)


def _halves(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """The nearest numbers of half precision; what is beyond its largest, 65504, becomes that one."""
    top = float(np.finfo(np.float16).max)
    return x.clip(-top, top).astype(np.float16).astype(np.float32)


def _cosines(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float64]:
    """Cosine of each row of (N, D) to the other's; two vectors of zeros are alike, one is like no other."""
    x, y = a.astype(np.float64), b.astype(np.float64)
    lengths = np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1)  # (N,)
    alike = (x == y).all(axis=1)  # (N,)
    return np.asarray(np.where(alike, 1.0, (x * y).sum(axis=1) / np.where(lengths == 0, 1, lengths)))


def _lists(matrix: NDArray[np.generic]) -> pa.ListArray:
    """The rows of (N, D) as lists."""
    n, width = matrix.shape
    return pa.ListArray.from_arrays(pa.array(np.arange(n + 1) * width, pa.int32()), pa.array(matrix.ravel()))


def _with(table: pa.Table, name: str, column: pa.Array) -> pa.Table:
    """The table with another column of that name, at its place or behind the others."""
    at = table.schema.get_field_index(name)
    return table.append_column(name, column) if at < 0 else table.set_column(at, name, column)


def shortened(vector: NDArray[np.float32], dims: int | None) -> NDArray[np.float32]:
    """The first ``dims`` dimensions at length 1, as models trained for it (Matryoshka) have them; as it is where none
    were asked for.

    Examples
    --------
    >>> shortened(np.array([3.0, 4.0, 12.0], np.float32), 2).tolist()
    [0.6000000238418579, 0.800000011920929]
    """
    if dims is None:
        return vector
    kept = vector[:dims]  # (dims)
    return np.asarray(kept / (np.linalg.norm(kept) or 1), np.float32)
