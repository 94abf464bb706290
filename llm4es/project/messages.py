"""What a process and the one that started it tell each other, over a pipe.

In: Python values. Out: the same values at the other end. Both ends are our own processes: nothing from a file or a
network is ever read like this.
"""

import pickle
import struct
from typing import IO, Any

_LENGTH = struct.Struct("!Q")


def tell(pipe: IO[bytes], value: Any) -> None:
    """Write a value to a pipe.

    Parameters
    ----------
    pipe : file
        Open for writing, unbuffered or flushed here.
    value
        Anything that pickles.

    Examples
    --------
    >>> import io
    >>> pipe = io.BytesIO()
    >>> tell(pipe, ("done", 3)); _ = pipe.seek(0); hear(pipe)
    ('done', 3)
    """
    content = pickle.dumps(value, protocol=5)
    pipe.write(_LENGTH.pack(len(content)))
    pipe.write(content)
    pipe.flush()


def hear(pipe: IO[bytes]) -> Any:
    """Read the next value from a pipe.

    Parameters
    ----------
    pipe : file
        Open for reading.

    Returns
    -------
    object
        What was told.

    Raises
    ------
    EOFError
        Where whoever told is gone.

    Examples
    --------
    >>> import io
    >>> hear(io.BytesIO())
    Traceback (most recent call last):
    EOFError
    """
    (size,) = _LENGTH.unpack(_exactly(pipe, _LENGTH.size))
    return pickle.loads(_exactly(pipe, size))  # noqa: S301  # from a process of our own


def _exactly(pipe: IO[bytes], size: int) -> bytes:
    content = pipe.read(size)
    if len(content) < size:
        raise EOFError
    return content
