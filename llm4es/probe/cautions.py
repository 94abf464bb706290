"""When so little was scored that intervals and tests promise more than they hold.

In: how many were scored, and how. Out: sentences for a reader; the figures in them are those of simulated data
(``benchmarks/intervals.py``, docs/evidence.md). Knows no metric.
"""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

FEW_OF_A_CLASS = 15
"""Members of the smaller class from which the intervals hold what they say."""

FEW_NUMBERS = 100
"""The same for the labels of a regression."""


def cautions(n: int, n_smallest: int | None, repeats: int, folds: int) -> list[str]:
    """What a reader has to know of figures of ``n`` entities before believing an interval or a p-value.

    Parameters
    ----------
    n : int
        Entities scored.
    n_smallest : int or None
        Of them, the members of the smallest class; None: a regression.
    repeats, folds : int
        Of the cross-validation; one fold: a single part was scored.

    Returns
    -------
    list of str
        A sentence each; none where nothing is wrong.

    Examples
    --------
    >>> cautions(943, 273, 3, 5)
    []
    >>> [each.partition(":")[0] for each in cautions(60, 6, 1, 5)]
    ['few of a class', 'one repeat']
    """
    found = []
    if n_smallest is not None and n_smallest < FEW_OF_A_CLASS:
        found.append(
            f"few of a class: the smallest has {n_smallest} of the {n:,} scored entities; below {FEW_OF_A_CLASS} a 95 "
            "% interval holds the truth in about 90 % only, and 1 difference in 10 that is none is called one; more "
            "labels help, nothing else does"
        )
    if n_smallest is None and n < FEW_NUMBERS:
        found.append(
            f"few entities: {n:,} were scored; below {FEW_NUMBERS} a 95 % interval of R2 holds the truth in 81 "
            "to 92 % only; more labels help, nothing else does"
        )
    if folds > 1 and repeats == 1:
        found.append(
            "one repeat: what the choice of training entities adds is in no interval and no p, and 1 difference in 7 "
            "that is none is called one; probe with --repeats 3"
        )
    if folds == 1:
        found.append(
            "one part scored: intervals and p are of the models that were fitted; trained on other entities they may "
            "differ by more (--protocol cv tells)"
        )
    return found


def cautions_of(task: str, predictions: Sequence[pa.Table], regression: bool) -> list[str]:
    """The cautions about a task's rows of ``PREDICTIONS``, a table a feature set, each once.

    Examples
    --------
    >>> rows = {"entity_id": ["a", "b"], "repeat": [0, 0], "fold": [0, 0], "y_true": ["yes", "no"]}
    >>> [each.partition(": the")[0] for each in cautions_of("churn", [pa.table(rows)], regression=False)][0]
    'churn: few of a class'
    """
    found = []
    for table in predictions:
        once = table.filter(pc.equal(table["repeat"], pc.min(table["repeat"])))
        smallest = None if regression else pc.min(pc.value_counts(once["y_true"]).field("counts")).as_py()
        found += cautions(once.num_rows, smallest, len(pc.unique(table["repeat"])), len(pc.unique(once["fold"])))
    return [f"{task}: {each}" for each in dict.fromkeys(found)]
