"""Options of ``predict``: what is fitted once, and whom it scores.

In: what a user typed. Out: checked values. Imports nothing heavy.
"""

from dataclasses import dataclass
from datetime import datetime

from ..core.errors import OptionError
from .base import Options
from .completes import Completes
from .panels import Panel
from .probe import ProbeOptions
from .setting import REQUIRED, like, option


@dataclass(frozen=True)
class PredictOptions(Options):
    """One feature set to scores of everybody who has it."""

    features: tuple[str, ...] = option(
        REQUIRED,
        "One feature set as `llm4es compare` shows it: NAME, A+B, vote(A, B), stack(A, B), best(A, B).",
        metavar="NAME",
        changes_result=False,
        group=Panel.WHAT,
        completes=Completes.FEATURES,
    )
    """Exactly one; its full name stands in a predictor's configuration beside these options."""

    as_of: datetime | None = option(
        None,
        "Score by texts that are cut at this time; default: those that were serialized last.",
        metavar="TIME",
        changes_result=False,
    )
    """Exclusive. A predictor stays the same at every time: where there is one already it is not fitted again."""

    refit: bool = option(False, "Fit anew, into a new model version beside the old one.", changes_result=False)

    probe: str = like(ProbeOptions, "probe")

    folds: int = like(ProbeOptions, "folds", help="Folds that calibrate the scores and say what they are worth.")

    repeats: int = like(ProbeOptions, "repeats")

    bootstrap: int = like(ProbeOptions, "bootstrap")

    seed: int = like(ProbeOptions, "seed")

    workers: int | None = like(ProbeOptions, "workers")

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.features) != 1:
            several = "vote(" + ", ".join(self.features) + ")"
            raise OptionError(
                f"--features names {len(self.features)} feature sets, and a predictor reads one: give one"
                + (f", or {several}" if len(self.features) > 1 else "")
            )

    @property
    def probing(self) -> ProbeOptions:
        """The options of the probe that says out of fold what a predictor is worth."""
        return ProbeOptions(
            probe=self.probe, folds=self.folds, repeats=self.repeats, bootstrap=self.bootstrap, seed=self.seed,
            workers=self.workers,
        )  # fmt: skip
