"""Options of ``import``: what vectors made elsewhere are called here, and where they stand in the rows.

In: what a user typed. Out: checked values. Imports nothing heavy.
"""

import re
from dataclasses import dataclass

from ..core.errors import OptionError
from ..core.tasks import BASELINE_NAMES
from .base import Options
from .completes import Completes
from .panels import Panel
from .setting import REQUIRED, option

_DATASET = re.compile(r"[a-z0-9][a-z0-9._-]*")  # as a recipe's name
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class ImportOptions(Options):
    """What the vectors are called here, and where they stand in the rows."""

    name: str = option(REQUIRED, "What the vectors are called here: their `model`.", metavar="NAME", group=Panel.WHAT)
    """Letters, digits, dots, dashes and underscores."""

    dataset: str = option(
        REQUIRED,
        "Whose entities they are: a recipe's name.",
        metavar="D",
        group=Panel.WHAT,
        completes=Completes.DATASETS,
    )

    id: str | None = option(
        None, "Column of the ids; default: the first of the usual names (entity_id, id, ...).", metavar="COLUMN"
    )

    vector: str | None = option(
        None, "Column of the lists; default: the only one, or else all numbers.", metavar="COLUMN"
    )
    """None: the only list column there is, or else all numeric columns in their order."""

    seen: str | None = option(
        None,
        "Who was trained on by what made the vectors: a FILE of ids (one a line, or a column), all, train, or none.",
        metavar="FILE|all|train|none",
        changes_result=False,
    )
    """'all': who has a vector; 'train': the train split; 'none': nobody, after all. None: what was declared before."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not _NAME.fullmatch(self.name) or self.name in BASELINE_NAMES:
            raise OptionError(
                f"--name {self.name!r} cannot name vectors: take letters, digits, '.', '-' and '_', "
                f"and none of {', '.join(sorted(BASELINE_NAMES))}"
            )

        if not _DATASET.fullmatch(self.dataset):
            raise OptionError(
                f"--dataset {self.dataset!r} cannot name a dataset: take lower-case letters, digits, '.', '-' and '_', "
                "beginning with a letter or digit"
            )

    def fingerprint(self) -> dict[str, str]:
        """What the vectors' configuration is keyed on: all that we know of them is their name."""
        return {"imported": self.name}
