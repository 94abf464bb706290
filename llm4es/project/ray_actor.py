"""What a worker of a Ray cluster runs: a stage, set up once, that does portions as they come.

In: a set-up, portions. Out: messages, as a process of this machine would tell them. Knows no stage; of Ray, nothing.
"""

import traceback
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from .increments import Setup, Work
from .shared_place import SharedPlace
from .worker import ADVANCE, INCREMENT


class RayActor:
    """Computes where Ray has put it.

    Parameters
    ----------
    place : SharedPlace, optional
        What has to be seen from there.

    Examples
    --------
    >>> actor = RayActor(None)
    >>> actor.set_up(lambda: lambda batches, advance: iter(()))
    >>> list(actor.do(pa.record_batch({"entity_id": ["a"]})))
    []
    """

    def __init__(self, place: SharedPlace | None) -> None:
        self._place = place
        self._work: Work | None = None

    def check(self) -> None:
        """Look for the shared place, in the package that the driver has."""
        if self._place is not None:
            self._place.check()

    def set_up(self, setup: Setup) -> None:
        """Set the stage up."""
        self._work = setup()

    def do(self, rows: pa.RecordBatch) -> Iterator[tuple[str, Any]]:
        """Do a portion: what is told of it, as it is made."""
        done = [0]

        def advance(more: int) -> None:
            done[0] += more

        if self._work is None:
            raise RuntimeError("set_up comes first")
        try:
            for increment in self._work([rows], advance):
                if done[0]:
                    yield ADVANCE, done[0]
                    done[0] = 0
                if increment:
                    yield INCREMENT, increment
        except BaseException as error:
            error.add_note(f"in a worker:\n{traceback.format_exc()}")
            raise
        if done[0]:
            yield ADVANCE, done[0]

    def hand_over(self) -> None:
        """End the portion that is being done, with what is made of it."""
        stop = getattr(self._work, "stop", None)
        if stop is not None:
            stop()
