"""Work within work that is underway, the innermost last, and who shows it while there is any.

In: what begins, advances and ends. Out: lines of a log, every so many seconds. Knows no step.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..core.phases import n_read
from .underway import TOKENS, Underway, in_a_line

Advance = Callable[[int], None]
"""Called with how much more is done."""

LINE_SECONDS, FIRST_SECONDS = 30.0, 0.9
"""Between two lines of progress in a log, and until the first of them."""

TRAINING = 3.0
"""Times what reading a token takes that training with it takes, about: it goes back over it."""


class Levels:
    """What is underway. ``begin`` is called when something is, ``end`` when nothing is any more."""

    def __init__(self) -> None:
        self.levels: tuple[Underway, ...] = ()
        self._pace: dict[str, float] = {}  # seconds a token, by a work's first word

    def begin(self) -> None:
        """Show it from now on."""

    def end(self) -> None:
        """Show nothing any more."""

    @contextmanager
    def follow(self, what: str, total: int | None, unit: str) -> Iterator[Advance]:
        """One piece of work, within those that are underway."""
        kind, pace = what.split(" ", 1)[0], self._pace if unit == TOKENS else {}
        level = Underway(what, total, unit, time.monotonic(), n_read(), pace=pace.get(kind))
        self.levels = (*self.levels, level)
        try:
            if len(self.levels) == 1:
                self.begin()
            yield lambda step: level.advance(step, time.monotonic(), n_read())
        finally:
            self.levels = tuple(each for each in self.levels if each is not level)
            if level.done and level.each is not None:  # measured before training, and after it
                pace |= {"training": TRAINING * level.each, kind: level.each}
            if not self.levels:
                self.end()


class InLines(Levels):
    """Progress as lines, of whatever is underway at that moment.

    Parameters
    ----------
    say : callable
        Takes a line, in a thread of its own.
    seconds : float, default 30
        Between two lines.

    Examples
    --------
    >>> work = InLines(print, seconds=0.05)
    >>> with work.follow("embed m", 4, "entities") as advance:
    ...     advance(2)
    ...     time.sleep(0.08)
    embed m: 2/4 entities, ...s left
    """

    def __init__(self, say: Callable[[str], None], seconds: float = LINE_SECONDS) -> None:
        super().__init__()
        self._say, self._seconds = say, seconds
        self._next, self._first = 0.0, min(FIRST_SECONDS, seconds)

    def begin(self) -> None:
        """Say a line at once, and then every so many seconds; work that is short leaves none."""
        self._over = threading.Event()
        threading.Thread(target=self._tell, args=(self._over,), name="progress", daemon=True).start()

    def end(self) -> None:
        """No more lines."""
        self._over.set()

    def _tell(self, over: threading.Event) -> None:
        if self._next < time.monotonic():  # else a line was said a moment ago, of other work
            self._next = time.monotonic() + self._first
        while not over.wait(max(0.0, self._next - time.monotonic())):
            if levels := self.levels:
                self._say(in_a_line(levels, time.monotonic(), n_read()))
                self._first = self._seconds
            self._next = time.monotonic() + self._seconds
