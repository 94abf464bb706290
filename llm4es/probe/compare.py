"""compare: probes and predictions of several feature sets -> one table of metrics and paired differences.

In: rows of ``probes`` and ``predictions`` of one task and protocol, on the same entities. Out: one row a feature set,
best first: the metric with its interval, the difference to a reference on the very same entities with interval and
p-value (corrected for the number of comparisons), the smallest difference that so many entities could show, and a
verdict in words. Knows no model, no store and no screen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..core.errors import ProbeError
from ..core.tasks import PRIMARY, Kind
from .metrics import METRICS, Floats, within
from .predictions import Scored, scored
from .uncertainty import (
    CONFIDENCE,
    delong_error,
    detectable,
    holm,
    interval,
    p_value,
    replicates,
    training_variance,
    values,
)

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


@dataclass(frozen=True)
class ScoredFeatures:
    """One feature set under one probe."""

    features: str
    probe: str
    model: str | None
    k: int | None
    scored: Scored


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
) -> pa.Table:
    """Every feature set beside the others, paired against ``reference`` (default: the best baseline).

    ``metric`` defaults to the task's primary one. ``common`` cuts to the entities that all have scored,
    ``unseen_only`` to those that no compared model was trained on. ``costs`` (features, dimensions, tokens, seconds)
    is shown beside.
    """
    for column in ("dataset", "task", "protocol", "seed"):
        found = pc.unique(predictions[column]).to_pylist()
        if len(found) != 1:
            raise ProbeError(
                f"a comparison needs one {column} and was given {len(found)} "
                f"({', '.join(map(str, found)) or 'no rows'}): probe first, or choose one {column}"
            )
    metrics = [name for name in pc.unique(probes["metric"]).to_pylist() if name in METRICS]
    metric = metric or next((PRIMARY[kind] for kind in Kind if PRIMARY[kind] in metrics), "none")
    if metric not in metrics:
        raise ProbeError(f"metric '{metric}' was not computed: choose one of {', '.join(metrics)}")
    regression = Kind.REGRESSION in METRICS[metric].kinds
    candidates = _same_entities(_candidates(probes, predictions, regression), common)
    if unseen_only:
        candidates = _unseen(candidates)

    seed = predictions["seed"][0].as_py()
    each = [values(candidate.scored, metric) for candidate in candidates]  # (R,) each
    drawn = [replicates(candidate.scored, metric, resamples, seed) for candidate in candidates]  # (B,) each
    order = _best_first([float(value.mean()) for value in each], metric)
    against = _reference(candidates, order, reference)
    others = [i for i in order if i != against]
    errors = {
        i: _error(candidates[i].scored, candidates[against].scored, drawn[i] - drawn[against], metric) for i in others
    }
    gaps = {i: float(each[i].mean() - each[against].mean()) for i in others}
    p_values = [p_value(gaps[i], errors[i]) for i in others]
    paid = {} if costs is None else {row["features"]: row for row in costs.to_pylist()}
    adjusted = dict(zip(others, holm(p_values), strict=True))
    rows = []
    for i in order:
        candidate, n = candidates[i], len(candidates[i].scored.truth)
        extra = training_variance(candidate.scored, metric)
        low, high = within(metric, interval(drawn[i], float(each[i].mean()), extra))
        row: dict[str, Any] = {
            "features": candidate.features,
            "probe": candidate.probe,
            "model": candidate.model,
            "k": candidate.k,
            "metric": metric,
            "value": float(each[i].mean()),
            "ci_low": low,
            "ci_high": high,
            "repeat_std": float(np.std(each[i], ddof=1)) if len(each[i]) > 1 else None,
            "reference": candidates[against].features,
            "n": n,
            "n_seen": int(candidate.scored.seen.sum()),
        }
        if i != against:
            extra = training_variance(candidate.scored, metric, candidates[against].scored)
            diff_low, diff_high = interval(drawn[i] - drawn[against], gaps[i], extra)
            row |= {"difference": gaps[i], "diff_low": diff_low, "diff_high": diff_high}
            row |= {
                "p_value": p_values[others.index(i)],
                "p_adjusted": adjusted[i],
                "detectable": detectable(errors[i]),
            }
        cost = {key: paid.get(candidate.features, {}).get(key) for key in ("dimensions", "tokens", "seconds")}
        rows.append(row | cost | {"words": verdict(row)})
    return pa.Table.from_pylist(rows, schema=COMPARISON)


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


def _candidates(probes: pa.Table, predictions: pa.Table, regression: bool) -> list[ScoredFeatures]:
    """One candidate a feature set and probe, in the order of their names."""
    named = {
        (row["features"], row["probe"]): row for row in probes.select(["features", "probe", "model", "k"]).to_pylist()
    }
    candidates = []
    for (features, probe), row in sorted(named.items()):
        mine = pc.and_(pc.equal(predictions["features"], features), pc.equal(predictions["probe"], probe))
        rows = predictions.filter(mine)
        if not rows.num_rows:
            raise ProbeError(f"features '{features}' have metrics and no predictions: probe them again")
        candidates.append(ScoredFeatures(features, probe, row["model"], row["k"], scored(rows, regression)))
    return candidates


def _same_entities(candidates: list[ScoredFeatures], common: bool) -> list[ScoredFeatures]:
    """The candidates, all scored on the same entities."""
    everybody = [frozenset(candidate.scored.entity_ids) for candidate in candidates]
    shared = frozenset.intersection(*everybody)
    odd = next((i for i, entities in enumerate(everybody) if entities != everybody[0]), None)
    if odd is None:
        return candidates
    if not common:
        raise ProbeError(
            f"'{candidates[0].features}' and '{candidates[odd].features}' were scored on different entities "
            f"({len(everybody[0])} and {len(everybody[odd])}, {len(shared)} in all feature sets): "
            "probe the same entities, or cut to the common ones with --common"
        )
    if not shared:
        raise ProbeError(f"the {len(candidates)} feature sets have no entity in common: probe the same entities")
    return [_cut(candidate, shared) for candidate in candidates]


def _unseen(candidates: list[ScoredFeatures]) -> list[ScoredFeatures]:
    """The candidates on the entities that none of their models was trained on."""
    seen = np.logical_or.reduce([candidate.scored.seen for candidate in candidates])
    if seen.all():
        raise ProbeError(
            f"all {len(seen)} entities were seen in training by one of the models: leave out --unseen-only, "
            "or compare on a split that fine-tuning left alone"
        )
    kept = frozenset(np.array(candidates[0].scored.entity_ids)[~seen].tolist())
    return [_cut(candidate, kept) for candidate in candidates]


def _cut(candidate: ScoredFeatures, kept: frozenset[str]) -> ScoredFeatures:
    """The candidate on the entities of ``kept``."""
    mask = np.array([entity in kept for entity in candidate.scored.entity_ids], dtype=bool)
    return ScoredFeatures(
        candidate.features, candidate.probe, candidate.model, candidate.k, candidate.scored.only(mask)
    )


def _best_first(means: Sequence[float], metric: str) -> list[int]:
    """Numbers of the candidates, best first, ties by name."""
    sign = -1 if METRICS[metric].higher_is_better else 1
    return sorted(range(len(means)), key=lambda i: (sign * means[i], i))


def _reference(candidates: list[ScoredFeatures], order: list[int], name: str | None) -> int:
    """The best candidate of that name; without one the best baseline, or where there is none the best of all."""
    if name is None:
        return next((i for i in order if candidates[i].model is None), order[0])
    found = next((i for i in order if candidates[i].features == name), None)
    if found is None:
        known = ", ".join(sorted({candidate.features for candidate in candidates}))
        raise ProbeError(f"--reference '{name}' was not probed: choose one of {known}")
    return found


def _error(mine: Scored, other: Scored, drawn: Floats, metric: str) -> float:
    """Standard error of a paired difference: DeLong's for a binary ROC-AUC, the bootstrap's for everything else, and
    what the choice of training entities adds."""
    by_delong = metric == "roc_auc" and len(mine.classes) == 2
    sampling = delong_error(mine, other) if by_delong else float(np.nanstd(drawn, ddof=1))
    return float(np.sqrt(sampling**2 + training_variance(mine, metric, other)))
