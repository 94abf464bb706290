"""How many processes compute: an option of the steps whose stage may be mapped over several.

In: what a user typed. Out: checked values. Imports nothing heavy.
"""

from dataclasses import dataclass

from ..core.errors import OptionError
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


def check_one_asks(workers: int | None) -> None:
    """Raise where several processes are to ask a server.

    Parameters
    ----------
    workers : int, optional
        As it was given.

    Raises
    ------
    OptionError
        For more than one.

    Examples
    --------
    >>> check_one_asks(1)
    >>> check_one_asks(2)
    Traceback (most recent call last):
    llm4es.core.errors.OptionError: --workers 2 with --engine openai: --concurrency says how many requests go at once
    """
    if workers is not None and workers > 1:
        raise OptionError(f"--workers {workers} with --engine openai: --concurrency says how many requests go at once")
