"""Options of ``export``: which features, and how they lie in a file.

In: what a user typed. Out: checked values. Imports nothing heavy.
"""

from dataclasses import dataclass
from enum import StrEnum

from ..core.errors import OptionError
from .base import Options
from .completes import Completes
from .panels import Panel
from .setting import option


class TableLayout(StrEnum):
    """How exported features lie."""

    WIDE = "wide"  # entity_id, then one column a number; null where an entity lacks the features
    LONG = "long"  # entity_id, features, vector


class PartitionBy(StrEnum):
    """What has a folder of its own in a partitioned export."""

    FEATURES = "features"  # of a long layout: the feature set, its name in [a-z0-9_]
    MODEL = "model"  # of a long layout: the model of vectors; of others their name
    K = "k"  # of a long layout: last layers averaged; of others 0
    DATE = "date"  # the day that histories are cut at; of whole histories the day of the export


@dataclass(frozen=True)
class ExportOptions(Options):
    """Features, or scores, as a table for other tools."""

    features: tuple[str, ...] = option(
        (),
        "Names as `llm4es compare` shows them.",
        metavar="NAME[,NAME]",
        group=Panel.WHAT,
        completes=Completes.FEATURES,
    )

    layout: TableLayout = option(
        TableLayout.WIDE, "A column a number, or a row an (entity, features).", group=Panel.OUTPUT
    )

    scores: bool = option(False, "The scores that `llm4es predict` made, in place of features.", group=Panel.WHAT)

    since: str | None = option(
        None,
        "Only entities whose features have changed since this version of the store, time, or run.",
        metavar="VERSION|TIME|RUN",
        group=Panel.WHAT,
    )

    partition_by: tuple[PartitionBy, ...] = option(
        (),
        "Parquet in a folder a value (NAME=VALUE/), as Hive and feature stores have it; --out is a folder then.",
        group=Panel.OUTPUT,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if bool(self.features) == self.scores:
            given = "--scores takes no --features: it writes every score"
            lacking = "--features is missing: name what to export as `llm4es compare` shows it, or give --scores"
            raise OptionError(given if self.scores else lacking)
        if self.scores and self.layout is TableLayout.LONG:
            raise OptionError("--layout long is of features, and --scores has a row an entity: leave one out")
        of_rows = [by for by in self.partition_by if by is not PartitionBy.DATE]
        if of_rows and self.layout is TableLayout.WIDE:
            raise OptionError(
                f"--partition-by {of_rows[0]} parts rows of single feature sets: give --layout long, or "
                "--partition-by date"
            )
        if len(set(self.partition_by)) < len(self.partition_by):
            raise OptionError("--partition-by names a column twice: name each once")
