"""Where the pure stage is mapped over its input: in this process, in several, or wherever an executor takes it.

In: a set-up to call where the work is done, batches of input. Out: what the work gives, for whoever commits. Knows
neither stages nor the store: an executor never writes.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import pyarrow as pa

from ..core.errors import OptionError
from .increments import Increment, Setup, TableRows, Work
from .observer import Advance

__all__ = [
    "Executor",
    "Increment",
    "Local",
    "Setup",
    "TableRows",
    "Work",
    "at_the_store",
    "check_devices",
    "where_it_pays",
]

FEW_ENTITIES = 20_000
"""Whose texts one process makes while the workers of a cluster would start."""


class Executor(Protocol):
    """Maps a stage over its input: in this process, in others, on a cluster. It computes; whoever calls it commits.

    One that has ``at_the_store = True`` is handed planned rows in place of the stage's input, and a set-up that reads
    the store, and writes files below it, where the work is done.
    """

    def map(self, setup: Setup, batches: Iterable[pa.RecordBatch], advance: Advance) -> Iterator[Increment]:
        """What the stage gives for the batches, in any order of increments.

        Parameters
        ----------
        setup : callable
            Called once wherever work is done; it loads what the stage needs.
        batches : iterable of pyarrow.RecordBatch
            The stage's input.
        advance : callable
            Takes how many more units are done.

        Returns
        -------
        iterator of sequences of TableRows
            What belongs together is committed together.
        """


class Local:
    """This machine: this process, or several.

    Parameters
    ----------
    workers : int, optional
        Processes that compute, each with its share of the processor's threads, or a GPU of its own. None: as the step
        thinks best, else this process; 1: this process.
    warn : callable, optional
        Takes a sentence about a process that was killed; None: a Python warning.

    Raises
    ------
    OptionError
        For fewer than one.

    Examples
    --------
    >>> import pyarrow as pa
    >>> def setup():
    ...     return lambda batches, advance: ([TableRows("t", pa.table([b["x"]], ["x"]))] for b in batches)
    >>> ((rows,),) = Local().map(setup, [pa.record_batch({"x": [1, 2]})], lambda done: None)
    >>> rows.table, rows.rows.num_rows
    ('t', 2)
    """

    def __init__(self, workers: int | None = None, *, warn: Callable[[str], None] | None = None) -> None:
        if workers is not None and workers < 1:
            raise OptionError(f"--workers {workers} is below 1: give 1 or more")
        self.workers = workers
        self._warn = warn or warnings.warn

    def map(self, setup: Setup, batches: Iterable[pa.RecordBatch], advance: Advance) -> Iterator[Increment]:
        """Set the stage up, here or in each process, and let it read the batches.

        Parameters
        ----------
        setup : callable
            Loads what the stage needs; called once in each process, so for several it has to pickle.
        batches : iterable of pyarrow.RecordBatch
            The stage's input. Several processes take it in portions of whole entities (adjacent rows of one
            ``entity_id``): in each, what ``setup()`` gave is called with one portion after the other.
        advance : callable
            Takes how many more units are done.

        Yields
        ------
        sequence of TableRows
            As the stage makes them.

        Raises
        ------
        WorkerError
            Where all processes were killed.

        Examples
        --------
        >>> list(Local().map(lambda: lambda batches, advance: iter(()), [], lambda done: None))
        []
        """
        if self.workers is None or self.workers == 1:
            yield from setup()(batches, advance)
            return
        from .workers import environments, map_in_processes

        yield from map_in_processes(setup, batches, advance, environments(self.workers), self._warn)


def at_the_store(executor: Executor) -> bool:
    """Whether it is handed planned rows, and writes files below the store."""
    return bool(getattr(executor, "at_the_store", False))


def where_it_pays(executor: Executor, pays: Callable[[], bool], say: Callable[[str], None]) -> Executor:
    """The executor; this process where it is a cluster's and the work is less than the start of workers.

    Parameters
    ----------
    executor : Executor
        Where work is to be done. One that was told how many workers it has is taken at its word.
    pays : callable
        Whether there is enough to do: asked only where it matters.
    say : callable
        Takes a sentence.

    Returns
    -------
    Executor
        Where it is done.

    Examples
    --------
    >>> from llm4es.project.executor_ray import Ray
    >>> type(where_it_pays(Ray(), lambda: False, print)).__name__
    so little is done in this process before workers would have started: --workers N starts them all the same
    'Local'
    >>> type(where_it_pays(Ray(workers=2), lambda: False, print)).__name__
    'Ray'
    """
    if not at_the_store(executor) or getattr(executor, "workers", 1) is not None or pays():
        return executor
    say("so little is done in this process before workers would have started: --workers N starts them all the same")
    return Local(1)


def check_devices(executor: Executor, device: str) -> None:
    """Refuse workers of a cluster that would compute on other devices than their driver plans for.

    Parameters
    ----------
    executor : Executor
        One with ``gpus`` of each worker, or any other.
    device : str
        On which this process computes: 'cpu', 'cuda' or 'mps'.

    Raises
    ------
    OptionError
        Where only one of the two has a GPU.

    Examples
    --------
    >>> from llm4es.project.executor_ray import Ray
    >>> check_devices(Ray(2, gpus=1), "cpu")
    Traceback (most recent call last):
    llm4es.core.errors.OptionError: --worker-gpus 1 where the command itself computes on cpu: the number format is ...
    """
    gpus = getattr(executor, "gpus", None)
    if gpus and device != "cuda":
        raise OptionError(
            f"--worker-gpus {gpus:g} where the command itself computes on {device}: the number format is that of its "
            "own device; run it on a machine with a GPU, or leave --worker-gpus out"
        )
    if gpus == 0 and device == "cuda":
        raise OptionError(
            "--executor ray where there are GPUs: all workers would take the first; give --worker-gpus 1 (0.5: two "
            "share one), or --device cpu"
        )
