"""What can be predicted of an entity, the metric that a task is about, and the protocols that need no split.

In: nothing. Out: names. Imports nothing heavy: recipes, options and probes share it.
"""

from datetime import datetime
from enum import StrEnum

from .times import shown


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

_TRAINED = ", trained at "


def at_times(protocol: str, train_as_of: datetime | None, test_as_of: datetime | None) -> str:
    """A protocol's name as rows bear it: with the two times, where a probe learns at another than it is scored at.

    Parameters
    ----------
    protocol : str
        Its plain name.
    train_as_of, test_as_of : datetime or None
        Exclusive cut-offs; None: both alike.

    Returns
    -------
    str
        The plain name where there are no two times.

    Examples
    --------
    >>> at_times("cv", datetime(2024, 1, 1), datetime(2024, 7, 1))
    'cv, trained at 2024-01-01, scored at 2024-07-01'
    """
    if train_as_of is None or test_as_of is None:
        return protocol
    return f"{protocol}{_TRAINED}{shown(train_as_of)}, scored at {shown(test_as_of)}"


def plain_protocol(name: str) -> str:
    """A protocol's plain name, from what rows bear: without times and size of the training set.

    Parameters
    ----------
    name : str
        As ``at_times`` makes it, perhaps with ``@`` and a size behind.

    Returns
    -------
    str
        As ``--protocol`` takes it.

    Examples
    --------
    >>> plain_protocol("cv@50"), plain_protocol("cv, trained at 2024-01-01, scored at 2024-07-01@50")
    ('cv', 'cv')
    """
    return name.partition("@")[0].partition(_TRAINED)[0]


BASELINE_NAMES = ("tfidf", "words", "words-aligned", "aggregates", "counts", "recency", "majority")
"""Names of feature sets that are made without a model, in the order that tables list them: no vectors may bear them."""
