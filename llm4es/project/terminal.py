"""The observer of people who watch: bars on a terminal and in a notebook, lines in a pipe.

In: messages, warnings, how much is done. Out: stderr. Knows no step.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property

from rich.console import Console
from rich.markup import escape

from ..core.phases import heard_by
from ..core.printable import printable
from .drawn import Drawn, show_tree
from .levels import Advance, InLines, Levels
from .observer import Logging, Null, Observer
from .run_tree import Branch
from .text_table import folded

WIDE = 200
"""Columns of text where there is no terminal that says how wide it is."""


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
        self._draws = self.console.is_interactive or self.console.is_jupyter
        heard_by(self.progress)  # also of what is imported before any step

    def say(self, message: str) -> None:
        """Print one line."""
        for line in self._folded(message):
            self.console.print(escape(line), soft_wrap=True)

    def warn(self, message: str) -> None:
        """Print a warning, also when quiet."""
        sys.stderr.write("".join(f"{line}\n" for line in self._folded(f"warning: {message}")))

    def _folded(self, message: str) -> list[str]:
        """Lines that are parted between words, where somebody reads them as they come."""
        text = printable(message)
        return folded(text, self.console.width) or [""] if sys.stderr.isatty() else [text]

    @property
    def draws(self) -> bool:
        """Whether somebody watches a screen that draws."""
        return not self.quiet and self._draws

    @cached_property
    def _levels(self) -> Levels:
        return Drawn(self.console) if self._draws else InLines(self.say)

    @contextmanager
    def progress(self, what: str, total: int | None, unit: str) -> Iterator[Advance]:
        """Draw what is underway where there is a screen, print a line of it every 30 seconds elsewhere.

        A terminal that is dumb, or ``TTY_INTERACTIVE=0`` as screen readers have it, takes lines too.
        """
        if self.quiet or total == 0:
            yield lambda _: None
            return
        with self._levels.follow(what, total, unit) as advance:
            yield advance


def tell(observer: Observer, made: Callable[[], Branch]) -> None:
    """Show a tree where there is a screen; elsewhere say its lines, what is below each line moved in.

    Parameters
    ----------
    observer : Observer
        Who hears it.
    made : callable
        Makes the tree, where anybody hears it.

    Examples
    --------
    >>> import logging, sys
    >>> logging.basicConfig(stream=sys.stdout, level="INFO", format="%(message)s", force=True)
    >>> stages = Branch("serialize shop", (Branch("in texts"),)), Branch("embed m")
    >>> tell(Logging(), lambda: Branch("shop: 2 stages", stages))
    shop: 2 stages
    serialize shop
        in texts
    embed m
    """
    if isinstance(observer, Terminal) and observer.quiet:
        return
    tree = made()
    if isinstance(observer, Terminal) and observer.draws:
        show_tree(tree, observer.console)
        return
    for line in (tree.text, *(line for part in tree.parts for line in part.lines())):
        observer.say(line)


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
