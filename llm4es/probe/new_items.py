"""Folds of a probe that learns from the events of some items and is scored by those of others.

In: the features of each repeat, labels, a protocol. Out: what each repeat fits: who is learnt from, numbers, fits. In a
repeat an entity's row for learning knows nothing of the items that it is scored by, and nobody is in both parts of a
fit. Knows no items: which half an event belongs to is in the rows.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from ..core.errors import ProbeError
from ..core.tasks import Kind
from ..features.combined import leaves_of
from ..features.halves import HalvedFeatures, ItemSide, side
from ..options import ProbeOptions
from .cohort import Cohort, everybody
from .fold_work import BothSides, Features, aligned, beside
from .out_of_time import rows_of
from .protocols import Fit, Protocol

# N entities scored, M entities learnt from


@dataclass(frozen=True)
class RepeatWork:
    """What some fits are made of."""

    learnt: Cohort
    """Whom they learn from."""

    numbers: dict[str, BothSides]
    """Feature sets by name, on both sides."""

    fits: list[Fit]
    """``train`` are rows of ``learnt``, ``test`` those of the scored cohort."""


def works_of_halves(
    halved: HalvedFeatures,
    protocol: Protocol,
    labels: pa.Table,
    entities: Collection[str],
    task: str,
    kind: Kind,
    options: ProbeOptions,
) -> tuple[Features, Cohort, Cohort, list[RepeatWork]]:
    """What each repeat fits, and who is scored: whoever has events of the scored items in all of them.

    Returns
    -------
    features : FeatureSet or CombinedFeatures
        Of the scored side of the first repeat.
    cohort : Cohort
        (N,) who is scored.
    whole : Cohort
        Of whom folds are made: everybody who has a label and features, on any side, or is in ``entities``.
    works : list of RepeatWork
        One a repeat.

    Raises
    ------
    ProbeError
        Where a fold is left without a class to learn from, or nobody is scored.
    """
    made = [halved.repeat(repeat) for repeat in range(options.repeats)]
    teaching = [_having(each, ItemSide.LEARNT) for each in made]
    if not all(teaching):
        raise ProbeError(
            f"features {halved.name!r}: nobody has events of the items learnt from: give another --share or --since"
        )
    common = frozenset.intersection(*(_having(each, ItemSide.SCORED) for each in made))
    if not common:
        raise ProbeError(
            f"features {halved.name!r}: nobody has events of the scored items in every repeat: give another --share or "
            "--since, or fewer --repeats"
        )
    scored = [side(each, ItemSide.SCORED) for each in made]
    pairs = [aligned(_only(each, common), labels, task, kind) for each in scored]
    cohort = pairs[0][0]
    learnt = [aligned(side(each, ItemSide.LEARNT), labels, task, kind) for each in made]
    known = {entity for who, _ in learnt for entity in who.entity_ids} | set(entities)
    whole = everybody(cohort, labels, known, task, kind)
    if cohort.classes and (never := sorted(set(whole.y) - set(cohort.y))):
        raise ProbeError(
            f"features {halved.name!r}: nobody of class {str(never[0])!r} has events of the scored items: give another "
            "--share or --since"
        )
    works = []
    for repeat, (each, (who, x)) in enumerate(zip(made, learnt, strict=True)):
        fits = _fits(protocol, who, cohort, whole, options, repeat, halved.name)
        numbers = beside(each, x, pairs[repeat][1])
        works.append(RepeatWork(who, _with_within(numbers, each, who), fits))
    return scored[0], cohort, whole, works


def _fits(
    protocol: Protocol, learnt: Cohort, cohort: Cohort, whole: Cohort, options: ProbeOptions, repeat: int, name: str
) -> list[Fit]:
    """The fits of one repeat. Whoever lacks events of the items of one side is in the other's part alone."""
    fits = [
        Fit(fit.repeat, fit.fold, rows_of(whole, fit.train, learnt), rows_of(whole, fit.test, cohort))
        for fit in protocol.fits(whole, options)
        if fit.repeat == repeat
    ]
    for fit in fits:
        lacking = set(whole.y) - set(learnt.y[fit.train]) if learnt.classes else set()
        if lacking or not len(fit.train) or not len(fit.test):
            what = f"class {str(min(lacking))!r} to learn from" if lacking else "entities to learn from or to score"
            raise ProbeError(
                f"features {name!r}: {len(learnt.y)} labelled entities have events of the items learnt from and "
                f"{len(cohort.y)} of those scored, which leaves a fold without {what}: give fewer --folds, or another "
                "--share or --since"
            )
    return fits


def _with_within(numbers: dict[str, BothSides], features: Features, learnt: Cohort) -> dict[str, BothSides]:
    """The same, with the rows of both halves of the learnt items, in the order of ``learnt``."""
    leaves = leaves_of(features)
    within = {
        name: tuple(_in_order(side(leaf, of), learnt) for of in (ItemSide.WITHIN_LEARNT, ItemSide.WITHIN_SCORED))
        for name, leaf in leaves.items()
    }
    return {name: replace(both, within=within[name]) for name, both in numbers.items()}


def _having(features: Features, of: ItemSide) -> frozenset[str]:
    """Who has a row of one side, of every part of what is combined."""
    leaves = leaves_of(features).values()
    return frozenset.intersection(*(frozenset(side(leaf, of).entity_ids) for leaf in leaves))


def _in_order(features: Any, learnt: Cohort) -> Any:
    """(M, D) numbers, zeros for an entity that has none: no event of these items."""
    from scipy import sparse

    place = {entity: row for row, entity in enumerate(features.entity_ids)}
    found = [(row, place[entity]) for row, entity in enumerate(learnt.entity_ids) if entity in place]
    rows, columns = np.array(found, dtype=np.int64).reshape(-1, 2).T
    shape = (len(learnt.entity_ids), len(place))
    picked = sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=shape)
    return picked @ features.matrix


def _only(features: Features, kept: frozenset[str]) -> Features:
    """The rows of those who are in ``kept``."""
    from ..features.combined import CombinedFeatures

    if isinstance(features, CombinedFeatures):
        return replace(features, parts=tuple(_only(part, kept) for part in features.parts))
    rows = [row for row, entity in enumerate(features.entity_ids) if entity in kept]
    ids = [features.entity_ids[row] for row in rows]
    return replace(features, entity_ids=ids, matrix=features.matrix[rows])
