"""Options of ``export``: which features, and how they lie in a file.

In: what a user typed. Out: checked values. Imports nothing heavy.
"""

from dataclasses import dataclass
from enum import StrEnum

from .base import Options
from .setting import REQUIRED, option


class TableLayout(StrEnum):
    """How exported features lie."""

    WIDE = "wide"  # entity_id, then one column a number; null where an entity lacks the features
    LONG = "long"  # entity_id, features, vector


@dataclass(frozen=True)
class ExportOptions(Options):
    """Features as a table for other tools."""

    features: tuple[str, ...] = option(REQUIRED, "Names as `llm4es compare` shows them.", metavar="NAME[,NAME]")

    layout: TableLayout = option(TableLayout.WIDE, "A column a number, or a row an (entity, features).")
