"""A stage mapped over several processes of this machine.

In: a set-up that pickles, batches of input, how many processes. Out: increments as they come, for whoever commits them.
A process that is killed is told of, and the others do what it had taken; one that fails ends all. None outlives this
one. Knows no stage and no store.
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import IO, Any, cast

import pyarrow as pa

from ..core.cores import cores
from .increments import Increment, Setup
from .mapping import LostWorkerError, map_over
from .messages import hear, tell
from .observer import Advance
from .portions import Portions
from .worker import FAILED, FINISHED

_START = "import sys; sys.path[:] = {path!r}; from llm4es.project.worker import main; main()"

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS", "POLARS_MAX_THREADS")
"""What the libraries of a stage read to know how many threads they may have."""


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
    starts = [partial(_Process, environment) for environment in environments]
    yield from map_over(starts, setup, Portions(batches, len(starts)), advance, warn)


class _Process:
    """A process of this machine that computes: a ``Worker``."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._process = _started(environment)
        self._asked, self._told = cast("IO[bytes]", self._process.stdin), cast("IO[bytes]", self._process.stdout)

    def set_up(self, setup: Setup) -> None:
        self._tell(setup)

    def do(self, rows: pa.RecordBatch) -> Iterator[tuple[str, Any]]:
        self._tell(rows)
        while True:
            try:
                kind, value = hear(self._told)
            except (EOFError, OSError) as error:
                raise LostWorkerError(_how_it_ended(self._process)) from error
            if kind == FINISHED:
                return
            yield kind, value

    def end(self) -> None:
        self._tell(None)

    def hand_over(self) -> None:
        """Its portions are small: what it is doing is lost."""

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._asked, self._told):
            with contextlib.suppress(OSError):
                pipe.close()

    def _tell(self, value: Any) -> None:
        try:
            tell(self._asked, value)
        except OSError as error:
            raise _last_word(self._process) from error


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


def _last_word(process: "subprocess.Popen[bytes]") -> BaseException:
    """What failed in a process before it had anything to read; else how it ended."""
    with contextlib.suppress(EOFError, OSError):
        kind, value = hear(cast("IO[bytes]", process.stdout))
        if kind == FAILED:
            return cast("BaseException", value)
    return LostWorkerError(_how_it_ended(process))


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
