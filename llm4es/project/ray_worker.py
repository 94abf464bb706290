"""An actor of a Ray cluster, as whoever hands out portions sees it.

In: Ray, connected; a set-up and portions. Out: what the actor tells, and in which way it died. Knows no stage.
"""

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from ..core.errors import WorkerError
from .increments import Setup
from .mapping import NotReadyError
from .ray_actor import RayActor
from .ray_cluster import as_meant, told
from .shared_place import SharedPlace

READY_SECONDS = 600.0
"""Until a worker has to be up with its stage: a model may have to be read from a slow disk."""

LOOK_SECONDS = 10.0
"""Between looks at whether the cluster has a machine, while a worker is waited for."""

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
            for asked in (("check",), ("set_up", setup)):  # another version may not know the setup
                self._wait_for(ready := self._call(*asked))
                self._ray.get(ready)

    def _wait_for(self, ready: Any) -> None:
        """Raise WorkerError where it takes too long, and where no machine is left that could make it."""
        ends = time.monotonic() + READY_SECONDS
        while (left := ends - time.monotonic()) > 0:
            done, _ = self._ray.wait([ready], timeout=min(left, LOOK_SECONDS))
            if done:
                return
            if not any(node["Alive"] for node in self._ray.nodes()):
                raise WorkerError("the cluster has no machine left: start it again; what was committed stays")
        raise NotReadyError(
            f"no worker was ready after {READY_SECONDS / 60:g} minutes: the cluster is busy, or a node cannot "
            "start one; see `ray status`"
        )

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
            raise as_meant(str(error)) from error
