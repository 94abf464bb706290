"""Keep the Delta library's own words about its threads off the screen: a full disk is one line of ours.

In: a piece of work. Out: what it wrote to stderr, without the reports of Rust's panics; the error that they are about
is raised all the same. Knows no tables.
"""

import os
import re
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

_PANIC = re.compile(rb"\n?thread '[^'\n]*' (?:\(\d+\) )?panicked at (?:.*\n)*?note: .*RUST_BACKTRACE.*\n?")
_LATE_SECONDS = 0.05
"""A thread of the library may report after its work has failed."""


class _Held:
    """What stands in for stderr while anybody works: several threads may."""

    lock = threading.Lock()
    depth = 0
    stderr = -1
    file: IO[bytes] | None = None


@contextmanager
def without_panics() -> Iterator[None]:
    """Hold back what is written to stderr meanwhile, and hand it on without reports of panics."""
    _hold()
    try:
        yield
    except BaseException:
        time.sleep(_LATE_SECONDS)
        raise
    finally:
        _hand_on()


def _hold() -> None:
    with _Held.lock:
        _Held.depth += 1
        if _Held.depth > 1:
            return
        try:
            sys.stderr.flush()
            _Held.stderr = os.dup(2)
        except (OSError, ValueError, AttributeError):  # a program without a stderr
            return
        memory = getattr(os, "memfd_create", None)  # no disk: it may be full
        _Held.file = os.fdopen(memory("stderr"), "w+b") if memory else tempfile.TemporaryFile()  # noqa: SIM115
        os.dup2(_Held.file.fileno(), 2)


def _hand_on() -> None:
    with _Held.lock:
        _Held.depth -= 1
        if _Held.depth or _Held.file is None:
            return
        sys.stderr.flush()
        os.dup2(_Held.stderr, 2)
        os.close(_Held.stderr)
        _Held.file.seek(0)
        said = _PANIC.sub(b"", _Held.file.read())
        _Held.file.close()
        _Held.file = None
        if said:
            os.write(2, said)
