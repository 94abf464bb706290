"""probe: features + labels -> metrics and per-entity predictions.

In: a feature set, labels, options. Out: rows of ``probes`` and of ``predictions``, and what was left out and why.
Every number comes from entities that the scoring model was not fitted on. The folds depend on the labelled entities
and the seed alone, so feature sets of the same entities are scored by the same folds and can be compared in pairs.
Knows no store; says of each entity whether a model in the features' lineage has seen it, and judges nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from joblib import Parallel, delayed
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from ..core.errors import ProbeError
from ..core.schemas import PREDICTIONS, PROBES
from ..core.tasks import Kind
from ..features.feature_set import FeatureSet, result_hash
from ..options import ProbeOptions
from .estimators import PROBES as ESTIMATORS
from .metrics import Floats, metrics_for, within
from .predictions import Scored, columns, gather
from .protocols import PROTOCOLS, Cohort, Fit, fewer
from .protocols import protocol as protocol_named
from .uncertainty import interval, replicates, t_half_width, training_variance, values


@dataclass(frozen=True)
class ProbeResult:
    """What one probe of one feature set gave."""

    probes: pa.Table
    """One row a metric: PROBES without what the keeper adds."""

    predictions: pa.Table
    """One row an entity and repeat: PREDICTIONS without what the keeper adds."""

    n_without_label: int
    """Entities that have features and no label: not used."""

    n_without_features: int
    """Entities that have a label and no features: not used."""

    n_seen: int
    """Scored entities that a model in the lineage was trained on."""


def probe(
    features: FeatureSet,
    labels: pa.Table,
    task_name: str,
    kind: str,
    options: ProbeOptions,
    dataset: str,
    splits: pa.Table | None = None,
) -> ProbeResult:
    """Fit and score ``features`` on ``labels`` (entity_id, label) as ``options`` say.

    ``splits`` (entity_id, split, name) is read where ``options.protocol`` is one of its names.
    """
    task = Kind(_choose(kind, list(Kind), "kind of task"))
    protocol = protocol_named(options.protocol, splits)
    name = protocol.probe or _choose(options.probe, list(ESTIMATORS), "--probe")
    cohort, x = align(features, labels, task_name, task)
    fits = protocol.fits(cohort, options)
    if options.train_size is not None:
        fits = [fewer(fit, cohort, options.train_size, options.seed) for fit in fits]
    classes = np.unique(cohort.y)

    def fitted(fit: Fit) -> list[Floats]:
        model = ESTIMATORS[name](task, features.scaled_as(), options.seed, len(fit.train))
        model.fit(x[fit.train], cohort.y[fit.train])
        parts = [fit.test] if fit.validation is None else [fit.test, fit.validation]
        return [_scores(model, x[part], classes, task) for part in parts]  # (N tested, C) each

    # One thread a fit and one fit a core: BLAS, LightGBM and torch bring a thread pool each, and would fight.
    with threadpool_limits(1):
        scores = Parallel(n_jobs=options.workers or -1, backend="threading")(delayed(fitted)(fit) for fit in fits)
    found = gather(cohort, fits, [score[0] for score in scores], features.seen)
    if options.unseen_only:
        found = _unseen(found)

    size = "" if options.train_size is None else f"@{options.train_size}"
    chosen = None if splits is None or options.protocol in PROTOCOLS else splits
    same: dict[str, Any] = {"dataset": dataset, "task": task_name, "features": features.name}
    same |= {"model": features.model, "k": features.k, "protocol": options.protocol + size, "probe": name}
    same |= {"seed": options.seed, "source_hash": result_hash(features.source_hash, labels, chosen)}
    same |= {"n": len(found.truth), "n_seen": int(found.seen.sum())}
    rows = [same | row for metric in metrics_for(task) for row in _rows(found, metric, options)]
    for metric in metrics_for(task) if fits[0].validation is not None else ():
        rows += [same | row for row in _over_fits(metric, cohort, fits, scores, found)]
    kept = columns(found)
    n_rows = len(kept["entity_id"])
    return ProbeResult(
        probes=pa.Table.from_pylist(rows, schema=PROBES),
        predictions=pa.Table.from_arrays(
            [kept[f.name] if f.name in kept else pa.array([same[f.name]] * n_rows, f.type) for f in PREDICTIONS],
            schema=PREDICTIONS,
        ),
        n_without_label=len(features.entity_ids) - len(cohort.entity_ids),
        n_without_features=labels.num_rows - labels["label"].null_count - len(cohort.entity_ids),
        n_seen=int(found.seen.sum()),
    )


def align(features: FeatureSet, labels: pa.Table, task: str, kind: Kind) -> tuple[Cohort, Any]:
    """The entities that have both, and their features (N, D); ProbeError where they cannot carry the task."""
    named: dict[str, str] = {}
    for entity, label in zip(labels["entity_id"].to_pylist(), labels["label"].to_pylist(), strict=True):
        if entity in named:
            raise ProbeError(f"task '{task}' has two labels for entity '{entity}': give one label an entity")
        if label is not None:
            named[entity] = label
    rows = sorted((entity, row) for row, entity in enumerate(features.entity_ids) if entity in named)
    if not rows:
        raise ProbeError(
            f"no entity has both features '{features.name}' ({len(features.entity_ids)} entities) and a label of task "
            f"'{task}' ({len(named)}): check that both come from one dataset"
        )
    x = features.matrix[[row for _, row in rows]]  # (N, D)
    _refuse_nan(features.name, x, [entity for entity, _ in rows])
    texts = [named[entity] for entity, _ in rows]
    y = _numbers(texts, rows, task) if kind is Kind.REGRESSION else np.array(texts)
    if len(np.unique(y)) < 2:
        raise ProbeError(
            f"task '{task}' has one label only, '{texts[0]}', among {len(rows)} entities: a probe needs two"
        )
    if kind is Kind.BINARY and len(np.unique(y)) > 2:
        raise ProbeError(
            f"task '{task}' is binary and has {len(np.unique(y))} classes: make it multiclass, or group them"
        )
    in_file = {entity: row for row, entity in enumerate(labels["entity_id"].to_pylist())}
    ids = tuple(entity for entity, _ in rows)
    file_row = np.array([in_file[entity] for entity in ids], dtype=np.int64)
    return Cohort(ids, y, kind is not Kind.REGRESSION, file_row), x.astype(np.float64)


def _choose(value: str, known: Sequence[str], what: str) -> str:
    """``value`` where it is known."""
    if value not in known:
        raise ProbeError(f"{what} '{value}' is unknown: choose one of {', '.join(known)}")
    return value


def _refuse_nan(name: str, x: Any, entities: Sequence[str]) -> None:
    """ProbeError that names the first entity with a NaN or infinite number."""
    finite = np.isfinite(x.data) if hasattr(x, "tocsr") else np.isfinite(x)
    if finite.all():
        return
    bad = np.unique(x.nonzero()[0][~finite]) if hasattr(x, "tocsr") else np.flatnonzero(~finite.all(axis=1))
    raise ProbeError(
        f"features '{name}' of entity '{entities[bad[0]]}' hold NaN or infinity ({len(bad)} entities do): "
        "embed them again in float32, or leave them out"
    )


def _numbers(texts: Sequence[str], rows: Sequence[tuple[str, int]], task: str) -> NDArray[np.float64]:
    """Labels of a regression."""
    numbers = []
    for text, (entity, _) in zip(texts, rows, strict=True):
        try:
            numbers.append(float(text))
        except ValueError:
            numbers.append(float("nan"))
        if not np.isfinite(numbers[-1]):
            raise ProbeError(
                f"task '{task}' is a regression and entity '{entity}' has the label '{text}': give finite numbers, "
                "or make the task binary or multiclass"
            )
    return np.array(numbers)


def _scores(model: Any, x: Any, classes: NDArray[Any], kind: Kind) -> Floats:
    """(N, C) probabilities with a column a class, 0 for a class that the model never met; (N, 1) predicted numbers."""
    if kind is Kind.REGRESSION:
        return np.asarray(model.predict(x), dtype=float).reshape(-1, 1)
    scores = np.zeros((x.shape[0], len(classes)))
    scores[:, np.searchsorted(classes, model.classes_)] = model.predict_proba(x)
    return scores


def _rows(found: Scored, metric: str, options: ProbeOptions) -> list[dict[str, Any]]:
    """The row of a metric: value, interval over entities, spread over repeats."""
    each = values(found, metric)  # (R,)
    drawn = replicates(found, metric, options.bootstrap, options.seed)  # (B,)
    low, high = within(metric, interval(drawn, float(each.mean()), training_variance(found, metric)))
    spread = float(np.std(each, ddof=1)) if len(each) > 1 else None
    return [{"metric": metric, "value": float(each.mean()), "ci_low": low, "ci_high": high, "repeat_std": spread}]


def _over_fits(
    metric: str, cohort: Cohort, fits: Sequence[Fit], scores: Sequence[list[Floats]], found: Scored
) -> list[dict[str, Any]]:
    """What papers report: mean, std and t-interval over the fits, on the test set and on the validation parts.

    A t-interval over fits says how much the models differ, not how far the test entities may mislead.
    """
    validation = [
        values(gather(cohort, [replace(fit, repeat=0, test=fit.validation)], [score[1]], frozenset()), metric)[0]
        for fit, score in zip(fits, scores, strict=True)
        if fit.validation is not None
    ]
    rows = []
    for where, each in (("over fits", values(found, metric)), ("on validation", np.array(validation))):
        spread = float(np.std(each, ddof=1))
        half = t_half_width(spread, len(each))
        mean = float(each.mean())
        row = {"metric": f"{metric} {where}", "value": mean, "repeat_std": spread}
        rows.append(row | {"ci_low": mean - half, "ci_high": mean + half})
    return rows


def _unseen(found: Scored) -> Scored:
    """The scored entities that no model in the lineage was trained on."""
    kept = found.only(~found.seen)
    if len(kept.truth) == 0 or (kept.classes and len(np.unique(kept.truth)) < len(kept.classes)):
        raise ProbeError(
            f"{int(found.seen.sum())} of {len(found.truth)} scored entities were seen in training, and the rest cannot "
            "carry the task: leave out --unseen-only, or choose a split that fine-tuning left alone"
        )
    return kept
