"""What gives a label away by itself: the labels that are told, the folds, and what telling them is worth.

In: labels. Out: the same as arrays, and scores. Nobody makes a feature of it: where one value or one number alone
foretells the label of entities that the rule was not made from, nobody need look at models. Knows no events.

Letters: N entities.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ..core.tasks import Kind
from .metrics import Floats, Ints

FOLDS = 5

LEAST = 5
"""Entities on either side of a rule."""


@dataclass(frozen=True)
class Truth:
    """The labels of N entities, and the fold that each is scored in."""

    entity_ids: tuple[str, ...]
    classes: tuple[str, ...]
    """Sorted; () for a regression."""
    y: Floats
    """(N,) codes of classes, or numbers."""
    fold: Ints
    """(N,)"""

    @classmethod
    def of(cls, labels: pa.Table, kind: Kind) -> "Truth":
        """Labels as the store keeps them (``entity_id``, ``label``, both text); those without a label are left out."""
        rows = labels.drop_null().sort_by("entity_id")
        names = np.array(rows["label"].to_pylist(), dtype=object)
        found, y = np.unique(names.astype(str), return_inverse=True)
        classes = tuple(map(str, found))
        if kind is Kind.REGRESSION:
            classes, y = (), names.astype(float)
        fold = np.random.default_rng(0).permutation(len(y)) % FOLDS
        return cls(tuple(rows["entity_id"].to_pylist()), classes, y.astype(float), fold)

    @property
    def metric(self) -> str:
        """What scores are: 'ROC-AUC' of the class that is told best, or 'R²'."""
        return "ROC-AUC" if self.classes else "R²"

    @property
    def can_be_told(self) -> bool:
        """Every fold has entities to make a rule from, and labels differ."""
        return len(self.y) >= 2 * FOLDS and len(np.unique(self.y)) > 1

    def in_order(self, numbers: Mapping[str, float]) -> Floats:
        """(N,) of entity -> number; NaN for one that has none."""
        return np.array([numbers.get(entity, np.nan) for entity in self.entity_ids])

    def shown(self, score: "Score") -> str:
        """A score as people read it."""
        return f"{self.metric} {score.value:.3f}" if not self.classes else f"a {self.metric} of {score.value:.3f}"


@dataclass(frozen=True)
class Score:
    """What a rule is worth on entities that it was not made from."""

    value: float
    """ROC-AUC or R²; NaN where there are too few entities to say."""

    by: str = ""
    """What the rule looks at: a value, quoted, or what is taken of numbers; '' where there is but one number."""


NOTHING = Score(float("nan"))


def beyond_chance(auc: float, size: int, n: int) -> float:
    """The ROC-AUC, or NaN where chance alone may give as much (3 standard errors) to a class of ``size`` of n."""
    if not LEAST <= size <= n - LEAST:
        return float("nan")
    return auc if auc > 0.5 + 3 * np.sqrt((n + 1) / (12 * size * (n - size))) else float("nan")
