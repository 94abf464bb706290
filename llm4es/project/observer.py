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
    """What a step tells while it works: write a class with these three methods to hear it."""

    def say(self, message: str) -> None:
        """Tell one line that is good to know.

        Parameters
        ----------
        message : str
            A sentence without a line break.
        """

    def warn(self, message: str) -> None:
        """Tell what has to be known before the result is trusted.

        Parameters
        ----------
        message : str
            A sentence without a line break.
        """

    def progress(self, what: str, total: int | None, unit: str) -> AbstractContextManager[Advance]:
        """Follow a piece of work of ``total`` units; None: nobody knows how many.

        A first step of 0 says that what was to be loaded is there, and the work begins.

        Parameters
        ----------
        what : str
            The work, such as 'embed smollm2-135m'.
        total : int, optional
            How many units there are; None: nobody knows.
        unit : str
            What is counted: entities, events, steps.

        Returns
        -------
        context manager
            Around the work; gives a function that takes how many more units are done.
        """


class Null:
    """Hears nothing: silent on request.

    Examples
    --------
    >>> with Null().progress("embed", 2, "entities") as advance:
    ...     advance(2)
    """

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

    Parameters
    ----------
    name : str, default "llm4es"
        The logger's name. Lines are at level INFO, warnings at WARNING.

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
        """Log at level INFO.

        Parameters
        ----------
        message : str
            The line.

        Examples
        --------
        >>> import logging, sys
        >>> logging.basicConfig(stream=sys.stdout, format="%(levelname)s %(message)s", level="INFO", force=True)
        >>> Logging().say("4 entities have labels and no events")
        INFO 4 entities have labels and no events
        """
        self._logger.info(message)

    def warn(self, message: str) -> None:
        """Log at level WARNING.

        Parameters
        ----------
        message : str
            The line.

        Examples
        --------
        >>> import logging, sys
        >>> logging.basicConfig(stream=sys.stdout, format="%(levelname)s %(message)s", force=True)
        >>> Logging().warn("the vectors have moved")
        WARNING the vectors have moved
        """
        self._logger.warning(message)

    @contextmanager
    def progress(self, what: str, total: int | None, unit: str) -> Iterator[Advance]:
        """Log a line now and then, with the time left where it can be told.

        Parameters
        ----------
        what, unit : str
            The work, and what is counted.
        total : int, optional
            How many units there are; None: nobody knows.

        Yields
        ------
        callable
            Takes how many more units are done; at most one line in 30 seconds.

        Examples
        --------
        >>> with Logging().progress("embed", 2, "entities") as advance:
        ...     advance(2)
        """
        yield lines(self.say, what, total, unit, LINE_SECONDS)


def lines(say: Callable[[str], None], what: str, total: int | None, unit: str, seconds: float) -> Advance:
    """Progress as lines, at most one in so many seconds, each with what is done and the time left.

    Parameters
    ----------
    say : callable
        Takes a line.
    what, unit : str
        The work, and what is counted.
    total : int, optional
        How many units there are; None: nobody knows.
    seconds : float
        Between two lines at least.

    Returns
    -------
    callable
        Takes how many more units are done.

    Examples
    --------
    >>> advance = lines(print, "embed m", 4, "entities", seconds=0)
    >>> advance(2)
    embed m: 2/4 entities, ...s left
    """
    began = last = time.monotonic()
    done = 0

    def advance(step: int) -> None:
        nonlocal began, done, last
        now = time.monotonic()
        if done == step == 0:
            began = now  # the work begins only now
        done += step
        if now - last < seconds or done == 0:
            return
        last = now
        left = f", {duration((now - began) / done * (total - done))} left" if total else ""
        say(f"{what}: {done}{f'/{total}' if total else ''} {unit}{left}")

    return advance


def as_increments(advance: Advance) -> Callable[[int], None]:
    """Turn how much is done so far, as pure stages tell it, into how much more is done.

    Parameters
    ----------
    advance : callable
        Takes how many more units are done.

    Returns
    -------
    callable
        Takes how many are done so far.

    Examples
    --------
    >>> so_far = as_increments(print)
    >>> so_far(2); so_far(5)
    2
    3
    """
    before = 0

    def so_far(done: int) -> None:
        nonlocal before
        advance(done - before)
        before = done

    return so_far


def duration(seconds: float) -> str:
    """``75.2`` -> ``1m15s``.

    Parameters
    ----------
    seconds : float
        How long.

    Returns
    -------
    str
        At most two units.

    Examples
    --------
    >>> duration(4.21), duration(75.2), duration(7260)
    ('4.2s', '1m15s', '2h01m')
    """
    if seconds < 60:
        return f"{seconds:.1f}s" if seconds < 10 else f"{seconds:.0f}s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02d}m" if hours else f"{minutes}m{rest:02d}s"
