"""What can be predicted of an entity, the metric that a task is about, and the protocols that need no split.

In: nothing. Out: names. Imports nothing heavy: recipes, options and probes share it.
"""

from enum import StrEnum


class Kind(StrEnum):
    """What a task's labels are."""

    BINARY = "binary"  # two classes; the second in sorted order is the positive one, unless the task says so
    MULTICLASS = "multiclass"  # two classes or more
    REGRESSION = "regression"  # numbers


PRIMARY: dict[Kind, str] = {Kind.BINARY: "roc_auc", Kind.MULTICLASS: "accuracy", Kind.REGRESSION: "r2"}
"""The metric that a task is about unless another is asked for."""

OWN_FOLDS = ("cv", "holdout", "ptls")
"""Protocols that make their own folds; any other name is a split of the recipe."""

BASELINE_NAMES = ("tfidf", "aggregates", "counts", "recency", "majority")
"""Names of feature sets that are made without a model, in the order that tables list them: no vectors may bear them."""
