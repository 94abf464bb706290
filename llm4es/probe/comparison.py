"""The table of a comparison, and what a row of it says in words.

In: a row as plain values. Out: a sentence. Knows no predictions.
"""

from typing import Any

import pyarrow as pa

from .metrics import METRICS
from .uncertainty import CONFIDENCE

COMPARISON = pa.schema(
    [
        ("features", pa.string()),
        ("probe", pa.string()),
        ("model", pa.string()),  # null: a baseline
        ("k", pa.int32()),
        ("metric", pa.string()),
        ("value", pa.float64()),
        ("ci_low", pa.float64()),
        ("ci_high", pa.float64()),
        ("repeat_std", pa.float64()),
        ("reference", pa.string()),  # what the difference is taken against
        ("difference", pa.float64()),  # value - the reference's value; null for the reference itself
        ("diff_low", pa.float64()),
        ("diff_high", pa.float64()),
        ("p_value", pa.float64()),  # of this difference alone
        ("p_adjusted", pa.float64()),  # corrected (Holm) for the number of differences in the table
        ("detectable", pa.float64()),  # the smallest difference found with 80 % chance on so many entities
        ("n", pa.int32()),
        ("n_seen", pa.int32()),  # of them, those that a model in the lineage was trained on
        ("dimensions", pa.int64()),  # what the features cost, where it is known: numbers an entity,
        ("tokens", pa.int64()),  # tokens read,
        ("seconds", pa.float64()),  # time of the model
        ("words", pa.string()),
    ]
)
"""One row a feature set, best first."""


def verdict(row: dict[str, Any]) -> str:
    """What a row of the comparison says, in words."""
    seen = f"; {row['n_seen']} of {row['n']} entities were seen in training" if row["n_seen"] else ""
    if row.get("difference") is None:
        return "the reference" + seen
    if row["p_adjusted"] >= 1 - CONFIDENCE:
        return (
            f"no difference to {row['reference']} beyond the noise: the smallest that {row['n']} entities can show is "
            f"{row['detectable']:.3f}" + seen
        )
    better = (row["difference"] > 0) == METRICS[row["metric"]].higher_is_better
    return (
        f"{'better' if better else 'worse'} than {row['reference']} by {abs(row['difference']):.3f} "
        f"({row['diff_low']:+.3f} to {row['diff_high']:+.3f})" + seen
    )
