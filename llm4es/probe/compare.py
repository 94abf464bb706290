"""Probes and predictions of several feature sets to one table of metrics and paired differences.

In: rows of ``probes`` and ``predictions`` of one task and protocol, on the same entities. Out: one row a feature set,
best first: the metric with its interval, the difference to a reference on the very same entities with interval and
p-value (of all comparisons together), the smallest difference that so many entities could show, and a verdict in
words. Knows no model, no store and no screen.

Letters: R repeats, B resamples.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..core.columns import check_columns
from ..core.errors import ProbeError, did_you_mean
from ..core.schemas import PREDICTIONS, PROBES
from ..core.tasks import PRIMARY, Kind
from .comparison import COMPARISON, verdict
from .family import ROUNDING, adjusted, detectable, honest_error, p_value, simultaneous
from .metrics import METRICS, Floats
from .scored_features import ScoredFeatures, on_same_entities, on_unseen, scored_features
from .uncertainty import (
    deciding,
    difference_error,
    optimism,
    replicates,
    smallest_class,
    training_variance,
    value_interval,
    values,
    widened,
)

COSTS = pa.schema(
    [("features", pa.string()), ("dimensions", pa.float64()), ("tokens", pa.float64()), ("seconds", pa.float64())]
)
"""What features cost, where it is known; any form of number will do."""

_READ_PROBES = pa.schema(PROBES.field(name) for name in ("features", "probe", "model", "k", "metric"))
_READ_PREDICTIONS = pa.schema(
    PREDICTIONS.field(name)
    for name in ("dataset", "task", "features", "protocol", "probe", "entity_id", "fold", "repeat", "y_true", "y_score",
                 "seen", "seed")
)  # fmt: skip


@dataclass(frozen=True)
class _Measured:
    """A feature set's metric."""

    features: ScoredFeatures
    by_repeat: Floats  # (R,)
    drawn: Floats  # (B,)

    @property
    def value(self) -> float:
        """The mean over repeats."""
        return float(self.by_repeat.mean())

    def deviations(self, metric: str) -> Floats:
        """(B,) how much better than it is the metric may come out by chance."""
        sign = 1 if METRICS[metric].higher_is_better else -1
        return sign * widened(self.drawn - np.nanmean(self.drawn), training_variance(self.features.scored, metric))


def compare(
    probes: pa.Table,
    predictions: pa.Table,
    reference: str | None = None,
    *,
    metric: str | None = None,
    common: bool = False,
    unseen_only: bool = False,
    resamples: int = 1000,
    costs: pa.Table | None = None,
    positive: str | None = None,
) -> pa.Table:
    """Put every feature set beside the others, paired against one of them.

    Parameters
    ----------
    probes : pyarrow.Table
        Rows of ``PROBES``, as ``probe`` makes them, of one task and protocol.
    predictions : pyarrow.Table
        Their rows of ``PREDICTIONS``.
    reference : str, default None
        Name of the features that differences are taken against; None takes the best baseline, or without one the best.
    metric : str, default None
        Which metric; None takes the task's primary one: ROC-AUC, accuracy or R2.
    common : bool, default False
        Cut to the entities that all feature sets have scored, where they are not the same.
    unseen_only : bool, default False
        Cut to the entities that no compared model was trained on.
    resamples : int, default 1000
        Bootstrap resamples of the entities.
    costs : pyarrow.Table, default None
        ``features, dimensions, tokens, seconds``: shown beside.
    positive : str, default None
        Of two classes, the one that average precision is about; None: the second in sorted order.

    Returns
    -------
    pyarrow.Table
        ``COMPARISON``: one row a feature set and probe, best first.

    Raises
    ------
    ProbeError
        For tables without a column, rows of several tasks, protocols or seeds, other entities without ``common``,
        nobody left, metrics without predictions, or a reference or metric that there is none of.

    Examples
    --------
    >>> from llm4es.features.feature_set import FeatureSet
    >>> from llm4es.options import ProbeOptions
    >>> from llm4es.probe import probe
    >>> ids, side = [f"u{i:02}" for i in range(60)], np.arange(60) % 2
    >>> labels, quick = pa.table({"entity_id": ids, "label": side}), ProbeOptions(folds=3, repeats=1, bootstrap=50)
    >>> noise = np.random.default_rng(0).normal(size=(60, 1))
    >>> results = [probe(FeatureSet(name, ids, noise + strength * side[:, None]), labels, "t", "binary", quick)
    ...            for name, strength in (("weak", 0.0), ("strong", 5.0))]
    >>> table = compare(*(pa.concat_tables(part) for part in zip(*((r.probes, r.predictions) for r in results))),
    ...                 reference="weak", resamples=100)
    >>> table.column("features").to_pylist(), table.column("words")[0].as_py()[:16]
    (['strong', 'weak'], 'better than weak')
    """
    check_columns(probes, _READ_PROBES, "probes", ProbeError)
    check_columns(predictions, _READ_PREDICTIONS, "predictions", ProbeError)
    if costs is not None:
        check_columns(costs, COSTS, "costs", ProbeError)
    if resamples < 1:
        raise ProbeError(f"resamples {resamples} is below 1: give 1 or more")
    metric = _metric(probes, predictions, metric)
    compared = scored_features(probes, predictions, Kind.REGRESSION in METRICS[metric].kinds, positive)
    compared = on_same_entities(compared, common)
    if unseen_only:
        compared = on_unseen(compared)
    seed = predictions["seed"][0].as_py()
    measured = [
        _Measured(one, values(one.scored, metric), replicates(one.scored, metric, resamples, seed)) for one in compared
    ]
    sign = -1 if METRICS[metric].higher_is_better else 1
    measured.sort(key=lambda one: sign * one.value)  # equal ones keep the order of their names
    against = _reference(measured, reference)
    paid = {} if costs is None else {row["features"]: row for row in costs.to_pylist()}
    rows = [_row(one, metric) | _difference(one, against, metric, len(measured) - 1) for one in measured]
    for with_model in (True, False):
        # what was chosen inside folds has not looked at who scores it
        of_kind = [
            i
            for i, one in enumerate(measured)
            if (one.features.model is not None) == with_model and one.features.chosen is None
        ]
        if len(of_kind) > 1:
            rows[of_kind[0]] |= {
                "best_of": len(of_kind),
                "optimism": optimism([measured[i].deviations(metric) for i in of_kind]),
            }
    for row in rows:
        row |= {name: paid.get(row["features"], {}).get(name) for name in COSTS.names[1:]} | {"words": verdict(row)}
    return pa.Table.from_pylist(rows, schema=COMPARISON)


def _metric(probes: pa.Table, predictions: pa.Table, name: str | None) -> str:
    """The metric that is compared. ProbeError where the rows are of several tasks, or have no such metric."""
    for column in ("dataset", "task", "protocol", "seed"):
        different = pc.unique(predictions[column]).to_pylist()
        if len(different) != 1:
            raise ProbeError(
                f"a comparison needs one {column} and was given {len(different)} "
                f"({', '.join(map(str, different)) or 'no rows'}): probe first, or choose one {column}"
            )
    computed = [metric for metric in pc.unique(probes["metric"]).to_pylist() if metric in METRICS]
    name = name or next((PRIMARY[kind] for kind in Kind if PRIMARY[kind] in computed), "none")
    if name not in computed:
        near = did_you_mean(name, computed)
        raise ProbeError(f"--metric '{name}' was not computed: choose one of {', '.join(computed)}{near}")
    return name


def _reference(measured: Sequence[_Measured], name: str | None) -> _Measured:
    """The best of that name; without one the best baseline, or where there is none the best of all."""
    if name is None:
        return next((one for one in measured if one.features.model is None), measured[0])
    match = next((one for one in measured if one.features.features == name), None)
    if match is None:
        known = sorted({one.features.features for one in measured})
        near = did_you_mean(name, known)
        raise ProbeError(f"--reference '{name}' was not probed: choose one of {', '.join(known)}{near}")
    return match


def _row(one: _Measured, metric: str) -> dict[str, Any]:
    """What a feature set is worth by itself."""
    features, scored = one.features, one.features.scored
    low, high = value_interval(scored, metric, one.drawn, one.value)
    return {
        "features": features.features,
        "probe": features.probe,
        "model": features.model,
        "k": features.k,
        "chosen": features.chosen,
        "metric": metric,
        "value": one.value,
        "ci_low": low,
        "ci_high": high,
        "repeat_std": float(np.std(one.by_repeat, ddof=1)) if len(one.by_repeat) > 1 else None,
        "n": len(scored.truth),
        "n_seen": int(scored.seen.sum()),
        "n_smallest": smallest_class(scored) if scored.classes else None,
        "positive": scored.classes[1] if len(scored.classes) == 2 else None,
        "repeats": len(scored.scores),
        "folds": len(np.unique(scored.folds[0])),
    }


def _difference(one: _Measured, against: _Measured, metric: str, comparisons: int) -> dict[str, Any]:
    """What it is worth beside the reference, as one of so many; of the reference itself only its name."""
    if one is against:
        return {"reference": against.features.features}
    mine, other = one.features.scored, against.features.scored
    gap, drawn = one.value - against.value, one.drawn - against.drawn  # (B,)
    gap = 0.0 if abs(gap) < ROUNDING else gap
    error = honest_error(gap, difference_error(mine, other, drawn, metric), deciding(mine, metric))
    low, high = simultaneous(gap, error, comparisons)
    span = METRICS[metric].most - METRICS[metric].least
    p = p_value(gap, error)
    return {
        "reference": against.features.features,
        "difference": gap,
        "diff_low": max(low, -span),
        "diff_high": min(high, span),
        "p_value": p,
        "p_adjusted": adjusted(p, comparisons),
        "detectable": detectable(error, comparisons),
    }
