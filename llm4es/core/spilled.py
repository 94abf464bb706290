"""Large arrays that lie in a file: of what is not looked at just now, memory holds nothing.

In: shapes, arrays, row numbers. Out: arrays. Small ones, and all where a file cannot be laid out, are plain arrays.
"""

import mmap
import os
import tempfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

SPILLED_FROM = 32 * 2**20
"""Bytes from which an array lies in a file of its own."""

_BYTES_AT_ONCE = 4 * 2**20


def spilled(shape: tuple[int, int], dtype: "DTypeLike") -> "NDArray[Any]":
    """Zeros, in a file without a name where they are many: it is gone with the array.

    Parameters
    ----------
    shape : tuple of int
        (N, D).
    dtype : numpy dtype
        Of the numbers.

    Returns
    -------
    numpy.ndarray
        (N, D), to be written to.

    Examples
    --------
    >>> spilled((2, 2), "float32").tolist()
    [[0.0, 0.0], [0.0, 0.0]]
    """
    import numpy as np

    size = shape[0] * shape[1] * np.dtype(dtype).itemsize
    if size >= SPILLED_FROM and hasattr(os, "posix_fallocate"):
        with tempfile.TemporaryFile() as file:
            try:
                os.posix_fallocate(file.fileno(), 0, size)  # a full disk says so here, and not in the midst of writing
            except OSError:
                return np.zeros(shape, dtype)
            return np.memmap(file, dtype, "r+", shape=shape)
    return np.zeros(shape, dtype)


def rest(array: Any) -> None:
    """Let memory forget an array that lies in a file; it is read again where it is asked for. Others stay.

    Parameters
    ----------
    array : numpy.ndarray
        As ``spilled`` gave it.

    Examples
    --------
    >>> rest(spilled((2, 2), "float32"))
    """
    mapped = getattr(array, "_mmap", None)
    if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)


def rows_of(array: Any, rows: "NDArray[Any]", dtype: "DTypeLike | None" = None, *, spill: bool = False) -> Any:
    """A copy of some rows, beside which none of the others has to lie in memory.

    Parameters
    ----------
    array : numpy.ndarray or scipy.sparse matrix
        (N, D).
    rows : numpy.ndarray of int
        (M,) row numbers.
    dtype : numpy dtype, optional
        Of the copy; None: the array's.
    spill : bool, default False
        Whether a large copy lies in a file itself.

    Returns
    -------
    numpy.ndarray or scipy.sparse matrix
        (M, D).

    Examples
    --------
    >>> import numpy as np
    >>> rows_of(np.array([[1, 2], [3, 4]], "float32"), np.array([1]), "float64").tolist()
    [[3.0, 4.0]]
    """
    import numpy as np

    dtype = array.dtype if dtype is None else np.dtype(dtype)
    if hasattr(array, "tocsr") or not array.flags.c_contiguous:  # numbers side by side stay so: sums are as they were
        return array[rows].astype(dtype, copy=False)
    shape = len(rows), array.shape[1]
    copy = spilled(shape, dtype) if spill else np.empty(shape, dtype)
    step = max(1, _BYTES_AT_ONCE // max(dtype.itemsize * shape[1], 1))
    rest(array)
    for start in range(0, len(rows), step):
        copy[start : start + step] = array[rows[start : start + step]]
        rest(array)
    rest(copy)
    return copy
