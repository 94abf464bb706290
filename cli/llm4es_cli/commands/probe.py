"""``llm4es probe``: vectors and labels to metrics, beside baselines."""

import time
from typing import TYPE_CHECKING, Annotated

import typer

from llm4es.config import ProbeOptions
from llm4es.errors import OptionError

from ..candidates import Candidate, candidates
from ..options import (
    DEFAULT_STORE,
    DebugOption,
    DryRunOption,
    FormatOption,
    MaxEntitiesOption,
    QuietOption,
    RecipeArgument,
    SeedOption,
    StoreOption,
    names,
)
from ..screen import Screen
from ..work import Outcome, Work, show_outcomes

if TYPE_CHECKING:
    import pyarrow as pa

TaskOption = Annotated[
    str | None, typer.Option("--task", "-t", help="The recipe's task; without it, every task.", show_default=False)
]
FeaturesOption = Annotated[
    str, typer.Option("--features", help="Which features, by name; default: every embedding and baseline.")
]


def probe(
    recipe: RecipeArgument,
    task: TaskOption = None,
    features: FeaturesOption = "",
    protocol: Annotated[str, typer.Option("--protocol", help="Who is trained on and who is scored.")] = (
        ProbeOptions.protocol
    ),
    probe_: Annotated[str, typer.Option("--probe", help="The model on top of the features.")] = ProbeOptions.probe,
    folds: Annotated[int, typer.Option("--folds", min=2, help="Folds of the cross-validation.")] = ProbeOptions.folds,
    repeats: Annotated[int, typer.Option("--repeats", min=1, help="Repeats with other folds.")] = ProbeOptions.repeats,
    seed: SeedOption = ProbeOptions.seed,
    max_entities: MaxEntitiesOption = None,
    dry_run: DryRunOption = False,
    format_: FormatOption = None,
    store: StoreOption = DEFAULT_STORE,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Score every embedding and baseline on the recipe's tasks; metrics and per-entity predictions are kept.

    Examples:

        llm4es probe movielens-100k --task gender

        llm4es probe movielens-100k --task age_bucket --features tfidf,smollm2-135m@8 --folds 10
    """
    options = ProbeOptions(protocol=protocol, probe=probe_, folds=folds, repeats=repeats, seed=seed)
    work = Work(recipe, store, Screen(quiet), max_entities=max_entities, dry_run=dry_run)
    outcomes = [probe_stage(work, each, options, names(features)) for each in tasks_of(work, task)]
    show_outcomes(outcomes, format_, dry_run=dry_run)


def tasks_of(work: Work, task: str | None) -> list[str]:
    """The task asked for, or all of the recipe's. Raises OptionError for one it does not have."""
    known = list(work.recipe.tasks)
    if not known:
        raise OptionError(f"recipe {work.dataset!r} has no task: add [tasks.NAME] to it")
    if task is None:
        return known
    if task not in known:
        raise OptionError(f"--task {task!r} is none of {work.dataset!r}'s: there are {', '.join(known)}")
    return [task]


def probe_stage(work: Work, task: str, options: ProbeOptions, features: tuple[str, ...] = ()) -> Outcome:
    """Probe the features whose metrics are missing, or were made from other vectors or labels."""

    from llm4es.features import result_hash
    from llm4es.fingerprint import config_id
    from llm4es_store import Reason, where

    began = time.monotonic()
    labels = work.store.sql(
        f"SELECT entity_id, label FROM labels WHERE {where({'dataset': work.dataset, 'task': task})} ORDER BY entity_id"
    ).to_arrow_table()
    made_by = config_id({"task": task, "options": options.fingerprint()})
    of_task = {"dataset": work.dataset, "task": task}
    live = work.store.sql(f"SELECT features, config_id, source_hash FROM probes WHERE {where(of_task)}").fetchall()
    known, done = {row[0] for row in live}, set(live)
    found = candidates(work, features)
    todo: list[tuple[Candidate, str]] = []
    reasons: dict[str, int] = {}
    for candidate in found:
        if (candidate.name, made_by, result_hash(candidate.source_hash, labels)) in done:
            continue
        changed = any(row[:2] == (candidate.name, made_by) for row in live)
        reason = Reason.CHANGED if changed else Reason.CONFIG if candidate.name in known else Reason.NEW
        reasons[reason] = reasons.get(reason, 0) + 1
        todo.append((candidate, reason))
    reused = len(found) - len(todo)
    if work.dry_run:
        return Outcome("probe", task, len(found), len(todo), reused, reasons, 0.0, made_by)
    record = {"config_id": made_by, "task": task, "options": options.fingerprint()}
    with work.run("probe", record) as run, work.screen.progress(f"probe {task}", len(todo), "features") as advance:
        run.record.rows_in, run.record.rows_reused = len(found), reused
        for candidate, _ in todo:
            run.begin()
            metrics, predictions = _compute(work, candidate, labels, task, options)
            scope = {**of_task, "features": candidate.name, "config_id": made_by}
            run.replace("predictions", scope, predictions)
            run.replace("probes", scope, metrics)  # last: a row here says that the predictions are there
            run.record.rows_computed += 1
            advance(1)
        seconds = time.monotonic() - began
    return Outcome("probe", task, len(found), len(todo), reused, reasons, seconds, made_by)


def _compute(
    work: Work, candidate: Candidate, labels: "pa.Table", task: str, options: ProbeOptions
) -> "tuple[pa.Table, pa.Table]":
    from llm4es.probe import probe as fit_and_score

    result = fit_and_score(candidate.load(), labels, task, str(work.recipe.tasks[task].kind), options, work.dataset)
    return result.probes, result.predictions
