"""Folds of a probe that learns at one time and is scored at a later one.

In: a protocol, the cohort to learn from, the cohort to score. Out: fits whose training rows are of the one and whose
test rows are of the other. Nobody is in both parts of a fit, at whatever time. Knows no features.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ..core.errors import ProbeError
from ..core.tasks import Kind
from ..options import ProbeOptions
from .cohort import Cohort, cohort_of
from .fold_work import Features
from .metrics import Ints
from .protocols import Fit, Protocol


@dataclass(frozen=True)
class Earlier:
    """What is learnt from, where that is of another time than what is scored."""

    features: Features
    """The same columns, of that time."""

    labels: pa.Table
    """``entity_id`` and ``label``, those of that time."""


def fits_of_two_times(
    protocol: Protocol,
    learnt: Cohort,
    scored: Cohort,
    folded: Cohort,
    options: ProbeOptions,
    name: str,
) -> list[Fit]:
    """The fits of a protocol: ``train`` are rows of ``learnt``, ``test`` are rows of ``scored``.

    Folds are made of everybody who is in ``folded``; whoever has the features ``name`` at one time only is then in that
    part of it alone. So one who has left since the earlier time is still learnt from.
    """
    _same_classes(learnt, scored)
    fits = [
        Fit(fit.repeat, fit.fold, rows_of(folded, fit.train, learnt), rows_of(folded, fit.test, scored))
        for fit in protocol.fits(folded, options)
    ]
    for fit in fits:
        lacking = set(scored.y) - set(learnt.y[fit.train]) if learnt.classes else set()
        if lacking or not len(fit.train) or not len(fit.test):
            what = f"class {str(min(lacking))!r} to learn from" if lacking else "entities to learn from or to score"
            raise ProbeError(
                f"features {name!r}: {len(learnt.y)} labelled entities at the earlier time and {len(scored.y)} at the "
                f"later leave a fold without {what}: give fewer --folds, or other times"
            )
    tested = np.concatenate([fit.test for fit in fits if fit.repeat == 0])
    if scored.classes and (never := sorted(set(scored.y) - set(scored.y[tested]))):
        raise ProbeError(f"--protocol {options.protocol} scores nobody of class {str(never[0])!r}: choose cv")
    return fits


def folded_of(
    learnt: Cohort,
    scored: Cohort,
    labels: tuple[pa.Table, pa.Table],
    entities: Collection[str],
    task: str,
    kind: Kind,
) -> Cohort:
    """Everybody who is in one of the two cohorts, or of ``entities`` and labelled; by the later label, if there is one.

    ``labels`` are the earlier and the later ones, as text.
    """
    named: dict[str, str] = {}
    for table in labels:
        pairs = zip(table["entity_id"].to_pylist(), table["label"].to_pylist(), strict=True)
        named |= {entity: label for entity, label in pairs if label is not None}
    whole = sorted({*learnt.entity_ids, *scored.entity_ids, *(entity for entity in entities if entity in named)})
    return cohort_of(tuple(whole), named, {entity: row for row, entity in enumerate(whole)}, task, kind)


def rows_of(folded: Cohort, part: Ints, cohort: Cohort) -> Ints:
    """Rows of ``cohort`` of those entities of a part who are in it."""
    place = {entity: row for row, entity in enumerate(cohort.entity_ids)}
    rows = (place.get(folded.entity_ids[row], -1) for row in part)
    return np.array([row for row in rows if row >= 0], dtype=np.int64)


def _same_classes(learnt: Cohort, scored: Cohort) -> None:
    """ProbeError where there is a class at the earlier time that nobody has at the later one."""
    if learnt.classes and (gone := sorted(set(learnt.y) - set(scored.y))):
        raise ProbeError(
            f"class {str(gone[0])!r} is among the labels to learn from and nobody to score has it: "
            "group the task's classes, or give other times"
        )
