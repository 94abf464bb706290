"""The lock that a run holds while it lives; the system lets go of it when the process dies, however it dies.

In: a layout, a run's id. Out: a path, whether the run is alive. Knows no record.
"""

import os
from pathlib import Path

from filelock import FileLock, Timeout

from .layout import StoreLayout

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


def lock_path(layout: StoreLayout, run_id: str) -> Path:
    """The file that a run locks."""
    return layout.folder("running") / f"{run_id}.lock"


def can_be_judged(layout: StoreLayout, run_id: str) -> bool:
    """Whether the run's lock would be seen here if it were held.

    The locks of a remote store lie on each machine by itself: without one it is another machine's run, not ours to
    judge. A local store carries its locks along; one that lost the whole folder was copied without it.
    """
    lock = lock_path(layout, run_id)
    return (lock if layout.is_remote else lock.parent).exists()


def is_dead(layout: StoreLayout, run_id: str) -> bool:
    """Whether nobody holds the run's lock, found without writing: a store may be read-only."""
    if not can_be_judged(layout, run_id):
        return False
    lock = lock_path(layout, run_id)
    if fcntl is None:
        return _is_free(lock)
    try:
        handle = os.open(lock, os.O_RDONLY)
    except FileNotFoundError:
        return True
    except OSError:  # somebody's whose files we may not touch
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)  # let go of by the close
    except OSError:
        return False
    finally:
        os.close(handle)
    return True


def _is_free(lock: Path) -> bool:
    """As ``is_dead``, where a lock can be looked at only by taking it."""
    try:
        held = FileLock(lock, timeout=0)
        held.acquire()
    except (Timeout, OSError):
        return False
    held.release()
    return True
