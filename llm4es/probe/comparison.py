"""The table of a comparison, and what a row of it says in words.

In: a row as plain values. Out: a sentence. Knows no predictions.
"""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from .family import SIGNIFICANT
from .metrics import METRICS

COMPARISON = pa.schema(
    [
        ("features", pa.string()),
        ("probe", pa.string()),
        ("model", pa.string()),  # null: a baseline
        ("k", pa.int32()),
        ("chosen", pa.string()),  # of best(...): what was chosen in how many folds; null: nothing is chosen
        ("metric", pa.string()),
        ("value", pa.float64()),
        ("ci_low", pa.float64()),
        ("ci_high", pa.float64()),
        ("repeat_std", pa.float64()),
        ("best_of", pa.int32()),  # of the best with a language model, and the best without: of how many, but those
        # that best(...) chose inside folds
        ("optimism", pa.float64()),  # by how much choosing it among them flatters its value, at most
        ("reference", pa.string()),  # what the difference is taken against
        ("difference", pa.float64()),  # value - the reference's value; null for the reference itself
        ("diff_low", pa.float64()),  # 95 % intervals of all differences in the table together:
        ("diff_high", pa.float64()),  # one leaves out 0 exactly where its p_adjusted is below 0.05
        ("p_value", pa.float64()),  # of this difference alone
        ("p_adjusted", pa.float64()),  # corrected (Bonferroni) for the number of differences in the table
        ("detectable", pa.float64()),  # the smallest difference that so many entities show, in so many comparisons
        ("n", pa.int32()),
        ("n_seen", pa.int32()),  # of them, those that a model in the lineage was trained on
        ("n_smallest", pa.int32()),  # of them, the members of the smallest class; null for a regression
        ("positive", pa.string()),  # of two classes, the one that average precision is about
        ("repeats", pa.int32()),  # of the protocol; of one alone nothing tells what the training entities add
        ("folds", pa.int32()),  # of a repeat; 1: one part was scored
        ("dimensions", pa.int64()),  # what the features cost, where it is known: numbers an entity,
        ("tokens", pa.int64()),  # tokens read,
        ("seconds", pa.float64()),  # time of the model
        ("words", pa.string()),
    ]
)
"""One row a feature set, best first."""


WITHIN_NOISE = "within noise"


def in_short(row: Mapping[str, Any]) -> str:
    """One or two words: 'better', 'worse', 'within noise', 'reference'."""
    if row["difference"] is None:
        return "reference"
    return WITHIN_NOISE if row["p_adjusted"] >= SIGNIFICANT else str(row["words"]).partition(" ")[0]


def shows_no_gain(row: Mapping[str, Any]) -> bool:
    """Whether so few entities tell no improvement on the reference: it would have to be more than there is to gain.

    Examples
    --------
    >>> row = {"metric": "roc_auc", "value": 0.85, "difference": -0.05}
    >>> shows_no_gain(row | {"detectable": 0.2}), shows_no_gain(row | {"detectable": 0.05})
    (True, False)
    """
    metric = METRICS[row["metric"]]
    best = metric.most if metric.higher_is_better else metric.least
    return bool(row["detectable"] > abs(best - (row["value"] - row["difference"])))


def verdict(row: dict[str, Any]) -> str:
    """What a row of the comparison says, in words."""
    seen = f"; {row['n_seen']} of {row['n']} entities were seen in tuning" if row["n_seen"] else ""
    if row.get("difference") is None:
        return "the reference" + seen
    if row["difference"] == row["detectable"] == 0:
        return f"as {row['reference']} in every resample" + seen
    if row["p_adjusted"] >= SIGNIFICANT:
        least = f"the smallest that {row['n']} entities can show is {row['detectable']:.3f}"
        if shows_no_gain(row):
            least = f"{row['n']} entities cannot show any improvement on it"
        return f"no difference to {row['reference']} beyond the noise: {least}{seen}"
    better = (row["difference"] > 0) == METRICS[row["metric"]].higher_is_better
    return (
        f"{'better' if better else 'worse'} than {row['reference']} by {abs(row['difference']):.3f} "
        f"({row['diff_low']:+.3f} to {row['diff_high']:+.3f})" + seen
    )
