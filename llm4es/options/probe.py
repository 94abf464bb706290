"""Options of ``probe``: features and labels to metrics and per-entity predictions.

In: what a user typed. Out: checked values. Imports nothing heavy.
"""

from dataclasses import dataclass, field

from .base import EXECUTION, Options, at_least


@dataclass(frozen=True)
class ProbeOptions(Options):
    """Features and labels to metrics and per-entity predictions."""

    protocol: str = "cv"
    """Which entities are trained on and scored: 'cv' (repeated stratified k-fold), 'holdout' (80/20), 'ptls' (the
    field's own), or the name of one of the recipe's splits."""

    probe: str = "logistic"
    """The model on top of the features."""

    folds: int = 5
    """Folds of the cross-validation."""

    repeats: int = 3
    """Times the cross-validation is repeated with other folds."""

    bootstrap: int = 1000
    """Resamples of entities behind the interval."""

    seed: int = 0
    """Seed of folds and resamples."""

    train_size: int | None = None
    """Entities that each fit is trained on, class shares kept; None takes all that the protocol gives it."""

    unseen_only: bool = False
    """Score only entities that no model in the features' lineage was trained on."""

    workers: int | None = field(default=None, metadata=EXECUTION)
    """Fits at once, a thread each; None takes every CPU."""

    def __post_init__(self) -> None:
        at_least(self, "folds", 2)
        at_least(self, "repeats", 1)
        at_least(self, "bootstrap", 1)
        at_least(self, "workers", 1)
        at_least(self, "train_size", 2)
