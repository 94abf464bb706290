"""Memory that large arrays took, given back to the system as soon as they are gone.

glibc takes arrays of up to 32 MB out of a heap that seldom shrinks, once one of that size has come and gone: what a
command has finished with would lie beside what it does next.

In: nothing. Out: nothing. Knows no command.
"""

import ctypes
import sys
from typing import Any

_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1  # of malloc.h
_BYTES = 2**20


def free_large_arrays() -> None:
    """Let arrays from a megabyte on have memory of their own, where the C library is glibc.

    Examples
    --------
    >>> free_large_arrays()
    """
    mallopt = _of_libc("mallopt")
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _BYTES)
        mallopt(_TRIM_THRESHOLD, _BYTES)


def give_back() -> None:
    """Hand to the system what the C library and Arrow keep for later: before something large is made.

    Examples
    --------
    >>> give_back()
    """
    import pyarrow as pa

    pa.default_memory_pool().release_unused()
    trim = _of_libc("malloc_trim")
    if trim is not None:
        trim(0)


def _of_libc(name: str) -> Any:
    """A function of the C library; None where it has none of that name: musl, for one."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
