"""probe: features + labels -> metrics and per-entity predictions.

In: a feature set, labels, options. Out: rows of ``probes`` and of ``predictions``, and what was left out and why.
Every number comes from entities that the scoring model was not fitted on. The folds depend on the labelled entities
and the seed alone, so feature sets of the same entities are scored by the same folds and can be compared in pairs.
Knows no store; says of each entity whether a model in the features' lineage has seen it, and judges nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import pyarrow as pa
from joblib import Parallel, delayed
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from .config import ProbeOptions
from .errors import ProbeError
from .estimators import PROBES
from .features import FeatureSet, result_hash
from .metrics import Kind, metrics_for
from .predictions import Scored, columns
from .protocols import PROTOCOLS, Fit
from .schemas import PREDICTIONS
from .schemas import PROBES as PROBES_SCHEMA
from .uncertainty import interval, replicates, values


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


@dataclass(frozen=True)
class Examples:
    """The entities that have both features and a label, sorted by id."""

    entity_ids: tuple[str, ...]
    x: Any
    """(N, D) dense or sparse."""
    y: NDArray[Any]
    """(N,) class names, or numbers for a regression."""


def probe(
    features: FeatureSet, labels: pa.Table, task_name: str, kind: str, options: ProbeOptions, dataset: str
) -> ProbeResult:
    """Fit and score ``features`` on ``labels`` (entity_id, label) as ``options`` say."""
    sort = _choose(kind, list(Kind), "kind of task")
    estimator = PROBES[_choose(options.probe, list(PROBES), "--probe")]
    protocol = PROTOCOLS[_choose(options.protocol, list(PROTOCOLS), "--protocol")]
    examples = align(features, labels, task_name, Kind(sort))
    fits = protocol(examples.y, sort != Kind.REGRESSION, options)

    def fitted(fit: Fit) -> NDArray[np.float64]:
        model = estimator(Kind(sort), features.scaled_as(), options.seed)
        model.fit(examples.x[fit.train], examples.y[fit.train])
        return _scores(model, examples.x[fit.test], np.unique(examples.y), Kind(sort))  # (N tested, C)

    # One thread a fit and one fit a core: BLAS, LightGBM and torch bring a thread pool each, and would fight.
    with threadpool_limits(1):
        scores = Parallel(n_jobs=options.workers or -1, backend="threading")(delayed(fitted)(fit) for fit in fits)
    found = _gather(examples, fits, scores, features.seen, Kind(sort))

    source = result_hash(features.source_hash, labels)
    same: dict[str, Any] = {
        "dataset": dataset,
        "task": task_name,
        "features": features.name,
        "protocol": options.protocol,
    }
    same |= {"probe": options.probe, "seed": options.seed, "source_hash": source}
    rows = []
    for metric in metrics_for(Kind(sort)):
        each = values(found, metric)  # (R,)
        low, high = interval(replicates(found, metric, options.bootstrap, options.seed))
        spread = float(np.std(each, ddof=1)) if len(each) > 1 else None
        rows.append(
            same
            | {"model": features.model, "k": features.k, "metric": metric, "value": float(each.mean())}
            | {
                "ci_low": low,
                "ci_high": high,
                "repeat_std": spread,
                "n": len(found.truth),
                "n_seen": int(found.seen.sum()),
            }
        )
    kept = columns(found)
    n_rows = len(kept["entity_id"])
    arrays = [
        kept[name] if name in kept else pa.array([same[name]] * n_rows, PREDICTIONS.field(name).type)
        for name in PREDICTIONS.names
    ]
    return ProbeResult(
        probes=pa.Table.from_pylist(rows, schema=PROBES_SCHEMA),
        predictions=pa.Table.from_arrays(arrays, schema=PREDICTIONS),
        n_without_label=len(features.entity_ids) - len(examples.entity_ids),
        n_without_features=labels.num_rows - labels["label"].null_count - len(examples.entity_ids),
        n_seen=int(found.seen.sum()),
    )


def align(features: FeatureSet, labels: pa.Table, task: str, kind: Kind) -> Examples:
    """The entities that have both, or ProbeError where they cannot carry the task."""
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
    x = x.astype(np.float64)
    return Examples(tuple(entity for entity, _ in rows), x, y)


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


def _scores(model: Any, x: Any, classes: NDArray[Any], kind: Kind) -> NDArray[np.float64]:
    """(N, C) probabilities with a column a class, 0 for a class that the model never met; (N, 1) predicted numbers."""
    if kind is Kind.REGRESSION:
        return np.asarray(model.predict(x), dtype=float).reshape(-1, 1)
    scores = np.zeros((x.shape[0], len(classes)))
    scores[:, np.searchsorted(classes, model.classes_)] = model.predict_proba(x)
    return scores


def _gather(
    examples: Examples, fits: Sequence[Fit], scores: Sequence[NDArray[np.float64]], seen: frozenset[str], kind: Kind
) -> Scored:
    """The fits' scores, entity by entity and repeat by repeat."""
    repeats = []
    for _, group in groupby(zip(fits, scores, strict=True), key=lambda pair: pair[0].repeat):
        pairs = list(group)
        rows = np.concatenate([fit.test for fit, _ in pairs])
        folds = np.concatenate([np.full(len(fit.test), fit.fold) for fit, _ in pairs])
        order = np.argsort(rows)
        repeats.append((rows[order], folds[order], np.concatenate([score for _, score in pairs])[order]))
    tested = repeats[0][0]
    classes = () if kind is Kind.REGRESSION else tuple(str(c) for c in np.unique(examples.y))
    entity_ids = tuple(examples.entity_ids[row] for row in tested)
    truth = examples.y[tested]
    return Scored(
        entity_ids=entity_ids,
        classes=classes,
        truth=np.searchsorted(classes, truth) if classes else truth,
        scores=np.stack([score for _, _, score in repeats]),  # (R, N, C)
        folds=np.stack([folds for _, folds, _ in repeats]),  # (R, N)
        seen=np.array([entity in seen for entity in entity_ids], dtype=bool),
    )
