"""The observer of people who watch: rich's bar on a terminal and in a notebook, lines in a pipe.

In: messages, warnings, how much is done. Out: stderr. Knows no step.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape

from ..core.printable import printable
from .observer import Advance, Logging, Null, Observer, lines

WIDE = 200
"""Columns of text where there is no terminal that says how wide it is."""

_LINE_SECONDS = 10.0


class Terminal:
    """Draws on stderr, so that results on stdout stay whole.

    Parameters
    ----------
    quiet : bool, default False
        Warnings only.
    """

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        width = None if sys.stderr.isatty() or in_notebook() else WIDE
        self.console = Console(stderr=True, quiet=quiet, width=width, highlight=False)

    def say(self, message: str) -> None:
        """Print one line."""
        self.console.print(escape(printable(message)), soft_wrap=True)

    def warn(self, message: str) -> None:
        """Print a warning, also when quiet."""
        sys.stderr.write(f"warning: {printable(message)}\n")

    @contextmanager
    def progress(self, what: str, total: int | None, unit: str) -> Iterator[Advance]:
        """Draw a bar with the time left where there is a screen, print a line every few seconds elsewhere."""
        if self.quiet or total == 0:
            yield lambda _: None
        elif self.console.is_terminal or self.console.is_jupyter:
            with _bar(self.console, what, total, unit) as advance:
                yield advance
        else:
            yield lines(self.say, what, total, unit, _LINE_SECONDS)


@contextmanager
def _bar(console: Console, what: str, total: int | None, unit: str) -> Iterator[Advance]:
    """Rich's bar, gone when the work is done."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(escape(what), total=total)

        def advance(step: int) -> None:
            if step == progress.tasks[task].completed == 0:
                progress.reset(task)  # the work begins only now
            progress.advance(task, step)

        yield advance


def in_notebook() -> bool:
    """Whether this is Jupyter's kernel, which draws what is displayed."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return type(shell).__name__ == "ZMQInteractiveShell"


def observer_named(name: "str | Observer | None") -> Observer:
    """An observer as people ask for it.

    Parameters
    ----------
    name : str or Observer, optional
        'bar', 'log' or 'silent', or an observer, which comes back as it is; None: a bar on a terminal and in a
        notebook, the logger ``llm4es`` elsewhere.

    Returns
    -------
    Observer
        Who hears of the work.

    Raises
    ------
    OptionError
        For another word.

    Examples
    --------
    >>> type(observer_named("log")).__name__
    'Logging'
    >>> observer_named("loud")
    Traceback (most recent call last):
    llm4es.core.errors.OptionError: observer 'loud' is unknown: give one of bar, log, silent, or an Observer
    """
    from ..core.errors import OptionError

    if name is None:
        return Terminal() if sys.stderr.isatty() or in_notebook() else Logging()
    if not isinstance(name, str):
        return name
    known: dict[str, type[Terminal | Logging | Null]] = {"bar": Terminal, "log": Logging, "silent": Null}
    if name not in known:
        raise OptionError(f"observer {name!r} is unknown: give one of {', '.join(known)}, or an Observer")
    return known[name]()
