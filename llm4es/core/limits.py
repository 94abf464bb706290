"""What reading somebody else's data may take of the machine: memory, disk, threads, time.

In: limits, and how to stop what runs. Out: a context in which they hold. Knows no library and no step.
"""

import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path

from .errors import DataError, OptionError

SLACK = 2_000_000_000
"""Bytes that the process may take beside what a query may: threads' stacks, results, what is written."""

_AGAIN = 0.1
"""Seconds after which what goes on all the same is stopped again: a reading is many queries."""

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "KI": 2**10, "MI": 2**20, "GI": 2**30, "TI": 2**40}

_SIZE = re.compile(r"\s*(\d+\.?\d*)\s*(?:([KMGT]?)(?:B|BYTES?)|([KMGT])|([KMGT]I)B)\s*", re.IGNORECASE)
"""A size as DuckDB takes it: never without a unit."""

_SHARE = re.compile(r"\s*(\d{1,2}(\.\d*)?|100)\s*%\s*")


def _bytes(size: str) -> int | None:
    """'1.5 GB' as a number; None: it is no size, or a share."""
    if (found := _SIZE.fullmatch(size)) is None:
        return None
    return int(float(found[1]) * _UNITS[(found[2] or found[3] or found[4] or "").upper()])


@dataclass(frozen=True)
class Limits:
    """What one query, or the reading of raw files, may use of the machine.

    Raises
    ------
    OptionError
        For what is no size, before any work: DuckDB would say so in its own words, once it is told.

    Examples
    --------
    >>> Limits(memory="lots")
    Traceback (most recent call last):
    llm4es.core.errors.OptionError: --memory-limit 'lots' is no size: give a size such as 4GB
    """

    memory: str | None = None
    """Such as ``4GB``; None: DuckDB's own, 80 % of the machine's. Beyond it a query spills to disk."""
    spill: str | None = None
    """Disk for what does not fit in memory, such as ``50GB``; None: DuckDB's own, 90 % of what is free."""
    threads: int | None = None
    """None: one a core."""
    timeout: float | None = None
    """Seconds; None: for ever."""

    def __post_init__(self) -> None:
        if self.memory is not None and not (_bytes(self.memory) or _SHARE.fullmatch(self.memory)):
            raise OptionError(f"--memory-limit {self.memory!r} is no size: give a size such as 4GB")
        if self.spill is not None and _bytes(self.spill) is None:
            raise OptionError(f"--spill-limit {self.spill!r} is no size: give a size such as 4GB")

    def settings(self) -> dict[str, str | int]:
        """DuckDB setting -> value, of those that are set."""
        chosen = {"memory_limit": self.memory, "max_temp_directory_size": self.spill, "threads": self.threads}
        return {setting: value for setting, value in chosen.items() if value is not None}


LEAN = Limits(memory="300MB", threads=1)
"""How everybody's ids are compared or put in order: what is larger is spilled to disk."""

FRUGAL = Limits(memory="100MB", threads=1)
"""The same beside much else that lies in memory."""


@dataclass
class _Held:
    """Limits while they hold."""

    limits: Limits
    over: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    stops: list[Callable[[], None]] = field(default_factory=list)

    def watch(self, seconds: float) -> None:
        """Stop whatever runs from then on, to the end."""
        wait = seconds
        while not self.ended.wait(wait):
            self.over.set()
            for stop in list(self.stops):
                stop()
            wait = _AGAIN


_HELD: ContextVar[_Held | None] = ContextVar("limits", default=None)


def held() -> Limits:
    """The limits that hold here."""
    now = _HELD.get()
    return Limits() if now is None else now.limits


def time_is_over() -> bool:
    """Whether what is done here has taken too long: for what is asked now and then and not stopped from outside."""
    now = _HELD.get()
    return now is not None and now.over.is_set()


@contextmanager
def stoppable(stop: Callable[[], None]) -> Iterator[None]:
    """Call ``stop`` from another thread when the time is over."""
    now = _HELD.get()
    if now is None:
        yield
        return
    now.stops.append(stop)
    try:
        yield
    finally:
        now.stops.remove(stop)


@contextmanager
def limited(limits: Limits, what: str) -> Iterator[None]:
    """Let limits hold for all that is read inside; ``what`` names it in errors.

    Parameters
    ----------
    limits : Limits
        None of them set: nothing is changed.
    what : str
        Such as 'reading the raw files'.

    Raises
    ------
    DataError
        The time was over, or the memory used up.

    Examples
    --------
    >>> with limited(Limits(memory="1GB"), "reading the raw files"):
    ...     held().memory
    '1GB'
    """
    now = _Held(limits)
    token = _HELD.set(now)
    if limits.timeout is not None:
        threading.Thread(target=now.watch, args=(limits.timeout,), daemon=True).start()
    try:
        with memory_bound(limits.memory):
            yield
    except Exception as error:
        if now.over.is_set():
            raise DataError(
                f"{what} was stopped after {limits.timeout:g} s: raise --timeout, or look at what takes so long"
            ) from error
        if isinstance(error, MemoryError):
            raise DataError(f"{what} took more memory than --memory-limit {limits.memory} gives: raise it") from error
        raise
    finally:
        now.ended.set()
        _HELD.reset(token)


@contextmanager
def memory_bound(memory: str | None) -> Iterator[None]:
    """Bound what the process itself may take: DuckDB's own bound does not count the values that it computes with.

    Only where a size is given, and on Linux; elsewhere nothing is changed.
    """
    if memory is None or sys.platform != "linux" or (wanted := _bytes(memory)) is None:
        yield
        return
    import resource

    before, most = resource.getrlimit(resource.RLIMIT_DATA)
    ceiling = _taken() + wanted + SLACK
    bounds = [bound for bound in (before, most, ceiling) if bound != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_DATA, (min(bounds), most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (before, most))


def _taken() -> int:
    """Bytes of data that the process has now."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmData:")]
    return int(line.split()[1]) * 1024
