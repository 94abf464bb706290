"""A probe that is fitted once, on every labelled entity, to score others by: features and labels to a predictor.

In: features as ``probe`` takes them. Out: fitted estimators, and scores of anybody's features. A choice of
``best(...)`` is made once, and the small model of ``stack(...)`` learnt once, both in folds of the labelled entities,
as a probe does inside each of its training parts. Knows no store, no calibration and no metric.

Letters: N entities, M entities learnt from, D columns, C classes (1 for a regression).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..core.tasks import Kind
from ..features.combined import CombinedFeatures
from ..features.expressions import Combination
from .cohort import Cohort
from .combine import mean_scores, through
from .combined_scores import CombinedScores
from .fold_work import Features, FoldWork, aligned, beside, by_class, exact, hash_of, scores_of
from .metrics import Floats


@dataclass(frozen=True)
class Fitted:
    """One fitted probe, or several whose scores are combined."""

    name: str
    """Of its features."""

    model: Any = None
    """The estimator; of a ``stack(...)`` the small one on top; None of a ``vote(...)``."""

    how: Combination | None = None
    """What becomes of its parts; None: it has none."""

    parts: tuple["Fitted", ...] = ()
    """Those whose scores are combined."""

    @property
    def leaves(self) -> list[str]:
        """Names of the features that are read, each once."""
        return [self.name] if self.how is None else list(dict.fromkeys(n for part in self.parts for n in part.leaves))

    def scores(self, numbers: Mapping[str, Any], kind: Kind, classes: NDArray[Any]) -> Floats:
        """Score entities.

        Parameters
        ----------
        numbers : mapping of str to (N, D) matrix
            The features read, by name, of the same entities in the same order.
        kind : Kind
            Of task.
        classes : (C,) array
            Sorted.

        Returns
        -------
        (N, C) array
            Probabilities, or numbers.
        """
        if self.how is None:
            return scores_of(self.model, exact(numbers[self.name]), kind, classes)
        parts = [part.scores(numbers, kind, classes) for part in self.parts]
        if self.how is Combination.VOTE:
            return mean_scores(parts, kind)
        found = through(self.model, parts, kind)
        return found if kind is Kind.REGRESSION else by_class(found, self.model.classes_, classes)

    def tree(self) -> dict[str, Any]:
        """As nested dicts of names and estimators: what is written down."""
        how = None if self.how is None else self.how.value
        return {"name": self.name, "how": how, "model": self.model, "parts": [part.tree() for part in self.parts]}

    @classmethod
    def of(cls, tree: Mapping[str, Any]) -> Self:
        """What ``tree`` wrote down."""
        how = None if tree["how"] is None else Combination(tree["how"])
        return cls(tree["name"], tree["model"], how, tuple(cls.of(part) for part in tree["parts"]))


def fit_on_all(
    features: Features,
    labels: Any,
    task: str,
    kind: Kind,
    probe: str,
    seed: int,
    metric: str,
    positive: str | None = None,
    workers: int | None = None,
) -> tuple[Fitted, Cohort]:
    """Fit on every entity that has features and a label.

    Parameters
    ----------
    features : FeatureSet or CombinedFeatures
        (N, D) numbers, a row an entity, of one or several.
    labels : pyarrow.Table
        ``entity_id`` and ``label`` as text.
    task : str
        For messages.
    kind : Kind
        Of task.
    probe : str
        One of ``ESTIMATORS``.
    seed : int
        Of inner folds, and of whatever the probe draws.
    metric : str
        By which ``best(...)`` chooses.
    positive : str, optional
        Of two classes the one that the metric is about; None: the second in sorted order.
    workers : int, optional
        Fits at once; None: one a core.

    Returns
    -------
    fitted : Fitted
        ``best(...)`` is the part that was chosen.
    cohort : Cohort
        Whom it was fitted on, and their labels.

    Raises
    ------
    ProbeError
        Where the labels cannot be learnt from: one class alone, a number that is none.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from llm4es.features.feature_set import FeatureSet
    >>> ids = [f"u{i:02}" for i in range(40)]
    >>> features = FeatureSet("age", ids, np.arange(40.0)[:, None])
    >>> labels = pa.table({"entity_id": ids, "label": ["young"] * 20 + ["old"] * 20})
    >>> fitted, cohort = fit_on_all(features, labels, "group", Kind.BINARY, "logistic", 0, "roc_auc")
    >>> fitted.scores({"age": np.array([[0.0], [39.0]])}, Kind.BINARY, np.array(["old", "young"])).round().tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    cohort, x = aligned(features, labels, task, kind)  # (M, D) each
    work = FoldWork(beside(features, x, x), cohort.y, np.unique(cohort.y), kind, probe, seed, hash_of([cohort, cohort]))
    combined = CombinedScores(work, metric, positive, workers=workers)
    return _fitted(features, combined, np.arange(len(cohort.y))), cohort


def _fitted(node: Features, combined: CombinedScores, rows: NDArray[np.int64]) -> Fitted:
    if not isinstance(node, CombinedFeatures):
        return Fitted(node.name, combined.work.fitted(node.name, rows))
    if node.how is Combination.BEST:
        return _fitted(combined.chosen(node, rows), combined, rows)
    parts = tuple(_fitted(part, combined, rows) for part in node.parts)
    small = combined.small_model(node, rows) if node.how is Combination.STACK else None
    return Fitted(node.name, small, node.how, parts)
