"""What imported vectors are called, and where they stand in the rows.

In: what a user typed. Out: checked values. Imports nothing heavy.
"""

import re
from dataclasses import dataclass

from ..core.errors import OptionError
from .names import BASELINE_NAMES

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class ImportOptions:
    """What the vectors are called here, and where they stand in the rows. OptionError for a name that misleads."""

    name: str
    """Their name as a model: letters, digits, dots, dashes and underscores."""
    dataset: str
    """The dataset whose entities they are of."""
    id: str | None = None
    """Column of the entity's id; None: the first of the usual names that is there."""
    vector: str | None = None
    """Column of lists; None: the only list column there is, or else all numeric columns in their order."""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or self.name in BASELINE_NAMES:
            raise OptionError(
                f"--name {self.name!r} cannot name vectors: take letters, digits, '.', '-' and '_', "
                f"and none of {', '.join(sorted(BASELINE_NAMES))}"
            )

    def fingerprint(self) -> dict[str, str]:
        """What the vectors' configuration is keyed on: all that we know of them is their name."""
        return {"imported": self.name}
