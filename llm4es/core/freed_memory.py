"""Memory that large arrays took, given back to the system as soon as they are gone.

glibc takes arrays of up to 32 MB out of a heap that seldom shrinks, once one of that size has come and gone: what a
command has finished with would lie beside what it does next.

In: nothing. Out: nothing. Knows no command.
"""

import ctypes
import sys

_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1  # of malloc.h
_BYTES = 2**20


def free_large_arrays() -> None:
    """Let arrays from a megabyte on have memory of their own, where the C library is glibc.

    Examples
    --------
    >>> free_large_arrays()
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl, for one, has none
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _BYTES)
        mallopt(_TRIM_THRESHOLD, _BYTES)
