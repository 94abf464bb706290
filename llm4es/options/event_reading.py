"""Options of ``--history events``: how users' vectors are made of the vectors of their events.

In: what a user typed. Out: checked values. Imports nothing heavy; what is made of them is in ``features``.
"""

from dataclasses import dataclass
from typing import ClassVar

from ..core.errors import OptionError
from .base import History, Options
from .coerce import plain
from .panels import Panel
from .setting import option
from .weights import Weight, weight_factors


@dataclass(frozen=True)
class EventReadingOptions(Options):
    """Which histories are read and, of ``events``, what an event is and how it counts."""

    history: History = option(
        History.NEWEST,
        "Texts over --max-length: cut between events, or read window by window (full). events: each distinct event is "
        "read once, and a user is the weighted mean of all events.",
        group=Panel.WHAT,
    )

    by: tuple[str, ...] = option(
        (),
        "Of events: the fields that one is read by, e.g. title,genres; default: the recipe's, no times.",
        unset=True,
        group=Panel.EVENTS,
    )
    """None: ``texts.by`` of the recipe, else the fields of the preset but those of time."""

    weights: str = option(
        Weight.COUNT.value,
        "Of events: count, tfidf, sif, amount, recency:90d, or a product of them.",
        unset=True,
        group=Panel.EVENTS,
    )

    whiten: int | None = option(
        None, "Of events: dimensions kept of their vectors by PCA, whitened; default: as they are.", minimum=1,
        unit="dimensions", unset=True, group=Panel.EVENTS,
    )  # fmt: skip

    remove_components: int | None = option(
        None, "Of events: common directions taken out of their vectors, as SIF does.", minimum=1, unit="directions",
        unset=True, group=Panel.EVENTS,
    )  # fmt: skip

    align: int | None = option(
        None, "Of events: factors of who-does-what predicted from their vectors, e.g. 64; needs an item.", minimum=1,
        unit="factors", unset=True, group=Panel.EVENTS,
    )  # fmt: skip

    groups: int | None = option(
        None, "Of events: so many means of neighbouring layers side by side, in place of --k.", minimum=2,
        unit="groups", unset=True, group=Panel.EVENTS,
    )  # fmt: skip

    all_distinct: bool = option(
        False,
        "Of events: read them even where hardly any two are alike.",
        changes_result=False,
        group=Panel.EVENTS,
    )

    OF_EVENTS: ClassVar = ("by", "weights", "whiten", "remove_components", "align", "groups", "all_distinct")
    """What has a meaning for events alone."""

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "by", tuple(dict.fromkeys(self.by)))  # frozen for everybody else
        object.__setattr__(self, "weights", "*".join(weight_factors(self.weights)))
        if self.history in (None, History.EVENTS):  # None: whoever asks chooses
            return
        for name in self.OF_EVENTS:
            setting, value = self.settings()[name], getattr(self, name)
            if value != setting.default:
                shown = "" if value is True else f" {plain(setting, value)}"
                raise OptionError(
                    f"{setting.flag}{shown} with --history {self.history}: it says how single events "
                    "are read; give --history events, or leave it out"
                )
