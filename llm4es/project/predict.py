"""The step ``predict``: a probe that is fitted once, and everybody's scores by it.

In: a context, a task, options. Out: rows of ``predictors`` and ``scores``. Knows no screen.
"""

from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from ..core.errors import OptionError
from ..core.hashing import config_id
from ..core.limits import LEAN
from ..core.sql import identifier, where
from ..options import PredictOptions
from .cohorts import asked_for
from .combined_sources import expanded
from .context import Context
from .evidence import Evidence
from .executor import Work
from .feature_source import FeatureSource
from .feature_sources import all_feature_sources, named
from .histories import Histories
from .incremental import Job, incremental
from .outcome import Outcome
from .predictor_fit import check_labelled, fit, labelled_sql
from .predictors import (
    Predictor,
    check_readable,
    kept,
    labels_changed,
    newest,
    next_version,
    read_by,
    scope_of,
    scores_config,
)
from .probe import tasks_of
from .report_commands import sql_command
from .scores import Scoring
from .scoring import BATCH, hashes_sql, scoring
from .selection import entities_sql
from .task_labels import check_classes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def predict_all(context: Context, task: str | None, options: PredictOptions) -> Scoring:
    """Score everybody for a task, or for every one.

    Parameters
    ----------
    context : Context
        Recipe, store, how far, and who hears of it.
    task : str or None
        The recipe's task; None: every task.
    options : PredictOptions
        Features, the probe, when.

    Returns
    -------
    Scoring
        Figures of each task's predictor: ``task, features, model_version, measure, value, low, high, words``.

    Raises
    ------
    OptionError
        For features that are not there or stale, and a time that the events do not have.
    ProbeError
        Where the labels cannot be learnt from.

    Examples
    --------
    >>> from llm4es.options import PredictOptions
    >>> predict_all(context.with_(dry_run=True), "loyal", PredictOptions.of(features="counts"))
    predict loyal: 20 to compute, 0 reused (20 new)
    """
    if options.as_of is not None:
        if context.recipe.events.time is None:
            raise OptionError(f"--as-of needs the time of events: the recipe of {context.dataset!r} has no events.time")
        context = context.at_one(options.as_of)
    done = [predict(context, name, options) for name in tasks_of(context, task)]
    rows = [row for _, figures in done for row in figures]
    return Scoring(pa.Table.from_pylist(rows, schema=_FIGURES), [outcome for outcome, _ in done])


_FIGURES = pa.schema(
    [
        ("task", pa.string()),
        ("features", pa.string()),
        ("model_version", pa.int32()),
        ("measure", pa.string()),
        ("value", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("words", pa.string()),
    ]
)


def predict(context: Context, task: str, options: PredictOptions) -> tuple[Outcome, list[dict[str, Any]]]:
    """Fit where there is no predictor yet, and score whoever has no score of it, or other features than then.

    Parameters
    ----------
    context : Context
        Recipe, store, how far, and who hears of it.
    task : str
        One of the recipe's tasks.
    options : PredictOptions
        Features, the probe, whether it is fitted anew.

    Returns
    -------
    outcome : Outcome
        Scores wanted, computed and reused, and why.
    figures : list of dict
        What the predictor is worth; none in a dry run that would fit one.
    """
    context = context.of_task(task)
    context = context.with_(max_entities=asked_for(context))
    context.say_cutoff(f"predict {task}")
    found = {source.name: source for source in all_feature_sources(context)}
    source = _one(options.features[0], found)
    spec = context.recipe.tasks[task]
    config: dict[str, Any] = {"task": task, "features": source.name, "options": options.fingerprint()}
    config |= {"kind": spec.kind.value, "positive": spec.positive or ""}
    if context.max_entities is not None:  # what was learnt of some is not of all
        config["max_entities"] = context.max_entities
    scope = scope_of(context, task, source.name, config_id(config))
    predictor = None if options.refit else newest(context, scope)
    if predictor is None:
        version = next_version(context, task, source.name)
        check_readable(source.origins)
        hashes = hashes_sql(source.origins)
        check_classes(context, task)
        n = check_labelled(context, task, source.name, labelled_sql(Evidence.of(context, task, "cv"), hashes))
        if context.dry_run:
            context.observer.say(
                f"predict {task}: v{version} of {source.name} would be fitted on {n} labelled entities"
            )
            made = scores_config(str(scope["config_id"]), version, context.cutoff.key)
            return incremental(context, _job(context, task, source.name, made, hashes, {})), []
        fit(context, task, source, options, scope, version, hashes)
        predictor = kept(context, scope, version)
        sources = read_by(predictor, found)
    else:
        sources = read_by(predictor, found)
        _say_labels(context, task, predictor, sources.values())
    hashes = hashes_sql([origin for each in sources.values() for origin in each.origins])
    record = {"predictor": scope["config_id"], "model_version": predictor.version, "as_of": context.cutoff.key}
    made = predictor.scores_at(context.cutoff.key)
    job = _job(context, task, source.name, made, hashes, record, predictor, sources)
    outcome = incremental(context, job)
    _say_who(context, task, predictor, outcome, made)
    same = {"task": task, "features": source.name, "model_version": predictor.version}
    return outcome, [same | row for row in predictor.evidence]


def _one(text: str, found: "Mapping[str, FeatureSource]") -> FeatureSource:
    """The one source that a text names."""
    names = expanded([text], found)
    if len(names) > 1:
        raise OptionError(
            f"--features {text!r} stands for {len(names)} feature sets, and a predictor reads one: name it, or "
            f"best({text})"
        )
    return named(names[0], found)


def _job(
    context: Context,
    task: str,
    features: str,
    made: str,
    hashes: str,
    record: "Mapping[str, Any]",
    predictor: Predictor | None = None,
    sources: "Mapping[str, FeatureSource] | None" = None,
) -> Job:
    """Scores of everybody who has the features."""
    cutoffs = Histories(context.store, context.dataset, context.cutoff.config_id).cutoffs
    with context.store.connect(limits=LEAN) as connection:
        wanted = connection.sql(f"{hashes} ORDER BY entity_id").to_arrow_table()
    everybody = wanted["entity_id"].combine_chunks()
    return Job(
        stage="predict",
        what=task,
        config_id=made,
        record={"config_id": made, "task": task, "features": features, **record},
        table="scores",
        scope={"dataset": context.dataset, "task": task, "features": features, "config_id": made},
        key=("entity_id",),
        wanted=wanted,
        complete=True,
        setup=partial(scoring, predictor, sources or {}, everybody) if predictor else _nobody,
        inputs=f"""SELECT todo.entity_id, todo.source_hash, as_of FROM todo LEFT JOIN ({cutoffs}) USING (entity_id)
            ORDER BY todo.entity_id""",
        batch_rows=BATCH,
    )


def _nobody() -> Work:
    """What a dry run scores."""
    return lambda batches, advance: iter(())


def _say_labels(context: Context, task: str, predictor: Predictor, sources: "Iterable[FeatureSource]") -> None:
    """One line where the labels beside the same histories are others than those that were learnt from."""
    if context.cutoff.key != predictor.row["cutoff"]:
        return  # at another time there are other labels, and there need not be any
    evidence = Evidence.of(context, task, "cv")
    hashes = hashes_sql([origin for each in sources for origin in each.origins])
    labelled = labelled_sql(evidence, hashes)
    ids = context.store.sql(labelled).to_arrow_table()["entity_id"]
    labels = evidence.labels.filter(pc.is_in(evidence.labels["entity_id"], ids))
    if changed := labels_changed(predictor, labels):
        told = ", ".join(f"{n} {word}" for word, n in changed.items())
        context.observer.warn(
            f"predict {task}: labels have changed since {predictor.name} was fitted ({told}); scores stay with it, "
            f"--refit fits v{predictor.version + 1}"
        )


def _say_who(context: Context, task: str, predictor: Predictor, outcome: Outcome, made: str) -> None:
    """Who was scored, and where the scores are."""
    everybody = entities_sql(context.dataset, context.cutoff.config_id, context.max_entities)
    ((n,),) = context.store.sql(f"SELECT count(*) FROM ({everybody})").fetchall()
    verb = "would have" if context.dry_run else "have"
    lacking = f", {n - outcome.rows} lack the features" if n > outcome.rows else ""
    context.observer.say(
        f"predict {task}: {outcome.rows} of {n} entities {verb} scores of {predictor.name}{lacking}; it was fitted on "
        f"{predictor.row['n']} of them (column trained): what it is worth, the figures say out of fold"
    )
    if context.dry_run:
        return
    shown = "value"
    if not predictor.row["positive"] and predictor.classes:
        shown = ", ".join(f"score[{i}] AS {identifier(c)}" for i, c in enumerate(predictor.classes[:5], start=1))
    chosen = where({"dataset": context.dataset, "task": task, "config_id": made}).replace('"', "")
    context.observer.say(
        f"predict {task}: {sql_command(f'SELECT entity_id, {shown} FROM scores WHERE {chosen} LIMIT 10')}"
    )
