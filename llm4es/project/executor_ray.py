"""A stage mapped over a Ray cluster, or over a Ray of this machine's own where there is none.

In: a set-up that pickles, planned rows. Out: increments whose rows lie below the store already, for whoever commits
them. Ray hands out nothing by itself: portions, what becomes of one whose worker died, and Ctrl-C are those of
processes of this machine (``mapping``), and the store's plan is the only checkpoint. Knows no stage.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import pyarrow as pa

from ..core.errors import OptionError, WorkerError
from .increments import Increment, Setup
from .mapping import MOST_DEATHS, map_over
from .observer import Advance
from .portions import Portions
from .ray_cluster import Head, check_installed, connected
from .ray_worker import RayWorker
from .shared_place import SharedPlace
from .there import AtTheStore


class Ray:
    """Workers on a Ray cluster.

    Parameters
    ----------
    workers : int, optional
        Actors that compute; None: one a GPU of the cluster, or where there is none, one a CPU but one.
    gpus : float, default 0
        Of each worker: a part of one where several share it.
    cpus : float, default 1
        Of each worker, whose threads are as many.
    address : str, optional
        Such as ``head:6379`` or ``auto``; None: ``RAY_ADDRESS``, or where that is not set, a Ray of this
        machine, which ends with this process.
    warn : callable, optional
        Takes a sentence about a worker that died; None: a Python warning.

    Raises
    ------
    OptionError
        For fewer than one worker, and shares that are none.
    WorkerError
        Where Ray is not installed.

    Examples
    --------
    >>> Ray(workers=0)
    Traceback (most recent call last):
    llm4es.core.errors.OptionError: --workers 0 is below 1: give 1 or more
    """

    at_the_store = True

    def __init__(
        self,
        workers: int | None = None,
        *,
        gpus: float = 0.0,
        cpus: float = 1.0,
        address: str | None = None,
        warn: Callable[[str], None] | None = None,
    ) -> None:
        if workers is not None and workers < 1:
            raise OptionError(f"--workers {workers} is below 1: give 1 or more")
        if not gpus >= 0:
            raise OptionError(f"--worker-gpus {gpus} is below 0: give 0, 1, or a part of one")
        if not cpus > 0:
            raise OptionError(f"--worker-cpus {cpus} is not above 0: give 1 or more")
        check_installed()
        self.workers, self.gpus, self.cpus, self.address = workers, gpus, cpus, address
        self._warn = warn

    def map(self, setup: Setup, batches: Iterable[pa.RecordBatch], advance: Advance) -> Iterator[Increment]:
        """Set the stage up in each worker, and let them do the planned rows between them.

        Parameters
        ----------
        setup : callable
            Loads what the stage needs; pickles. One that reads the store (``There``) is held against what a worker
            sees of it first.
        batches : iterable of pyarrow.RecordBatch
            Planned rows; those of an ``entity_id`` adjacent.
        advance : callable
            Takes how many more units are done.

        Yields
        ------
        sequence of TableRows
            As workers make them.

        Raises
        ------
        WorkerError
            Where there is no such cluster, it is of another version, has too little room, does not see the store, and
            where all workers died, or some entities killed every one of them.
        Exception
            What the stage raises.
        """
        import warnings

        ray = connected(self.address)
        workers = self._count(ray)
        with contextlib.ExitStack() as stack:
            place, sizes = None, {}
            if isinstance(setup, AtTheStore):
                place = stack.enter_context(SharedPlace.of(setup.store))
                sizes = {"most_rows": setup.most_rows, "fewest_rows": setup.fewest_rows}
            starts = [partial(RayWorker, ray, self.cpus, self.gpus, place) for _ in range(workers)]
            portions = Portions(batches, workers, patience=MOST_DEATHS, **sizes)
            head = Head(ray.get_runtime_context().gcs_address)
            yield from map_over(
                starts, setup, portions, advance, self._warn or warnings.warn, restarts=True, look=head.check
            )

    def _count(self, ray: Any) -> int:
        """How many workers there will be. Raises WorkerError where the cluster has no room for as many as asked."""
        there = ray.cluster_resources()
        has = {"CPU": there.get("CPU", 0.0), "GPU": there.get("GPU", 0.0)}
        needs = {"CPU": self.cpus, "GPU": self.gpus}
        room = min(int(has[of] / need + 1e-9) for of, need in needs.items() if need)
        if self.workers is None:
            return max(1, room if self.gpus else room - 1)
        if self.workers > room:
            each = " and ".join(f"{need:g} {of}" for of, need in needs.items() if need)
            raise WorkerError(
                f"--workers {self.workers} with {each} each: the cluster has {has['CPU']:g} CPUs and "
                f"{has['GPU']:g} GPUs, which is room for {room}; give --workers {max(room, 1)}, or a smaller share"
            )
        return self.workers
