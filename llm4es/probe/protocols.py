"""Protocols: who is trained on and who is scored.

In: the entities that have both features and a label. Out: the fits to make, as row numbers. Each protocol is a named
entry of ``PROTOCOLS``, or a split of the recipe, and gives the same rows in every process. Knows no features.
"""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..core.columns import check_columns
from ..core.errors import ProbeError, did_you_mean
from ..core.schemas import SPLITS
from ..core.tasks import NEW_ITEMS, OWN_FOLDS
from ..options import ProbeOptions
from .cohort import Cohort
from .metrics import Ints


@dataclass(frozen=True)
class Fit:
    """One model to fit, and the rows that it scores."""

    repeat: int
    """Within a repeat every scored row is scored once."""

    fold: int
    """Number of the fold inside its repeat."""

    train: Ints
    """Row numbers trained on."""

    test: Ints
    """Row numbers scored."""

    validation: Ints | None = None
    """Row numbers scored apart, on the side of training; None: the protocol has none."""


@dataclass(frozen=True)
class Protocol:
    """One entry of the table of protocols."""

    fits: Callable[[Cohort, ProbeOptions], list[Fit]]
    """Who is trained on and scored."""

    probe: str | None = None
    """The probe that belongs to it; None leaves the choice to the options."""


SPLIT_ROWS = pa.schema(SPLITS.field(name).with_nullable(False) for name in ("entity_id", "split", "name"))
"""The columns of splits that are read."""

HOLDOUT = 0.2
"""Share of the entities that 'holdout' scores."""

PTLS_SEED = 42
PTLS_TEST = 0.1
PTLS_FOLDS = 5


def cv(cohort: Cohort, options: ProbeOptions) -> list[Fit]:
    """Repeated stratified k-fold: repeat r shuffles with ``seed + r``; every entity is scored once a repeat."""
    from sklearn.model_selection import KFold, StratifiedKFold  # heavy

    _enough(cohort, np.arange(len(cohort.y)), options.folds, _of_folds)
    fits = []
    for repeat in range(options.repeats):
        kind = StratifiedKFold if cohort.classes else KFold
        splitter = kind(options.folds, shuffle=True, random_state=options.seed + repeat)
        parts = splitter.split(np.zeros(len(cohort.y)), cohort.y)
        fits += [Fit(repeat, fold, train, test) for fold, (train, test) in enumerate(parts)]
    return fits


def holdout(cohort: Cohort, options: ProbeOptions) -> list[Fit]:
    """80 % trained on, 20 % scored, once, class shares kept."""
    from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit  # heavy

    _enough(cohort, np.arange(len(cohort.y)), round(1 / HOLDOUT), _of_parts)
    kind = StratifiedShuffleSplit if cohort.classes else ShuffleSplit
    train, test = next(kind(1, test_size=HOLDOUT, random_state=options.seed).split(np.zeros(len(cohort.y)), cohort.y))
    return [Fit(0, 0, np.sort(train), np.sort(test))]


def ptls(cohort: Cohort, options: ProbeOptions) -> list[Fit]:
    """The split that papers on event sequences report (pytorch-lifestream), whatever seed and folds the options give.

    Ids sorted as text, shuffled by ``random.Random(42)``; the last tenth is the test set. The rest, in the order of
    the label file, falls into five stratified folds; the five models each score their validation part and the test set.
    """
    from sklearn.model_selection import StratifiedKFold  # heavy

    if not cohort.classes:
        raise ProbeError("--protocol ptls is for classes and the task is a regression: choose cv or holdout")
    shuffled = list(range(len(cohort.entity_ids)))
    random.Random(PTLS_SEED).shuffle(shuffled)  # noqa: S311  # a published split, not a secret
    n_test = int(len(shuffled) * PTLS_TEST)
    test = np.sort(np.array(shuffled[len(shuffled) - n_test :], dtype=np.int64))
    _every_class(cohort, test, "ptls")
    rest = np.setdiff1d(np.arange(len(shuffled)), test)
    rest = rest[np.argsort(cohort.file_row[rest])]
    _enough(cohort, rest, PTLS_FOLDS, _of_parts)
    folds = StratifiedKFold(PTLS_FOLDS, shuffle=True, random_state=PTLS_SEED).split(np.zeros(len(rest)), cohort.y[rest])
    return [Fit(i, 0, rest[train], test, rest[valid]) for i, (train, valid) in enumerate(folds)]


PROTOCOLS: dict[str, Protocol] = {
    "cv": Protocol(cv),
    "holdout": Protocol(holdout),
    "ptls": Protocol(ptls, "ptls"),
    NEW_ITEMS: Protocol(cv),  # its folds; what an entity's row is made of is ``new_items``'
}


def unknown_protocol(name: str, splits: Sequence[str]) -> ProbeError:
    """What is said of a protocol's name that is neither one's nor that of one of the recipe's ``splits``."""
    known = [*OWN_FOLDS, *splits]
    return ProbeError(f"--protocol '{name}' is unknown: choose one of {', '.join(known)}{did_you_mean(name, known)}")


def protocol(name: str, splits: pa.Table | None) -> Protocol:
    """The protocol of that name, or the split of that name in ``splits`` (entity_id, split, name)."""
    if name in PROTOCOLS:
        return PROTOCOLS[name]
    if splits is not None:
        check_columns(splits, SPLIT_ROWS, "splits", ProbeError)
    names = sorted(set(splits["name"].to_pylist())) if splits is not None else []
    if splits is None or name not in names:
        raise unknown_protocol(name, names)
    chosen = splits.filter(pc.equal(splits["name"], name))
    part = dict(zip(chosen["entity_id"].to_pylist(), chosen["split"].to_pylist(), strict=True))
    if len(part) < len(chosen):
        twice = Counter(chosen["entity_id"].to_pylist()).most_common(1)[0][0]
        raise ProbeError(f"split '{name}' has two rows for entity '{twice}': give one row an entity")

    def by_split(cohort: Cohort, options: ProbeOptions) -> list[Fit]:
        parts = np.array([part.get(entity) for entity in cohort.entity_ids], dtype=object)
        train, test = np.flatnonzero(np.isin(parts, ["train", "validation"])), np.flatnonzero(parts == "test")
        for side, rows in (("train", train), ("test", test)):
            if not len(rows):
                raise ProbeError(f"split '{name}' puts no labelled entity into {side}: choose another --protocol")
            _every_class(cohort, rows, name)
        return [Fit(0, 0, train, test)]

    return Protocol(by_split)


def fewer(fit: Fit, cohort: Cohort, size: int, seed: int) -> Fit:
    """``fit`` trained on ``size`` of its entities, class shares kept; small sizes are subsets of large ones."""
    if size > len(fit.train):
        raise ProbeError(
            f"--sizes {size} is more than the {len(fit.train)} entities that a fit is trained on: give less"
        )
    order = np.random.default_rng([seed, fit.repeat, fit.fold]).permutation(fit.train)
    place = np.zeros(len(order))  # 0..1: how far down its own class an entity comes
    groups = cohort.y[order] if cohort.classes else np.zeros(len(order))
    for group in np.unique(groups):
        members = np.flatnonzero(groups == group)
        place[members] = (np.arange(len(members)) + 0.5) / len(members)
    kept = np.sort(order[np.argsort(place, kind="stable")[:size]])
    if cohort.classes and len(np.unique(cohort.y[kept])) < len(np.unique(cohort.y)):
        raise ProbeError(f"--sizes {size} leaves a class without a member to train on: give more")
    return replace(fit, train=kept)


def _enough(cohort: Cohort, rows: Ints, folds: int, remedy: Callable[[int], str]) -> None:
    """ProbeError where a class, or everybody, is fewer than the folds; ``remedy``: what to do about so many."""
    if len(rows) < folds:
        raise ProbeError(f"{len(rows)} labelled entities for {folds} folds: {remedy(len(rows))}")
    if cohort.classes:
        classes, sizes = np.unique(cohort.y[rows], return_counts=True)
        if (least := int(sizes.min())) < folds:
            members = f"{least} member{'s' * (least != 1)}"
            raise ProbeError(f"class '{classes[sizes.argmin()]}' has {members} for {folds} folds: {remedy(least)}")


def _of_folds(n: int) -> str:
    """As a run has it too, which has no option for folds."""
    return f"give more labels, or fewer folds: llm4es probe RECIPE --folds {n}" if n > 1 else "give more labels"


def _of_parts(n: int) -> str:
    return f"give more labels, or --protocol cv with --folds {n}" if n > 1 else "give more labels"


def _every_class(cohort: Cohort, rows: Ints, name: str) -> None:
    """ProbeError where a part lacks a class."""
    lacking = sorted(set(cohort.y) - set(cohort.y[rows])) if cohort.classes else []
    if lacking:
        raise ProbeError(
            f"--protocol {name} leaves a part of {len(rows)} entities without class '{lacking[0]}': "
            "choose cv, or give more labels"
        )
