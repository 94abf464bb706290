"""What threads that attend to workers have told so far: increments, progress, and who died.

In: messages. Out: increments; sentences about workers that died. Knows no worker.
"""

import contextlib
import queue
import time
from collections.abc import Callable, Iterator
from typing import Any

from .increments import Increment
from .observer import Advance
from .worker import ADVANCE, FAILED, INCREMENT

LOST, AGAIN, LEFT = "lost", "again", "left"
"""What the threads tell, besides what workers do: a worker is gone, or began anew; a thread has nothing left to do."""


class ToldSoFar:
    """What the threads have told so far, to whoever asks for increments."""

    def __init__(self, workers: int, advance: Advance, warn: Callable[[str], None]) -> None:
        self.left, self.lost = workers, ""
        self._advance, self._warn = advance, warn

    def of(self, kind: str, value: Any) -> Iterator[Increment]:
        """Take in one message; the increment in it, if there is one."""
        if kind == INCREMENT:
            if value:
                yield value
        elif kind == ADVANCE:
            self._advance(value)
        elif kind == FAILED:
            raise value
        elif kind == AGAIN:
            self._warn(f"a worker {value}: it is started again, and goes on with what it had taken")
        else:
            self.left -= 1
            if kind == LOST:
                self.lost = value
                if self.left:
                    others = f"the other {self.left} go on" if self.left > 1 else "the other goes on"
                    self._warn(f"a worker {value}: {others} with what it had taken")

    def rest(self, heard: "queue.Queue[tuple[str, Any]]", seconds: float = 10.0) -> Iterator[Increment]:
        """What is made already when Ctrl-C comes; another Ctrl-C ends it, and that it takes too long."""
        until = time.monotonic() + seconds
        with contextlib.suppress(queue.Empty, KeyboardInterrupt):
            while self.left and (left := until - time.monotonic()) > 0:
                kind, value = heard.get(timeout=left)
                if kind != FAILED:
                    yield from self.of(kind, value)
                else:
                    self.left -= 1
