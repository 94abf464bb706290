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

OF_NUMBERS = ("r2", "mae")
"""The metrics of a regression; no other kind has them, nor a regression any other."""


def of_kind_sql(kind: Kind | None) -> str:
    """SQL condition: a row of ``probes`` is of a task of this kind; None: whatever it is.

    Examples
    --------
    >>> of_kind_sql(Kind.REGRESSION)
    "split_part(metric, ' ', 1) IN ('r2', 'mae')"
    """
    among = f"IN ({', '.join(repr(metric) for metric in OF_NUMBERS)})"
    return "true" if kind is None else f"split_part(metric, ' ', 1) {'' if kind is Kind.REGRESSION else 'NOT '}{among}"


OWN_FOLDS = ("cv", "holdout", "ptls")
"""Protocols that make their own folds; any other name is a split of the recipe."""

BASELINE_NAMES = ("tfidf", "aggregates", "counts", "recency", "majority")
"""Names of feature sets that are made without a model, in the order that tables list them: no vectors may bear them."""
