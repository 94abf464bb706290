"""Where a stage is mapped, and over how many: options of the steps whose stage may run on several workers.

In: what a user typed. Out: checked values. Imports nothing heavy.
"""

from dataclasses import dataclass
from enum import StrEnum

from ..core.errors import OptionError
from .base import Options
from .panels import Panel
from .setting import option


class ExecutorName(StrEnum):
    """Where work is done."""

    LOCAL = "local"
    RAY = "ray"


@dataclass(frozen=True)
class WorkerOptions(Options):
    """Where the work is done: nothing of it changes a result."""

    executor: ExecutorName = option(
        ExecutorName.LOCAL,
        "Where: processes of this machine, or a Ray cluster (RAY_ADDRESS; without it, a Ray of this machine).",
        changes_result=False,
        group=Panel.WHERE,
    )

    workers: int | None = option(
        None,
        "Processes that compute: a GPU each, or the CPU shared out; default: as many as pay.",
        minimum=1,
        unit="processes",
        changes_result=False,
        group=Panel.WHERE,
    )
    """None: one a GPU; on a CPU as many as have memory, where there is enough to do; 1: no other process."""

    worker_gpus: float = option(
        0.0, "Of each worker on Ray: 1, or 0.5 where two share one.", minimum=0, unit="GPUs", changes_result=False,
        group=Panel.WHERE,
    )  # fmt: skip

    worker_cpus: float = option(
        1.0, "Of each worker on Ray; so many threads it has.", minimum=0, exclusive_minimum=True, unit="CPUs",
        changes_result=False, group=Panel.WHERE,
    )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("worker_gpus", "worker_cpus"):
            if self.executor is ExecutorName.LOCAL and getattr(self, name) != self.settings()[name].default:
                flag = self.settings()[name].flag
                raise OptionError(f"{flag} {getattr(self, name):g} is of --executor ray: add it, or leave this out")


UNSAID = WorkerOptions()
"""Nothing was said: work is done where the context's executor says."""


def check_one_asks(working: WorkerOptions) -> None:
    """Raise where several workers are to ask a server.

    Parameters
    ----------
    working : WorkerOptions
        As they were given.

    Raises
    ------
    OptionError
        For more than one, and for Ray.

    Examples
    --------
    >>> check_one_asks(WorkerOptions(workers=1))
    >>> check_one_asks(WorkerOptions(workers=2))
    Traceback (most recent call last):
    llm4es.core.errors.OptionError: --workers 2 with --engine openai: --concurrency says how many requests go at once
    """
    given = f"--workers {working.workers}" if (working.workers or 1) > 1 else ""
    given = "--executor ray" if working.executor is ExecutorName.RAY else given
    if given:
        raise OptionError(f"{given} with --engine openai: --concurrency says how many requests go at once")
