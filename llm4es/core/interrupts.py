"""Ctrl-C while a library computes: Python hears of it only when the library comes back, which may take hours.

In: how to stop what runs. Out: a context in which Ctrl-C does that. Knows no library.
"""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def interruptible(stop: Callable[[], None]) -> Iterator[None]:
    """Call ``stop`` from another thread as soon as Ctrl-C is pressed, and leave with KeyboardInterrupt.

    Only the main thread hears of signals: in others, and where somebody else handles them, nothing is changed.

    Parameters
    ----------
    stop : callable
        Such as a DuckDB connection's ``interrupt``; what it stops may raise whatever it likes.

    Examples
    --------
    >>> with interruptible(lambda: None):
    ...     print("computed")
    computed
    """
    of_python = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if threading.current_thread() is not threading.main_thread() or not of_python or os.name == "nt":
        yield
        return
    read, write = os.pipe()
    os.set_blocking(write, False)
    pressed = threading.Event()

    def watch() -> None:
        while heard := os.read(read, 1):
            if heard[0] == signal.SIGINT:
                pressed.set()
                stop()

    before = signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        try:
            yield
        except Exception as error:
            if pressed.is_set():
                raise KeyboardInterrupt from error
            raise
    finally:
        signal.set_wakeup_fd(before, warn_on_full_buffer=False)
        os.close(write)
        watcher.join()
        with contextlib.suppress(OSError):
            os.close(read)
