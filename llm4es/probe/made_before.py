"""What other probes have scored already: kept predictions, and scores that were made in the same work.

In: rows of ``predictions`` by feature set. Out: scores that need not be made again. Knows no store.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ..core.tasks import Kind
from ..features.combined import CombinedFeatures
from ..features.expressions import Combination
from ..options import ProbeOptions
from .cohort import Cohort
from .fold_work import Features
from .metrics import Floats, Ints
from .predictions import Scored, scored

if TYPE_CHECKING:
    from .combined_scores import CombinedScores, Key
    from .protocols import Fit


def _hears_nothing(made: int, of: int) -> None:
    """Nobody follows."""


@dataclass(frozen=True)
class MadeBefore:
    """What probes of the same labels, protocol and options have made.

    Examples
    --------
    >>> MadeBefore().kept
    {}
    """

    kept: Mapping[str, pa.Table] = field(default_factory=dict)
    """Features -> their rows of ``PREDICTIONS``."""

    known: "dict[Key, Floats]" = field(default_factory=dict)
    """Scores of fits; those that are made are added, for the next probe."""

    advance: Callable[[int, int], None] = _hears_nothing
    """Hears how many of the fits that are asked for are made, and of how many."""


def take_over(
    kept: Mapping[str, pa.Table],
    into: "CombinedScores",
    features: Features,
    cohort: Cohort,
    fits: "Sequence[Fit]",
    options: ProbeOptions,
) -> None:
    """Take over the kept scores of the parts of a combination, where they are those that it would make.

    Those are scores of the same entities in the same folds. A vote fits nothing: its parts may have learnt from
    entities that the others lack.
    """
    if not isinstance(features, CombinedFeatures):
        return
    voting = {part.name for part in features.parts} if features.how is Combination.VOTE else set()
    tested = {cohort.entity_ids[row] for fit in fits for row in fit.test}
    for name in features.leaves.keys() & kept.keys():
        there = scored(kept[name], into.work.kind is Kind.REGRESSION)
        if there.classes and there.classes != tuple(map(str, into.work.classes)):
            continue
        if name not in voting and not _as_many(there, tested, features, options):
            continue
        place = {entity: row for row, entity in enumerate(there.entity_ids)}
        rows = np.array([place.get(entity, -1) for entity in cohort.entity_ids])  # (N,)
        for fit in fits:
            lacking = [cohort.entity_ids[row] for row in fit.test[rows[fit.test] < 0]]
            left_out = not lacking or (options.unseen_only and features.seen.issuperset(lacking))
            if left_out and (found := _of_fit(there, fit, rows[fit.test])) is not None:
                into.know(name, fit, found)


def _as_many(there: Scored, tested: set[str], features: Features, options: ProbeOptions) -> bool:
    """Whether the same entities were scored, but for those that are left out as seen."""
    lacking = tested.difference(there.entity_ids)
    return tested.issuperset(there.entity_ids) and (not lacking or (options.unseen_only and features.seen >= lacking))


def _of_fit(there: Scored, fit: "Fit", rows: Ints) -> Floats | None:
    """(N tested, C) scores, those of who is left out as seen even; None where these are other folds."""
    if fit.repeat >= len(there.scores) or (there.folds[fit.repeat, rows[rows >= 0]] != fit.fold).any():
        return None
    found: Floats = there.scores[fit.repeat, rows]  # (N tested, C), a copy
    found[rows < 0] = 1 / found.shape[1]
    return found
