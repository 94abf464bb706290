"""Options of ``serialize``: raw events to one text an entity.

In: what a user typed. Out: checked values. Imports nothing heavy.
"""

from dataclasses import dataclass, field
from datetime import datetime

from ..core.errors import OptionError
from .base import EXECUTION, History, Options, at_least


@dataclass(frozen=True)
class SerializeOptions(Options):
    """Raw events to one text an entity."""

    history: History = History.NEWEST
    """Which events stay when there are more than ``max_events``."""

    max_events: int | None = None
    """Events a text; None keeps them all (the embedding then cuts by tokens, between events)."""

    as_of: datetime | None = None
    """Exclusive cut-off: only events before it are read; None reads all."""

    preset: str = "raw"
    """Text preset: 'raw' (true values), 'paper' (what the paper's code fed its model), or one of the recipe's own."""

    on_bad_row: str = field(default="fail", metadata=EXECUTION)
    """'fail' stops at a row that cannot be read, 'skip' leaves it out and counts it."""

    def __post_init__(self) -> None:
        at_least(self, "max_events", 1)
        if self.history is History.FULL and self.max_events is not None:
            raise OptionError(f"--history full keeps every event and --max-events {self.max_events} does not: drop one")
        if self.on_bad_row not in ("fail", "skip"):
            raise OptionError(f"--on-bad-row {self.on_bad_row!r} is neither 'fail' nor 'skip'")
