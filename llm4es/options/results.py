"""Options of what reads results: compare, diff, similar, report.

In: what a user typed. Out: checked values. Imports nothing heavy.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from .base import DEFAULT_MODEL, Options
from .completes import Completes
from .embed import ALL_LAYERS
from .new_items import check_new_items, named_protocol
from .panels import Panel
from .probe import ProbeOptions
from .setting import like, option
from .two_times import check_times


class Projection(StrEnum):
    """How vectors become a map of two dimensions."""

    PCA = "pca"  # the two directions of largest variance
    UMAP = "umap"  # neighbourhoods kept (arXiv 1802.03426); needs the package umap-learn


@dataclass(frozen=True)
class CompareOptions(Options):
    """Probes side by side."""

    reference: str | None = option(
        None,
        "Features to pair the others with; default: the best baseline.",
        metavar="NAME",
        group=Panel.WHAT,
        completes=Completes.FEATURES,
    )

    metric: str | None = option(None, "Metric to compare by; default: the recipe's for the task.", group=Panel.WHAT)

    protocol: str = like(ProbeOptions, "protocol", help="Which probes to compare, by protocol.")

    probe: str | None = option(None, "Of these models on top of the features; default: the newest's.")

    common: bool = option(False, "Cut to the entities that all have.", group=Panel.WHAT)

    unseen_only: bool = option(False, "Only entities that no compared model was trained on.", group=Panel.WHAT)

    train_as_of: datetime | None = like(ProbeOptions, "train_as_of", help="Of probes that learnt at this time.")

    test_as_of: datetime | None = like(ProbeOptions, "test_as_of", help="Of probes that were scored at this time.")

    item: str | None = like(ProbeOptions, "item")

    share: float = like(ProbeOptions, "share")

    since: datetime | None = like(ProbeOptions, "since")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_times(self.train_as_of, self.test_as_of)
        check_new_items(self)

    @property
    def named_protocol(self) -> str:
        """The protocol as rows bear it: with the two times, where there are two, and what halves the items."""
        return named_protocol(self)


@dataclass(frozen=True)
class DiffOptions(Options):
    """What changed between two versions or feature sets."""

    n: int = option(10, "Neighbours an entity.", minimum=1, unit="neighbours", flag="-n")

    sample: int = option(200, "Entities whose neighbours are compared.", minimum=1, unit="entities")


@dataclass(frozen=True)
class SimilarOptions(Options):
    """The nearest entities of one."""

    model: str = option(
        DEFAULT_MODEL, "Whose vectors.", short="-m", metavar="MODEL", group=Panel.WHAT, completes=Completes.MODELS
    )

    k: int = option(8, "Last layers averaged, or all.", minimum=1, unit="layers", names=ALL_LAYERS, group=Panel.WHAT)
    """0 stands for the most that there is."""

    features: str = option(
        "",
        "Instead of --model and --k: a name as `llm4es compare` shows it.",
        metavar="NAME",
        group=Panel.WHAT,
        completes=Completes.FEATURES,
    )

    n: int = option(10, "Neighbours.", minimum=1, unit="neighbours", flag="-n")

    by: str = option("", "The events' column that is compared; default: the text's first.", metavar="COLUMN")


@dataclass(frozen=True)
class ReportOptions(Options):
    """One page with the pictures."""

    features: str = option(
        "",
        "Vectors of the map, by name; default: the best that were probed.",
        metavar="NAME",
        group=Panel.WHAT,
        completes=Completes.FEATURES,
    )

    against: str = option(
        "", "Beside the store as it was at a version or a time, or beside another store.", metavar="VERSION|PATH"
    )

    projection: Projection = option(Projection.PCA, "How the map is drawn; umap needs the extra `umap`.")

    protocol: str = like(ProbeOptions, "protocol", help="Which probes to show, by protocol.")

    common: bool = option(False, "Cut comparisons to the entities that all have.", group=Panel.WHAT)

    train_as_of: datetime | None = like(CompareOptions, "train_as_of")

    test_as_of: datetime | None = like(CompareOptions, "test_as_of")

    item: str | None = like(ProbeOptions, "item")

    share: float = like(ProbeOptions, "share")

    since: datetime | None = like(ProbeOptions, "since")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_times(self.train_as_of, self.test_as_of)
        check_new_items(self)

    @property
    def is_usual(self) -> bool:
        """Whether what is shown is named by its plain protocol."""
        return self.of_probes().named_protocol == self.protocol

    def of_probes(self) -> CompareOptions:
        """The same choice of probes, for a comparison."""
        return CompareOptions(
            protocol=self.protocol,
            common=self.common,
            **{name: getattr(self, name) for name in ("train_as_of", "test_as_of", "item", "share", "since")},
        )
