"""Options of ``run``: what of the stages it lets be said.

In: what a user typed. Out: checked values. Imports nothing heavy.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from .embed import EmbedOptions
from .enrich import EngineName, EnrichOptions
from .event_reading import EventReadingOptions
from .finetune import STEP_PRESETS, FinetuneOptions, Method
from .limits import LimitOptions
from .serialize import OnBadRow, SerializeOptions
from .setting import like, option
from .workers import WorkerOptions, check_one_asks

WHOLE = datetime.max.replace(tzinfo=UTC)
"""Stands for no cut-off where none given means another: every event is before the end of time."""


@dataclass(frozen=True)
class RunOptions(EventReadingOptions, LimitOptions):
    """Every stage, in order."""

    k: tuple[int, ...] = like(EmbedOptions, "k")

    max_length: int = like(EmbedOptions, "max_length")

    engine: EngineName = like(EmbedOptions, "engine", help="What embeds: a model in this process, or a server.")

    base_url: str = like(EmbedOptions, "base_url")

    variants: int = like(EnrichOptions, "variants", help="Enriched texts an entity; 0: none.", minimum=0)

    finetune: int = option(
        STEP_PRESETS["tiny_run"],
        "Steps of tuning; none: base model only.",
        minimum=1,
        unit="steps",
        names={"none": 0, **STEP_PRESETS},
    )

    method: Method = like(
        FinetuneOptions, "method", help="What tuning changes: adapters (lora), or every weight (full)."
    )

    seed: int = option(0, "Seed of everything random.")

    as_of: datetime | None = like(
        SerializeOptions,
        "as_of",
        help="Only events before this time, in every stage; none: all; default: as the stored texts.",
        names={"none": WHOLE},
    )
    """None: what the newest texts in the store were cut at."""

    workers: int | None = like(WorkerOptions, "workers")

    on_bad_row: OnBadRow | None = like(SerializeOptions, "on_bad_row", default=None)
    """None: what the recipe says."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.embedding()
        if self.engine is EngineName.OPENAI:
            check_one_asks(self.workers)

    def embedding(self) -> EmbedOptions:
        """What of them says how texts are embedded, checked as ``embed`` checks it."""
        names = ("k", "max_length", "engine", "base_url", *EventReadingOptions.settings())
        return EmbedOptions(**{name: getattr(self, name) for name in names})
