"""Fitting a predictor: the labelled entities' features and labels to a row of ``predictors``.

In: a context, a task, a source, options. Out: a row in the store, and a line that says what it is. Scores nobody.
"""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ..core.errors import ProbeError
from ..core.schemas import PREDICTORS
from ..core.sql import Scope
from ..core.tasks import PRIMARY, Kind
from ..options import PredictOptions
from .context import Context
from .data_leaks import data_leaks
from .evidence import Evidence
from .feature_source import FeatureSource
from .predictors import space_of

if TYPE_CHECKING:
    from ..features.combined import CombinedFeatures
    from ..features.feature_set import FeatureSet

_ROW = pa.schema([field for field in PREDICTORS if field.name not in ("dataset", "task", "features")])


def labelled_sql(evidence: Evidence, hashes: str) -> str:
    """SELECT of the ``entity_id`` of whoever has a label, events, and the features whose contents are ``hashes``."""
    return f"SELECT entity_id FROM ({evidence.cohort_sql}) WHERE entity_id IN (SELECT entity_id FROM ({hashes}))"


def check_labelled(context: Context, task: str, features: str, labelled: str) -> int:
    """How many entities can be learnt from. Raises ProbeError where there are none."""
    ((n,),) = context.store.sql(f"SELECT count(*) FROM ({labelled})").fetchall()
    if not n:
        raise ProbeError(
            f"task {task!r} has no label of an entity that has {features!r} and whose texts are {context.cutoff}: a "
            "predictor learns from labelled entities; fit it where there are labels first, then score others by it"
        )
    return int(n)


def fit(
    context: Context, task: str, source: FeatureSource, options: PredictOptions, scope: Scope, version: int, hashes: str
) -> None:
    """Fit on every labelled entity, and keep it; where another process has kept this version since, that one stays.

    Parameters
    ----------
    context : Context
        Recipe, store, how far, and who hears of it.
    task : str
        One of the recipe's tasks.
    source : FeatureSource
        What is learnt from.
    options : PredictOptions
        The probe, and how its worth is told.
    scope : mapping
        Of the predictor's row.
    version : int
        Its number.
    hashes : str
        SELECT of the entities that have the features.

    Raises
    ------
    ProbeError
        Where the labels or features cannot carry the task.
    """
    from ..probe import probe  # heavy
    from ..probe.made_before import MadeBefore
    from ..probe.predictor import fit_on_all
    from ..probe.predictor_evidence import evidence as worth
    from ..probe.written_down import to_bytes

    spec, evidence = context.recipe.tasks[task], Evidence.of(context, task, "cv")
    labelled = labelled_sql(evidence, hashes)
    learnt = {leaf.name: leaf.columns() for leaf in source.leaves}
    features = read(source, f"entity_id IN ({labelled})", learnt)
    metric, named = spec.metric or PRIMARY[spec.kind], spec.positive or None
    record = {"config_id": scope["config_id"], "task": task, "features": source.name, "model_version": version}
    with context.run("predict", {**record, "options": options.fingerprint()}) as run:
        run.begin()
        with context.observer.progress(f"predict {task}: fit", None, "fits") as advance:
            before = MadeBefore(advance=lambda made, of: advance(1))
            result = probe(
                features, evidence.labels, task, spec.kind, options.probing, context.dataset, None,
                evidence.everybody, "", named, None, evidence.metric, before,
            )  # fmt: skip
            fitted, cohort = fit_on_all(
                features, evidence.labels, task, spec.kind, options.probe, options.seed, metric, named,
                options.workers,
            )  # fmt: skip
        classes = sorted({str(each) for each in cohort.y}) if cohort.classes else []
        positive = (named or classes[1]) if len(classes) == 2 else None
        calibration, rows = worth(result, spec.kind, metric, positive)
        by_name, text = _leaves(features), _by_entity(evidence.labels)
        sources = {leaf.name: leaf for leaf in source.leaves}
        inputs = {name: {"space": space_of(sources[name]), "columns": by_name[name].learnt} for name in fitted.leaves}
        row = {
            "model_version": version,
            "probe": options.probe,
            "kind": spec.kind.value,
            "classes": classes,
            "positive": positive,
            "n": len(cohort.entity_ids),
            "entity_ids": list(cohort.entity_ids),
            "labels": [text[entity] for entity in cohort.entity_ids],
            "cutoff": context.cutoff.key,
            "inputs": json.dumps(inputs),
            "calibration": None if calibration is None else json.dumps(calibration.as_dict()),
            "evidence": json.dumps(rows),
            "fitted": to_bytes(fitted),
            "source_hash": evidence.expected(source),
        }
        run.record.rows_in = len(cohort.entity_ids)
        run.append("predictors", scope, pa.Table.from_pylist([row], schema=_ROW), ("model_version",))
        run.record.rows_computed = 1
    _say(context, task, row, source.name, fitted.name, result.n_seen)
    for leak in data_leaks(context, task, evidence.labels):
        context.observer.warn(f"{task}: {leak}")


def read(source: FeatureSource, condition: str, learnt: Mapping[str, Any]) -> "FeatureSet | CombinedFeatures":
    """The rows of the entities that a condition picks, of one feature set or of several that are combined.

    Parameters
    ----------
    source : FeatureSource
        What is read.
    condition : str
        SQL on ``entity_id``.
    learnt : mapping
        Name of a feature set -> what its columns stand for.

    Returns
    -------
    FeatureSet or CombinedFeatures
        As a probe takes them.
    """
    from ..features.combined import CombinedFeatures

    if source.how is not None:
        return CombinedFeatures(source.how, tuple(read(part, condition, learnt) for part in source.parts), source.name)
    return source.read(condition, learnt.get(source.name, {}))


def _leaves(features: "FeatureSet | CombinedFeatures") -> "dict[str, FeatureSet]":
    from ..features.combined import leaves_of

    return leaves_of(features)


def _by_entity(labels: pa.Table) -> dict[str, str]:
    return dict(zip(labels["entity_id"].to_pylist(), labels["label"].to_pylist(), strict=True))


def _say(context: Context, task: str, row: Mapping[str, Any], features: str, chosen: str, n_seen: int) -> None:
    """What was fitted, and what its scores are."""
    what = features if chosen == features else f"{features}, which is {chosen} here,"
    how = "numbers, as they are predicted"
    if row["kind"] != Kind.REGRESSION:
        how = f"probabilities of {', '.join(row['classes'])}, in this order, calibrated on out-of-fold scores"
        how += f"; value is that of {row['positive']}" if row["positive"] else ""
    context.observer.say(
        f"predict {task}: v{row['model_version']} of {what} is fitted on {row['n']} labelled entities; scores are {how}"
    )
    if n_seen:
        context.observer.warn(
            f"predict {task}: a model behind {features} was tuned on {n_seen} of them: what is said of its worth may "
            "be too good for entities that it has not met"
        )
