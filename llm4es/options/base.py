"""The options of every stage: one frozen dataclass a stage, one enum a choice.

In: what a user typed. Out: checked values whose ``fingerprint()`` names the configuration. Imports nothing heavy:
the command line reads its defaults from here.
"""

import dataclasses
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from ..core.errors import OptionError

EXECUTION = {"changes_result": False}
"""Metadata of a field that changes how the work is done and not what comes out of it: left out of ``config_id``."""


class History(StrEnum):
    """Which events stay where a history is longer than what can be read at once."""

    NEWEST = "newest"  # cut between events, the newest kept
    OLDEST = "oldest"  # cut between events, the oldest kept
    FULL = "full"  # every event; texts longer than the context are embedded window by window


@dataclass(frozen=True)
class Options:
    """Base of every stage's options."""

    def fingerprint(self) -> dict[str, Any]:
        """The fields that change the result, as plain values: what ``config_id`` is made from."""
        kept = [f for f in dataclasses.fields(self) if f.metadata.get("changes_result", True)]
        return {f.name: _plain(getattr(self, f.name)) for f in kept}


def at_least(options: Options, name: str, minimum: int) -> None:
    """Raise OptionError where a field is a number below ``minimum``; None passes."""
    value = getattr(options, name)
    if value is not None and value < minimum:
        raise OptionError(f"--{name.replace('_', '-')} {value} is below {minimum}: give {minimum} or more")


def _plain(value: Any) -> Any:
    """A field's value as JSON can carry it."""
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value
