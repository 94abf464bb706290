"""Scores to rows of metrics: value, interval, spread.

In: scored entities, and the fits where a protocol reports them one by one. Out: rows as plain values. Knows no table.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..options import ProbeOptions
from .cohort import Cohort
from .metrics import Floats
from .predictions import Scored, gather
from .protocols import Fit
from .uncertainty import replicates, t_half_width, value_interval, values


def metric_row(scored: Scored, metric: str, options: ProbeOptions) -> dict[str, Any]:
    """The row of a metric: value, interval over entities, spread over repeats."""
    by_repeat = values(scored, metric)  # (R,)
    drawn = replicates(scored, metric, options.bootstrap, options.seed)  # (B,)
    low, high = value_interval(scored, metric, drawn, float(by_repeat.mean()))
    spread = float(np.std(by_repeat, ddof=1)) if len(by_repeat) > 1 else None
    return {"metric": metric, "value": float(by_repeat.mean()), "ci_low": low, "ci_high": high, "repeat_std": spread}


def rows_over_fits(
    metric: str,
    cohort: Cohort,
    fits: Sequence[Fit],
    scores: Sequence[list[Floats]],
    scored: Scored,
    positive: str | None,
) -> list[dict[str, Any]]:
    """What papers report: mean, std and t-interval over the fits, on the test set and on the validation parts.

    A t-interval over fits says how much the models differ, not how far the test entities may mislead.
    """
    parts = [
        gather(cohort, [replace(fit, repeat=0, test=fit.validation)], [score[1]], frozenset())
        for fit, score in zip(fits, scores, strict=True)
        if fit.validation is not None
    ]
    validation = [values(part.with_positive(positive), metric)[0] for part in parts]
    rows = []
    for where, by_fit in (("over fits", values(scored, metric)), ("on validation", np.array(validation))):
        spread = float(np.std(by_fit, ddof=1))
        half = t_half_width(spread, len(by_fit))
        mean = float(by_fit.mean())
        row = {"metric": f"{metric} {where}", "value": mean, "repeat_std": spread}
        rows.append(row | {"ci_low": mean - half, "ci_high": mean + half})
    return rows
