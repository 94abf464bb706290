"""Options of ``serialize``: raw events to one text an entity.

In: what a user typed. Out: checked values. Imports nothing heavy.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ..core.errors import OptionError
from .base import History
from .limits import LimitOptions
from .panels import Panel
from .setting import option


class OnBadRow(StrEnum):
    """What happens at a row that cannot be read."""

    FAIL = "fail"  # stop there
    SKIP = "skip"  # leave it out and count it


@dataclass(frozen=True)
class SerializeOptions(LimitOptions):
    """Raw events to one text an entity. What is not given, the recipe may say: see ``Recipe.texts``."""

    history: History = option(
        History.NEWEST,
        "Which events stay beyond --max-events, unless the recipe says.",
        refuses=(History.EVENTS,),
        group=Panel.WHAT,
    )

    max_events: int | None = option(
        None, "Events a text; default: the recipe's, else all.", minimum=1, unit="events", group=Panel.WHAT
    )
    """None keeps them all (the embedding then cuts by tokens, between events)."""

    as_of: datetime | None = option(
        None,
        "Only events before this time (ISO 8601, UTC where it names no zone); none: all.",
        names={"none": None},
        metavar="TIME|none",
        group=Panel.WHAT,
    )
    """Exclusive cut-off; None reads all."""

    preset: str = option("raw", "Text preset: raw, paper, or one of the recipe's own, unless the recipe says.")
    """'raw' (true values), 'paper' (what the paper's code fed its model), or one of the recipe's own."""

    on_bad_row: OnBadRow = option(
        OnBadRow.FAIL, "Rows that cannot be read, unless the recipe says.", changes_result=False
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.history is History.EVENTS:
            raise OptionError("--history events is a way to embed, not to write texts: give newest, oldest or full")
        if self.history is History.FULL and self.max_events is not None:
            raise OptionError(f"--history full keeps every event and --max-events {self.max_events} does not: drop one")
