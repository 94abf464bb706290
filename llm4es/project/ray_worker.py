"""An actor of a Ray cluster, as whoever hands out portions sees it.

In: Ray, connected; a set-up and portions. Out: what the actor tells, and in which way it died. Knows no stage.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from ..core.errors import WorkerError
from .increments import Setup
from .mapping import LostWorkerError
from .ray_actor import RayActor
from .ray_cluster import told
from .shared_place import SharedPlace

READY_SECONDS = 600.0
"""Until a worker has to be up with its stage: a model may have to be read from a slow disk."""

_AHEAD = 8
"""Messages that a worker is ahead of whoever hears them."""


class RayWorker:
    """An actor that computes: a ``Worker``."""

    def __init__(self, ray: Any, cpus: float, gpus: float, place: SharedPlace | None) -> None:
        self._ray = ray
        # Ray starts nothing again by itself: a portion that kills its actor would kill it for ever.
        made = ray.remote(max_restarts=0, max_task_retries=0, num_cpus=cpus, num_gpus=gpus, max_concurrency=2)(RayActor)
        self._actor: RayActor = made.remote(place)

    def set_up(self, setup: Setup) -> None:
        with self._gone():
            done, _ = self._ray.wait([ready := self._call("set_up", setup)], timeout=READY_SECONDS)
            if not done:
                raise WorkerError(
                    f"no worker was ready after {READY_SECONDS / 60:g} minutes: the cluster is busy, or a node cannot "
                    "start one; see `ray status`"
                )
            self._ray.get(ready)

    def do(self, rows: pa.RecordBatch) -> Iterator[tuple[str, Any]]:
        with self._gone():
            streamed = {"num_returns": "streaming", "_generator_backpressure_num_objects": _AHEAD}
            for message in self._call("do", rows, **streamed):
                yield self._ray.get(message)

    def end(self) -> None:
        """It is killed: an actor holds nothing."""

    def hand_over(self) -> None:
        with contextlib.suppress(Exception):  # it is gone
            self._call("hand_over")

    def kill(self) -> None:
        with contextlib.suppress(Exception):  # so is Ray
            self._ray.kill(self._actor)

    def _call(self, method: str, *args: Any, **options: Any) -> Any:
        return getattr(self._actor, method).options(**options).remote(*args)

    @contextlib.contextmanager
    def _gone(self) -> Iterator[None]:
        """What Ray raises as what it means: the actor died, or the stage failed in it."""
        exceptions = self._ray.exceptions
        try:
            yield
        except exceptions.RayTaskError as error:
            raise told(error) from None
        except (exceptions.RayActorError, exceptions.ObjectLostError, exceptions.OutOfMemoryError) as error:
            raise _as_meant(str(error)) from error


def _as_meant(said: str) -> Exception:
    """What Ray says of an actor that is gone: it cannot start there, or it died."""
    if "creation task" in said:
        last = said.strip().splitlines()[-1]
        return WorkerError(f"a worker cannot start on the cluster ({last}): install the same llm4es on every node")
    memory = " for lack of memory" if "memory usage threshold" in said else ""  # Ray's own watch, not the kernel's
    return LostWorkerError(f"of the cluster died{memory}")
