"""What is fitted inside a fold: one probe of one feature set on some entities, and its scores of others.

In: numbers and labels, row numbers. Out: scores. Knows no protocol and no combination: those say which rows.

Letters: N entities scored, M entities learnt from, D columns, C classes.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..core.errors import ProbeError
from ..core.spilled import rows_of
from ..core.tasks import Kind
from ..features.combined import CombinedFeatures, leaves_of
from ..features.feature_set import Block, FeatureSet
from .cohort import Cohort, align
from .metrics import Floats, Ints

Features = FeatureSet | CombinedFeatures
"""What is probed."""


@dataclass(frozen=True)
class BothSides:
    """One feature set as a probe reads it."""

    blocks: tuple[Block, ...]
    """Columns scaled alike, from left to right."""

    learnt: Any
    """(M, D) numbers of the entities learnt from."""

    scored: Any
    """(N, D) numbers of the entities scored: the same, but where those are of another time, or of other items."""

    within: tuple[Any, Any] | None = None
    """(M, D) numbers twice, of the entities learnt from: of some of the items learnt from, and of the others. An inner
    fold learns from the first and is scored by the second, as the outer one is by new items. None: of ``learnt``."""


@dataclass(frozen=True)
class FoldWork:
    """Everything that a fit inside a fold needs, besides who is in it."""

    numbers: Mapping[str, BothSides]
    """Feature sets by name."""

    y: NDArray[Any]
    """(M,) class names or numbers of the entities learnt from."""

    classes: NDArray[Any]
    """(C,) sorted classes of the entities scored."""

    kind: Kind
    """Of task."""

    probe: str
    """One of ``ESTIMATORS``."""

    seed: int
    """Of folds and of whatever the probe draws."""

    cohorts: str
    """Hash of who is learnt from and who is scored: row numbers mean the same where it is the same."""

    def scores(self, name: str, train: Ints, test: Ints, *, inner: bool = False) -> Floats:
        """Fit rows ``train`` and score rows ``test``, which are of those learnt from too where the fold is ``inner``.

        Returns
        -------
        (N tested, C) array
            Probabilities, a column a class, 0 for a class that the model never met; (N tested, 1) predicted numbers.
        """
        of = self.numbers[name]
        learnt, scored = (of.within or (of.learnt, of.learnt)) if inner else (of.learnt, of.scored)
        return scores_of(self._fit(name, learnt, train), rows_of(scored, test, np.float64), self.kind, self.classes)

    def fitted(self, name: str, train: Ints) -> Any:
        """The estimator that is fitted on rows ``train``."""
        from .scaling import in_place  # heavy

        return in_place(self._fit(name, self.numbers[name].learnt, train), False)  # it is given rows of others

    def bytes_of(self, name: str, n: int) -> int:
        """What a fit on n rows takes: its own numbers in double precision, and those of an inner fold beside them."""
        learnt = self.numbers[name].learnt
        row = learnt.nnz * 12 / max(learnt.shape[0], 1) if hasattr(learnt, "tocsr") else learnt.shape[1] * 8
        return int(2 * n * row)

    def import_first(self, names: Iterable[str]) -> None:
        """Import what a fit of ``names`` would import in its thread: of half a module another thread asks for the rest.

        That is pandas, where it is installed: scikit-learn's ``ColumnTransformer`` and LightGBM do.
        """
        if self.probe in ("lightgbm", "ptls") or any(len(self.numbers[name].blocks) > 1 for name in names):
            with suppress(ImportError):
                import pandas  # noqa: F401  # heavy

    def by_class(self, scores: Any, classes: Any) -> Floats:
        """(N, C) scores of the classes that a model has met, a column each of all."""
        return by_class(scores, classes, self.classes)

    def _fit(self, name: str, learnt: Any, train: Ints) -> Any:
        from .estimators import ESTIMATORS  # heavy
        from .scaling import in_place

        model = ESTIMATORS[self.probe](self.kind, self.numbers[name].blocks, self.seed, len(train))
        return in_place(model).fit(rows_of(learnt, train, np.float64, spill=True), self.y[train])


def scores_of(model: Any, x: Any, kind: Kind, classes: Any) -> Floats:
    """(N, C) probabilities of (N, D) rows by a fitted estimator, a column each of all classes; (N, 1) numbers."""
    if kind is Kind.REGRESSION:
        return np.asarray(model.predict(x), dtype=float).reshape(-1, 1)
    return by_class(model.predict_proba(x), model.classes_, classes)


def by_class(scores: Any, met: Any, classes: Any) -> Floats:
    """(N, C) scores of the classes that a model has met, a column each of all."""
    found = np.zeros((len(scores), len(classes)))
    found[:, np.searchsorted(classes, met)] = scores
    return found


def aligned(features: Features, labels: pa.Table, task: str, kind: Kind) -> tuple[Cohort, dict[str, Any]]:
    """The entities that have all features and a label, and their numbers: an (N, D) matrix a feature set."""
    common = frozenset(features.entity_ids)
    pairs = {name: align(_only(leaf, common), labels, task, kind) for name, leaf in leaves_of(features).items()}
    cohort = next(iter(pairs.values()))[0]
    return cohort, {name: x for name, (_, x) in pairs.items()}


def beside(features: Features, learnt: Mapping[str, Any], scored: Mapping[str, Any]) -> dict[str, BothSides]:
    """Both sides of each feature set. ProbeError where one has other columns at the earlier time."""
    leaves = leaves_of(features)
    if odd := next((name for name, leaf in leaves.items() if learnt[name].shape[1] != scored[name].shape[1]), None):
        raise ProbeError(
            f"features '{odd}' have {learnt[odd].shape[1]} columns where they are learnt from and "
            f"{scored[odd].shape[1]} where they are scored: make both with the same settings"
        )
    return {name: BothSides(leaf.scaled_as(), learnt[name], scored[name]) for name, leaf in leaves.items()}


def hash_of(cohorts: Sequence[Cohort]) -> str:
    """Who is learnt from and who is scored, as one hash."""
    text = "\n".join("\r".join(cohort.entity_ids) for cohort in cohorts)
    return sha256(text.encode()).hexdigest()


def exact(x: Any) -> Any:
    """(N, D) numbers in double precision: only of the rows of a fit, as many candidates may lie in memory."""
    return x.astype(np.float64)


def _only(features: FeatureSet, kept: frozenset[str]) -> FeatureSet:
    """The feature set of those who are in ``kept``."""
    if len(kept) == len(features.entity_ids):
        return features
    rows = [row for row, entity in enumerate(features.entity_ids) if entity in kept]
    return replace(features, entity_ids=[features.entity_ids[row] for row in rows], matrix=features.matrix[rows])
