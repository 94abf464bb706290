"""Who hears what a step says: nobody, a log, a notebook, a terminal.

In: messages, warnings, how much is done. Out: nothing that the work depends on. Knows no step.
"""

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from .levels import Advance, InLines
from .underway import as_increments

__all__ = ["Advance", "Logging", "Null", "Observer", "as_increments"]


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

        A first step of 0 says that what was to be loaded is there, and the work begins. Work may have parts, which are
        followed while it is: loading, measuring, writing.

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
        self._levels = InLines(self.say)

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
        """Log a line every 30 seconds while work is underway, with the time left where it can be told.

        Parameters
        ----------
        what, unit : str
            The work, and what is counted.
        total : int, optional
            How many units there are; None: nobody knows.

        Yields
        ------
        callable
            Takes how many more units are done.

        Examples
        --------
        >>> with Logging().progress("embed", 2, "entities") as advance:
        ...     advance(2)
        """
        with self._levels.follow(what, total, unit) as advance:
            yield advance
