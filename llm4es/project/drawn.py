"""What a screen draws: work that is underway, and trees.

In: levels of work, a tree. Out: a console of rich's. Knows no step.
"""

import shutil
import time
from typing import TYPE_CHECKING

from rich.console import Console

from ..core.phases import n_read
from ..core.printable import printable
from .levels import Levels
from .run_tree import Branch

if TYPE_CHECKING:
    from rich.console import Group
    from rich.live import Live


class Drawn(Levels):
    """Progress as lines at the bottom of a screen, one a level, gone when the work is done."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console
        self._live: Live | None = None

    def begin(self) -> None:
        from rich.live import Live

        self._live = Live(console=self._console, get_renderable=self._lines, transient=True)
        self._live.start(refresh=True)

    def end(self) -> None:
        if self._live is not None:
            self._live.stop()

    def _lines(self) -> "Group":
        from rich.console import Group
        from rich.text import Text

        now, lines = time.monotonic(), []
        for depth, level in enumerate(self.levels):
            around = any(inner.total for inner in self.levels[depth + 1 :])
            name, bar, rest = level.drawn(self._console.width - 1 - 2 * depth, now, n_read(), around=around)
            line = Text("  " * depth + printable(name), overflow="fold")
            done = bar.rstrip("─")
            line.append(f"  {done}" if bar else "", "magenta").append(bar[len(done) :], "dim")
            lines.append(line.append("  " + rest.replace("\n", "\n" + "  " * (depth + 1)), "cyan"))
        return Group(*lines)


def show_tree(tree: Branch, console: Console) -> None:
    """Draw a tree on a terminal; one that is dumb, or that a screen reader reads, has its lines moved in.

    Parameters
    ----------
    tree : Branch
        Of what is planned, or was done.
    console : rich.console.Console
        Where to; as wide as it is, no word is broken.
    """
    if console.is_interactive or console.is_jupyter:
        console.print(tree.drawn(console.width), soft_wrap=True)
    else:  # rich takes each dumb terminal for one of 80 columns
        console.out("\n".join(tree.lines(shutil.get_terminal_size().columns)), highlight=False)
