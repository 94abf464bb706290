"""Options of ``probe``: features and labels to metrics and per-entity predictions.

In: what a user typed. Out: checked values. Imports nothing heavy.
"""

import dataclasses
from dataclasses import dataclass
from datetime import datetime

from ..core.errors import OptionError
from .base import Options
from .completes import Completes
from .embed import ALL_LAYERS
from .new_items import SHARE, check_new_items, named_protocol
from .panels import Panel
from .setting import option
from .two_times import check_times


@dataclass(frozen=True)
class ProbeOptions(Options):
    """Features and labels to metrics and per-entity predictions."""

    protocol: str = option(
        "cv", "Who is trained on and scored: cv, holdout, ptls, new-items, or a split of the recipe."
    )
    """'cv' (repeated stratified k-fold), 'holdout' (80/20), 'ptls' (the field's own), 'new-items' (as 'cv', learnt from
    the events of one half of the items and scored by those of the other), or the name of one of the recipe's splits."""

    probe: str = option("logistic", "The model on top of the features.")

    folds: int = option(5, "Folds of the cross-validation.", minimum=2, unit="folds")

    repeats: int = option(3, "Repeats of the cross-validation, with other folds.", minimum=1, unit="repeats")

    bootstrap: int = option(1000, "Resamples of entities behind the interval.", minimum=1, unit="resamples")

    seed: int = option(0, "Seed of folds and resamples.")

    train_size: int | None = option(
        None, "Entities that each fit is trained on.", minimum=2, unit="entities", internal=True
    )
    """Class shares kept; None takes all that the protocol gives it."""

    unseen_only: bool = option(
        False, "Score only entities that no model in the lineage was trained on.", group=Panel.WHAT
    )

    train_as_of: datetime | None = option(
        None,
        "Out of time: learn from texts cut at this time; with --test-as-of.",
        metavar="TIME",
        changes_result=False,
    )
    """Exclusive. With ``test_as_of``: whoever is scored is looked at later than whoever is learnt from, and is another.
    The two stand in a probe's configuration beside these options, where that of the texts stands."""

    test_as_of: datetime | None = option(
        None,
        "Out of time: score on texts cut at this time, later than --train-as-of.",
        metavar="TIME",
        changes_result=False,
    )
    """Exclusive."""

    item: str | None = option(
        None,
        "With --protocol new-items: field of the items; default: the recipe's item.",
        metavar="FIELD",
        unset=True,
        group=Panel.HALVES,
    )

    share: float = option(
        SHARE,
        "With --protocol new-items: of the items, those that are learnt from.",
        minimum=0,
        maximum=1,
        exclusive_minimum=True,
        exclusive_maximum=True,
        unset=True,
        group=Panel.HALVES,
    )

    since: datetime | None = option(
        None,
        "With --protocol new-items: learn from items first met before this time, score by the later ones.",
        metavar="TIME",
        unset=True,
        group=Panel.HALVES,
    )

    sizes: tuple[int, ...] = option(
        (),
        "Learning curve: entities to train on, e.g. 50,100,200.",
        minimum=2,
        unit="entities",
        changes_result=False,
        group=Panel.WHAT,
    )
    """A probe each, with that ``train_size``; none: one probe of all that the protocol gives."""

    workers: int | None = option(
        None,
        "Fits at once, a thread each; default: every CPU.",
        minimum=1,
        unit="threads",
        changes_result=False,
        group=Panel.WHERE,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_times(self.train_as_of, self.test_as_of)
        check_new_items(self)
        if self.train_as_of is not None and self.protocol == "ptls":
            raise OptionError("--protocol ptls is a published split of one time: choose cv, or leave --train-as-of out")

    @property
    def named_protocol(self) -> str:
        """The protocol as rows bear it: with the two times, where there are two, and what halves the items."""
        return named_protocol(self)

    def each_size(self) -> "list[ProbeOptions]":
        """The options of each probe of a learning curve; where there is none, these."""
        return [dataclasses.replace(self, train_size=size, sizes=()) for size in self.sizes] or [self]


@dataclass(frozen=True)
class SelectOptions(Options):
    """Which of the features that there are."""

    features: tuple[str, ...] = option(
        (),
        "Which features, by name, '+' joining several side by side; '*' fits any characters; vote(A, B), stack(A, B) "
        "and best(A, B) combine probes; default: every embedding and baseline.",
        metavar="NAME[+NAME][,...]",
        group=Panel.WHAT,
        completes=Completes.FEATURES,
    )

    k: tuple[int, ...] = option(
        (),
        "Only vectors of these k, made from kept layers where need be, e.g. 1,8,all.",
        minimum=1,
        unit="layers",
        names=ALL_LAYERS,
        group=Panel.WHAT,
    )
    """() takes those that were embedded."""

    layers: tuple[int, ...] = option(
        (),
        "Kept layers, each on its own: numbers, or all.",
        minimum=1,
        unit="layers",
        names=ALL_LAYERS,
        group=Panel.WHAT,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.features and (self.k or self.layers):
            raise OptionError("--features names the depths already: leave out --k and --layers")
