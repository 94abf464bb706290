"""How many processes compute: an option of the steps whose stage may be mapped over several.

In: what a user typed. Out: checked values. Imports nothing heavy.
"""

from dataclasses import dataclass

from .base import Options
from .setting import option


@dataclass(frozen=True)
class WorkerOptions(Options):
    """Where the work is done: nothing of it changes a result."""

    workers: int | None = option(
        None,
        "Processes that compute: a GPU each, or the CPU shared out; default: as many as pay.",
        minimum=1,
        unit="processes",
        changes_result=False,
    )
    """None: one a GPU; on a CPU as many as have memory, where there is enough to do; 1: no other process."""
