"""A stage mapped over several workers, wherever they are: who takes which portion, and what becomes of one that dies.

In: workers to start, a set-up that pickles, batches of input. Out: increments as they come, for whoever commits them.
A worker that dies is told of; what it had taken is done by another, or by one that is started in its place. Knows no
stage, no store, and not what a worker is.
"""

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import pyarrow as pa

from ..core.errors import WorkerError
from .increments import Increment, Setup
from .observer import Advance
from .portions import Portion, Portions
from .told import AGAIN, LEFT, LOST, ToldSoFar
from .worker import ADVANCE, FAILED, INCREMENT

_AHEAD = 64
"""Messages that wait at most: whoever commits slowly stops the work, not the memory."""

MOST_DEATHS = 3
"""Deaths in a row, of one worker that finishes nothing between them, after which it is not started again."""


MOST_LEFT_OUT = 20
"""Entities that kill workers, after which it is not the entities."""


class LostWorkerError(Exception):
    """A worker is gone; it says how it ended, such as 'was killed by SIGKILL'."""


class NotReadyError(WorkerError):
    """A worker was not up within the time that it is given."""


class Worker(Protocol):
    """One that computes elsewhere. Its methods are called by one thread, but for ``hand_over`` and ``kill``."""

    def set_up(self, setup: Setup) -> None:
        """Have the stage set up there; need not wait for it."""

    def do(self, rows: pa.RecordBatch) -> Iterator[tuple[str, Any]]:
        """Have a portion done: what it tells of it. Raises LostWorkerError, or what the stage raised there."""

    def end(self) -> None:
        """There is nothing left to do."""

    def hand_over(self) -> None:
        """Ctrl-C: tell what is made, and do no more."""

    def kill(self) -> None:
        """End at once, whatever it is doing; called last, and always."""


def map_over(
    starts: Sequence[Callable[[], Worker]],
    setup: Setup,
    portions: Portions,
    advance: Advance,
    warn: Callable[[str], None],
    *,
    restarts: bool = False,
    look: Callable[[], None] = lambda: None,
) -> Iterator[Increment]:
    """Set a stage up in several workers and let them do the portions between them.

    Parameters
    ----------
    starts : sequence of callables
        Each starts one worker.
    setup : callable
        Pickles; called once in each worker.
    portions : Portions
        What there is to do.
    advance : callable
        Takes how many more units are done.
    warn : callable
        Takes a sentence about a worker that died, and about an entity that kills every one.
    restarts : bool, default False
        Whether a worker that died is started again.
    look : callable, optional
        Called at least once a second; what it raises ends the work.

    Yields
    ------
    sequence of TableRows
        In the order in which they are made.

    Raises
    ------
    WorkerError
        Where all workers died.
    Exception
        What the stage raises in any of them.
    """
    heard: queue.Queue[tuple[str, Any]] = queue.Queue(_AHEAD)
    closed = threading.Event()
    attended = [_Attended(start, setup, portions, heard, closed, restarts) for start in starts]
    for each in attended:
        each.thread.start()
    told = ToldSoFar(len(attended), advance, warn)
    try:
        while told.left:
            try:
                kind, value = _next(heard, look)
            except KeyboardInterrupt:
                portions.close()
                for each in attended:
                    each.worker.hand_over()
                yield from told.rest(heard)
                raise
            except WorkerError:  # what ``look`` says: nobody answers who could end them
                attended = []
                raise
            yield from told.of(kind, value)
            if len(portions.left_out) > MOST_LEFT_OUT:
                raise _left_out(portions.left_out)
        if portions.unfinished:
            raise WorkerError(
                f"all workers ended before the work was done, the last {told.lost}: give fewer --workers; "
                "what was committed stays, and the same command goes on from there"
            )
        if portions.left_out:
            raise _left_out(portions.left_out)
    finally:
        closed.set()
        for each in attended:
            each.worker.kill()
        for each in attended:
            each.thread.join()
            each.worker.kill()  # one that was started again in the meantime


def _left_out(entities: Sequence[str]) -> WorkerError:
    named = ", ".join(map(repr, entities[:3])) + (", ..." if len(entities) > 3 else "")
    several = f"{len(entities)} entities were" if len(entities) > 1 else "1 entity was"
    stopped = ", and the work was stopped" if len(entities) > MOST_LEFT_OUT else ""
    return WorkerError(
        f"{several} left out{stopped}: whatever worker read it died ({named}); what else is done stays: "
        "look at the events, or give a worker more memory, and run it again"
    )


class _Attended:
    """One worker, and the thread that hands it portions and passes on what it tells."""

    def __init__(
        self,
        start: Callable[[], Worker],
        setup: Setup,
        portions: Portions,
        heard: "queue.Queue[tuple[str, Any]]",
        closed: threading.Event,
        restarts: bool,
    ) -> None:
        self._start, self._setup, self._portions, self._heard, self._closed = start, setup, portions, heard, closed
        self._restarts = restarts
        self.worker = start()
        self.thread = threading.Thread(target=self._attend, daemon=True)

    def _attend(self) -> None:
        deaths = 0
        while True:
            kind, value = self._worked()
            if deaths and isinstance(value, NotReadyError):  # its place is gone: the others go on without it
                return self._put((LOST, "that died is not started again, for lack of room"))
            if kind != LOST:
                return self._put((kind, value))
            deaths = 1 if self._finished else deaths + 1
            if not self._restarts or deaths >= MOST_DEATHS or self._closed.is_set():
                return self._put((LOST, value))
            self._put((AGAIN, value))
            if self._closed.is_set():  # Ray would start anew for whoever calls it now
                return None
            self.worker.kill()
            try:
                self.worker = self._start()
            except BaseException as error:  # such as a cluster that takes nothing more: told, or nobody would end
                return self._put((FAILED, error))

    def _worked(self) -> tuple[str, Any]:
        """Portion after portion until there are none, or the worker is gone: what is to be told of the end."""
        portion, self._finished = None, False
        try:
            self.worker.set_up(self._setup)
            while (portion := self._taken()) is not None:
                for message in self.worker.do(portion.rows):
                    self._put(_new(portion, *message))
                self._portions.finished()
                portion, self._finished = None, True
            self.worker.end()
        except LostWorkerError as lost:
            return LOST, str(lost)
        except _InputError as error:
            return FAILED, error.__cause__
        except BaseException as error:  # such as a set-up that does not pickle
            return FAILED, error
        finally:
            if portion is not None:
                self._finished |= self._portions.back(portion)
        return LEFT, None

    def _taken(self) -> Portion | None:
        """The next portion; None: there is none, or nobody wants more."""
        try:
            return None if self._closed.is_set() else self._portions.take()
        except BaseException as error:
            raise _InputError from error

    def _put(self, message: tuple[str, Any]) -> None:
        while not self._closed.is_set():
            with contextlib.suppress(queue.Full):
                self._heard.put(message, timeout=0.1)
                return


class _InputError(Exception):
    """Around what the input raised: it may be of any kind, also of those that mean a broken pipe."""


def _new(portion: Portion, kind: str, value: Any) -> tuple[str, Any]:
    """A message without what a worker that died has told before."""
    if kind == INCREMENT:
        return kind, portion.not_told(value)
    return kind, portion.advanced(value) if kind == ADVANCE else value


def _next(heard: "queue.Queue[tuple[str, Any]]", look: Callable[[], None]) -> tuple[str, Any]:
    """The next message; Ctrl-C is heard while none comes, on every system."""
    while True:
        look()
        with contextlib.suppress(queue.Empty):
            return heard.get(timeout=1.0)
