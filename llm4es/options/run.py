"""Options of ``run``: what of the stages it lets be said.

In: what a user typed. Out: checked values. Imports nothing heavy.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from ..core.errors import OptionError
from .base import History
from .embed import EmbedOptions
from .enrich import EngineName, EnrichOptions
from .event_reading import EventReadingOptions
from .finetune import STEP_PRESETS, FinetuneOptions, Method
from .limits import LimitOptions
from .panels import Panel
from .serialize import OnBadRow, SerializeOptions
from .setting import like, option
from .workers import ExecutorName, WorkerOptions, check_one_asks

WHOLE = datetime.max.replace(tzinfo=UTC)
"""Stands for no cut-off where none given means another: every event is before the end of time."""


SHORT_TUNING = 5
"""Steps of tuning where events are read: base model, tuning, tuned model and probes together take minutes."""


@dataclass(frozen=True)
class RunOptions(EventReadingOptions, LimitOptions):
    """Every stage, in order."""

    history: History | None = like(  # type: ignore[assignment]  # None until the events are known
        EventReadingOptions,
        "history",
        default=None,
        help="newest, oldest, full, or events (each distinct one read once); default: events where they repeat, else "
        "newest.",
    )
    """None: events where they repeat or an option of events alone is given, else newest."""

    k: tuple[int, ...] = like(EmbedOptions, "k")

    max_length: int = like(EmbedOptions, "max_length")

    engine: EngineName = like(EmbedOptions, "engine", help="What embeds: a model in this process, or a server.")

    base_url: str = like(EmbedOptions, "base_url")

    variants: int = like(
        EnrichOptions, "variants", help="Enriched texts an entity; 0: none.", minimum=0, group=Panel.WHAT
    )

    finetune: int | None = option(
        None,
        f"Steps of tuning; default: {SHORT_TUNING} where events are read, else tiny_run; none: base model only.",
        minimum=1,
        unit="steps",
        names={"none": 0, **STEP_PRESETS},
    )
    """None: see ``steps``."""

    retune: bool = option(
        False,
        "Tune anew where texts are new or changed, into a new version; without it a tuned model stays as it is.",
        changes_result=False,
    )
    """A changed setting of the tuning tunes anew by itself."""

    method: Method = like(
        FinetuneOptions, "method", help="What tuning changes: adapters (lora), or every weight (full)."
    )

    seed: int = option(0, "Seed of everything random.")

    as_of: datetime | None = like(
        SerializeOptions,
        "as_of",
        help="Only events before this time, in every stage; none: all; default: as the stored texts.",
        names={"none": WHOLE},
        group=Panel.WHAT,
    )
    """None: what the newest texts in the store were cut at."""

    executor: ExecutorName = like(WorkerOptions, "executor")

    workers: int | None = like(WorkerOptions, "workers")

    worker_gpus: float = like(WorkerOptions, "worker_gpus")

    worker_cpus: float = like(WorkerOptions, "worker_cpus")

    on_bad_row: OnBadRow | None = like(SerializeOptions, "on_bad_row", default=None)
    """None: what the recipe says."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.embedding(self.history or (History.EVENTS if self.wants_events else History.NEWEST))
        working = self.working
        if self.engine is EngineName.OPENAI:
            check_one_asks(working)
        if self.retune and (self.finetune == 0 or self.engine is EngineName.OPENAI):
            without = "--finetune none" if self.finetune == 0 else f"--engine {self.engine}"
            raise OptionError(f"--retune with {without}: no model is tuned; leave one of the two out")

    @property
    def wants_events(self) -> bool:
        """Whether events are read whatever they are: asked for, or by what has a meaning for them alone."""
        names = EventReadingOptions.OF_EVENTS if self.history is None else ()
        given = [name for name in names if getattr(self, name) != self.settings()[name].default]
        return self.history is History.EVENTS or bool(given)

    @property
    def working(self) -> WorkerOptions:
        """What of them says where the work is done, checked."""
        return WorkerOptions(**{name: getattr(self, name) for name in WorkerOptions.settings()})

    def steps(self, history: History) -> int:
        """Steps of tuning beside such histories; 0: none."""
        default = SHORT_TUNING if history is History.EVENTS else STEP_PRESETS["tiny_run"]
        return default if self.finetune is None else self.finetune

    def embedding(self, history: History) -> EmbedOptions:
        """What of them says how such histories are embedded, checked as ``embed`` checks it."""
        names = ("k", "max_length", "engine", "base_url", *EventReadingOptions.settings())
        return EmbedOptions(**{name: getattr(self, name) for name in names} | {"history": history})
