"""What long work says of itself on the way: the part that it is in, and how much a model has read.

In: words, counts. Out: whoever listens hears them, as with a warning; nobody need, and nothing depends on it. Knows no
screen. Other processes, and threads that work starts, are not heard.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar

Listener = Callable[[str, int | None, str], AbstractContextManager[Callable[[int], None]]]
"""Follows a piece of work: its name, how many units it has where that is known, and what they are."""

_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)
_read = 0


def heard_by(listener: Listener | None) -> None:
    """Have parts of the work in this thread told to ``listener`` from now on; None: to nobody."""
    _listener.set(listener)


@contextmanager
def phase(what: str, total: int | None = None, unit: str = "") -> Iterator[Callable[[int], None]]:
    """A part of some work that people may have to wait for.

    Parameters
    ----------
    what : str
        Its name, such as 'loading smollm2-135m'.
    total : int, optional
        How many units it has; None: nobody knows.
    unit : str, default ''
        What is counted.

    Yields
    ------
    callable
        Takes how many more units are done.

    Examples
    --------
    >>> with phase("measuring before training", 2, "rows") as advance:
    ...     advance(1)
    """
    listener = _listener.get()
    if listener is None:
        yield lambda _: None
        return
    with listener(what, total, unit) as advance:
        yield advance


@contextmanager
def importing(library: str) -> Iterator[None]:
    """Around the import of what takes seconds; it has no name on a screen where it is there already."""
    if library in sys.modules:
        yield
        return
    with phase(f"importing {library}"):
        yield


def read(n_tokens: int) -> None:
    """Count tokens that a model has read, or written, for this process."""
    global _read
    _read += n_tokens


def n_read() -> int:
    """Tokens that models have read for this process so far: whoever watches tells tokens a second by it."""
    return _read
