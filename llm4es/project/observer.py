"""Who hears what a step says: nobody, a log, a notebook, a terminal.

In: messages, warnings, how much is done. Out: nothing that the work depends on. Knows no step.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

Advance = Callable[[int], None]
"""Called with how much more is done."""

LINE_SECONDS = 30.0
"""Between two lines of progress in a log."""


class Observer(Protocol):
    """What a step tells while it works."""

    def say(self, message: str) -> None:
        """Tell one line that is good to know."""

    def warn(self, message: str) -> None:
        """Tell what has to be known before the result is trusted."""

    def progress(self, what: str, total: int | None, unit: str) -> AbstractContextManager[Advance]:
        """Follow a piece of work of ``total`` units; None: nobody knows how many."""


class Null:
    """Hears nothing: silent on request."""

    def say(self, message: str) -> None:
        """Drop the line."""

    def warn(self, message: str) -> None:
        """Drop the warning."""

    @contextmanager
    def progress(self, what: str, total: int | None, unit: str) -> Iterator[Advance]:
        """Count nothing."""
        yield lambda _: None


class Logging:
    """Writes to the logger ``llm4es``: for schedulers, and for scripts whose output is kept.

    Examples
    --------
    >>> import logging, sys
    >>> logging.basicConfig(stream=sys.stdout, format="%(levelname)s %(message)s", force=True)
    >>> Logging().warn("2 of 10 texts are cut")
    WARNING 2 of 10 texts are cut
    """

    def __init__(self, name: str = "llm4es") -> None:
        self._logger = logging.getLogger(name)

    def say(self, message: str) -> None:
        """Log at level INFO."""
        self._logger.info(message)

    def warn(self, message: str) -> None:
        """Log at level WARNING."""
        self._logger.warning(message)

    @contextmanager
    def progress(self, what: str, total: int | None, unit: str) -> Iterator[Advance]:
        """Log a line now and then, with the time left where it can be told."""
        yield lines(self.say, what, total, unit, LINE_SECONDS)


def lines(say: Callable[[str], None], what: str, total: int | None, unit: str, seconds: float) -> Advance:
    """Progress as lines, at most one in so many seconds, each with what is done and the time left."""
    began = last = time.monotonic()
    done = 0

    def advance(step: int) -> None:
        nonlocal done, last
        done += step
        now = time.monotonic()
        if now - last < seconds or done == 0:
            return
        last = now
        left = f", {duration((now - began) / done * (total - done))} left" if total else ""
        say(f"{what}: {done}{f'/{total}' if total else ''} {unit}{left}")

    return advance


def as_increments(advance: Advance) -> Callable[[int], None]:
    """Turn how much is done so far, as pure stages tell it, into how much more is done."""
    before = 0

    def so_far(done: int) -> None:
        nonlocal before
        advance(done - before)
        before = done

    return so_far


def duration(seconds: float) -> str:
    """``75.2`` -> ``1m15s``."""
    if seconds < 60:
        return f"{seconds:.1f}s" if seconds < 10 else f"{seconds:.0f}s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02d}m" if hours else f"{minutes}m{rest:02d}s"
