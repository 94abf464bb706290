"""Stdout as a terminal, where it is one: how wide it is, what it can show, and page by page what is longer.

In: text. Out: stdout. Knows no table and no command.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.pager import Pager, SystemPager


def width_of_terminal() -> int | None:
    """Columns of the terminal that stdout is; None where it is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


@contextmanager
def paged() -> Iterator[Console]:
    """Stdout; on a terminal what is longer than that goes through $PAGER."""
    console = Console(width=width_of_terminal(), highlight=False)
    if not sys.stdout.isatty():
        yield console
        return
    with console.pager(_WhereLong(), styles=True):
        yield console


class _WhereLong(Pager):
    """The pager of the system, for what does not fit on the screen."""

    def show(self, content: str) -> None:
        if content.count("\n") < shutil.get_terminal_size().lines:
            sys.stdout.write(content)
            sys.stdout.flush()
        else:
            os.environ.setdefault("LESS", "RSX")  # colours, long lines to be scrolled to, all of it left when it ends
            SystemPager().show(content)


def ellipsis() -> str:
    """An ellipsis that the terminal can show."""
    try:
        "…".encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return "..."
    return "…"
