"""Options that bound what a query, or the reading of raw files, takes of the machine.

In: what a user typed. Out: checked values. Imports nothing heavy.
"""

from dataclasses import dataclass

from ..core.limits import Limits
from .base import Options
from .panels import Panel
from .setting import option


@dataclass(frozen=True)
class LimitOptions(Options):
    """What a query, or the reading of raw files, may use of the machine: nothing of it changes a result."""

    memory_limit: str | None = option(
        None,
        "Memory, such as 4GB; beyond it DuckDB spills to disk.",
        metavar="SIZE",
        group=Panel.LIMITS,
        changes_result=False,
    )
    """None: of ``sql``, 80 % of the machine's; of raw files, 1 GB."""

    spill_limit: str | None = option(
        None,
        "Disk for what memory does not hold, such as 50GB.",
        metavar="SIZE",
        group=Panel.LIMITS,
        changes_result=False,
    )
    """None: 90 % of what is free."""

    threads: int | None = option(
        None, "Threads; default: one a core.", minimum=1, unit="threads", group=Panel.LIMITS, changes_result=False
    )

    timeout: float | None = option(
        None,
        "Stop a query, or the reading of raw files, that takes longer.",
        minimum=0.001,
        unit="seconds",
        metavar="SECONDS",
        group=Panel.LIMITS,
        changes_result=False,
    )
    """None: it may take for ever."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.limits()  # what is no size is refused here, before any work

    def limits(self) -> Limits:
        """The limits themselves."""
        return Limits(self.memory_limit, self.spill_limit, self.threads, self.timeout)
