"""A stage mapped over several processes of this machine.

In: a set-up that pickles, batches of input, how many processes. Out: increments as they come, for whoever commits them.
A process that is killed is told of, and the others do what it had taken; one that fails ends all. None outlives this
one. Knows no stage and no store.
"""

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, cast

import pyarrow as pa

from ..core.cores import cores
from ..core.errors import WorkerError
from .increments import Increment, Setup
from .messages import hear, tell
from .observer import Advance
from .portions import Portion, Portions
from .worker import ADVANCE, FAILED, FINISHED, INCREMENT

_LOST, _LEFT = "lost", "left"
"""What the threads tell, besides what workers do: a worker is gone; a thread has nothing left to do."""

_START = "import sys; sys.path[:] = {path!r}; from llm4es.project.worker import main; main()"

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS", "POLARS_MAX_THREADS")
"""What the libraries of a stage read to know how many threads they may have."""

_AHEAD = 64
"""Messages that wait at most: whoever commits slowly stops the work, not the memory."""


def environments(workers: int) -> list[dict[str, str]]:
    """What each of so many processes finds in its environment: its share of the threads, and a GPU of its own.

    Parameters
    ----------
    workers : int
        How many there are.

    Returns
    -------
    list of dict
        One a process. Where ``CUDA_VISIBLE_DEVICES`` is set, its GPUs in turn; where it is empty, none.

    Examples
    --------
    >>> [of["CUDA_VISIBLE_DEVICES"] for of in environments(2)]
    ['0', '1']
    """
    threads = str(max(1, cores() // workers))
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        gpus = [str(number) for number in range(workers)]
    else:
        gpus = [gpu for gpu in visible.split(",") if gpu] or [""]  # set to nothing: the CPU is wanted
    shares = dict.fromkeys(_THREADS, threads)
    return [{**shares, "CUDA_VISIBLE_DEVICES": gpus[number % len(gpus)]} for number in range(workers)]


def map_in_processes(
    setup: Setup,
    batches: Iterable[pa.RecordBatch],
    advance: Advance,
    environments: Sequence[Mapping[str, str]],
    warn: Callable[[str], None],
) -> Iterator[Increment]:
    """Set a stage up in one process an environment and let them read the batches between them.

    Parameters
    ----------
    setup : callable
        Pickles; called once in each process.
    batches : iterable of pyarrow.RecordBatch
        The stage's input; the rows of an entity are adjacent, and go to one process.
    advance : callable
        Takes how many more units are done.
    environments : sequence of mappings
        What each process finds in its environment besides this one's.
    warn : callable
        Takes a sentence about a process that was killed.

    Yields
    ------
    sequence of TableRows
        In the order in which they are made.

    Raises
    ------
    WorkerError
        Where all processes were killed.
    Exception
        What the stage raises in any of them.
    """
    heard: queue.Queue[tuple[str, Any]] = queue.Queue(_AHEAD)
    closed = threading.Event()
    portions = Portions(batches, len(environments))
    processes = [_started(environment) for environment in environments]
    threads = [
        threading.Thread(target=_attend, args=(process, setup, portions, heard, closed), daemon=True)
        for process in processes
    ]
    for thread in threads:
        thread.start()
    left, lost = len(threads), ""
    try:
        while left:
            kind, value = _next(heard)
            if kind == INCREMENT:
                if value:
                    yield value
            elif kind == ADVANCE:
                advance(value)
            elif kind == FAILED:
                raise value
            else:
                left -= 1
                if kind == _LOST:
                    lost = value
                    if left:
                        others = f"the other {left} go on" if left > 1 else "the other goes on"
                        warn(f"a worker {lost}: {others} with what it had taken")
        if portions.unfinished:
            raise WorkerError(
                f"all workers ended before the work was done, the last {lost}: give fewer --workers; "
                "what was committed stays, and the same command goes on from there"
            )
    finally:
        closed.set()
        for process in processes:
            process.kill()
        for process, thread in zip(processes, threads, strict=True):
            thread.join()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):
                    pipe.close()  # type: ignore[union-attr]  # both are pipes


def _started(environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    """A process of this interpreter, with the modules of this one, that Ctrl-C at the terminal does not reach."""
    path = [str(Path(entry).absolute()) for entry in sys.path]
    return subprocess.Popen(  # noqa: S603  # this interpreter
        [sys.executable, "-c", _START.format(path=path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **environment},
        start_new_session=True,
    )


def _attend(
    process: "subprocess.Popen[bytes]",
    setup: Setup,
    portions: Portions,
    heard: "queue.Queue[tuple[str, Any]]",
    closed: threading.Event,
) -> None:
    """Hand portions to one process and pass on what it tells, until there are none or it is gone."""
    portion = None
    last: tuple[str, Any] = (_LEFT, None)
    try:
        asked, told = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)  # both are pipes
        tell(asked, setup)
        while (portion := _taken(portions, closed)) is not None:
            tell(asked, portion.rows)
            while (message := hear(told))[0] != FINISHED:
                _put(heard, _new(portion, *message), closed)
            portions.finished()
            portion = None
        tell(asked, None)
    except (EOFError, OSError):
        last = _last_word(process)
    except _InputError as error:
        last = (FAILED, error.__cause__)
    except BaseException as error:  # such as a set-up that does not pickle
        last = (FAILED, error)
    finally:
        if portion is not None:
            portions.back(portion)
        _put(heard, last, closed)


class _InputError(Exception):
    """Around what the input raised: it may be of any kind, also of those that mean a broken pipe."""


def _new(portion: Portion, kind: str, value: Any) -> tuple[str, Any]:
    """A message without what a process that was killed has told before."""
    if kind == INCREMENT:
        return kind, portion.not_told(value)
    return kind, portion.advanced(value) if kind == ADVANCE else value


def _taken(portions: Portions, closed: threading.Event) -> Portion | None:
    """The next portion; None: there is none, or nobody wants more."""
    try:
        return None if closed.is_set() else portions.take()
    except BaseException as error:
        raise _InputError from error


def _put(heard: "queue.Queue[tuple[str, Any]]", message: tuple[str, Any], closed: threading.Event) -> None:
    while not closed.is_set():
        with contextlib.suppress(queue.Full):
            heard.put(message, timeout=0.1)
            return


def _next(heard: "queue.Queue[tuple[str, Any]]") -> tuple[str, Any]:
    """The next message; Ctrl-C is heard while none comes, on every system."""
    while True:
        with contextlib.suppress(queue.Empty):
            return heard.get(timeout=1.0)


def _last_word(process: "subprocess.Popen[bytes]") -> tuple[str, Any]:
    """What failed in a process before it had anything to read; else how it ended."""
    with contextlib.suppress(EOFError, OSError):
        kind, value = hear(cast("IO[bytes]", process.stdout))
        if kind == FAILED:
            return kind, value
    return _LOST, _how_it_ended(process)


def _how_it_ended(process: "subprocess.Popen[bytes]") -> str:
    """Such as 'was killed by SIGKILL'."""
    try:
        code = process.wait(timeout=10)
    except subprocess.TimeoutExpired:  # it tells no more, and does not end
        process.kill()
        code = process.wait()
    if code >= 0:
        return f"ended with exit code {code}"
    name = signal.Signals(-code).name
    return f"was killed by {name}" + (" (perhaps for lack of memory)" if name == "SIGKILL" else "")
