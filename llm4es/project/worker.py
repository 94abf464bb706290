"""A process that computes for another one: it sets a stage up, then reads portions until it is told to end.

In: on stdin a set-up and portions. Out: on what was stdout, increments and progress. It ends with the process that
started it, however that ends. Knows neither stage nor store.
"""

import os
import pickle
import queue
import signal
import threading
import traceback
from contextlib import suppress
from typing import IO, Any

from .messages import hear, tell

ADVANCE, INCREMENT, FINISHED, FAILED = "advance", "increment", "finished", "failed"
"""What a worker tells: each with a value."""


def main() -> None:
    """Work until the end is told. What libraries print goes to stderr: stdout is for messages alone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started this process hears of Ctrl-C, and ends it
    asked, told = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    requests: queue.Queue[Any] = queue.Queue()
    threading.Thread(target=_listen, args=(asked, requests), daemon=True).start()
    try:
        work = requests.get()()
        while (portion := requests.get()) is not None:
            for increment in work([portion], lambda more: tell(told, (ADVANCE, more))):
                tell(told, (INCREMENT, increment))
            tell(told, (FINISHED, None))
    except BaseException as error:
        error.add_note(f"in a worker:\n{traceback.format_exc()}")
        with suppress(BrokenPipeError):  # nobody is left to tell
            tell(told, (FAILED, _that_travels(error)))
    os._exit(0)  # nothing here is worth waiting for


def _listen(asked: IO[bytes], requests: "queue.Queue[Any]") -> None:
    """Requests as they come; nobody is left to work for once there can be no more."""
    while True:
        try:
            requests.put(hear(asked))
        except EOFError:
            os._exit(1)
        except BaseException as error:  # what was sent cannot be read here: a set-up of a module that is not there
            requests.put(_Raises(error))


class _Raises:
    """Stands for a request that could not be read."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __call__(self) -> Any:
        raise self.error


def _that_travels(error: BaseException) -> BaseException:
    """The error, or what it says where it cannot be sent or read."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301  # just made here
    except Exception:
        return RuntimeError("".join(traceback.format_exception(error)))
    return error
