"""``llm4es probe``: vectors and labels to metrics, beside baselines."""

import dataclasses
import re
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from llm4es.core.errors import OptionError, ProbeError
from llm4es.core.tasks import OWN_FOLDS
from llm4es.features.names import split_names
from llm4es.options import ProbeOptions

from ..candidate import Candidate
from ..candidates import ALL, candidates
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
    layers,
    names,
)
from ..screen import Screen
from ..selection import RAW, preset, raw_config
from ..work import Outcome, Work, show_outcomes

if TYPE_CHECKING:
    import pyarrow as pa

    from llm4es.probe.probe import ProbeResult

TaskOption = Annotated[
    str | None, typer.Option("--task", "-t", help="The recipe's task; without it, every task.", show_default=False)
]
FeaturesOption = Annotated[
    str,
    typer.Option(
        "--features",
        metavar="NAME[+NAME][,...]",
        help="Which features, by name, '+' joining several side by side; default: every embedding and baseline.",
    ),
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
    k: Annotated[
        str, typer.Option("--k", help="Only vectors of these k, made from kept layers where need be, e.g. 1,8,all.")
    ] = "",
    layers_: Annotated[
        str, typer.Option("--layers", help="Kept layers, each on its own: numbers, or all.", metavar="N[,N]|all")
    ] = "",
    sizes: Annotated[str, typer.Option("--sizes", help="Learning curve: labels to train on, e.g. 50,100,200.")] = "",
    unseen_only: Annotated[
        bool, typer.Option("--unseen-only", help="Score only entities that no model in the lineage was trained on.")
    ] = False,
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

        llm4es probe movielens-100k --task age_bucket --features tfidf,smollm2-135m@8+aggregates --folds 10

        llm4es probe movielens-100k --layers all --sizes 50,100,200
    """
    if features and (k or layers_):
        raise OptionError("--features names the depths already: leave out --k and --layers")
    options = ProbeOptions(
        protocol=protocol, probe=probe_, folds=folds, repeats=repeats, seed=seed, unseen_only=unseen_only
    )
    work = Work(recipe, store, Screen(quiet), max_entities=max_entities, dry_run=dry_run)
    each_size = [dataclasses.replace(options, train_size=size) for size in _numbers("--sizes", sizes, "50,100,200")]
    chosen = candidates(work, split_names(features), layers(k), _layers(layers_))
    outcomes = [
        probe_stage(work, each, sized, chosen, named=bool(features))
        for each in tasks_of(work, task)
        for sized in each_size or [options]
    ]
    show_outcomes(outcomes, format_, dry_run=dry_run)


def _numbers(option: str, text: str, example: str) -> list[int]:
    """``50,100`` -> [50, 100]. Raises OptionError for what is no such list."""
    for part in names(text):
        if not part.isdigit() or int(part) < 1:
            raise OptionError(f"{option} {part!r} is no number above 0: give for example {example}")
    return [int(part) for part in names(text)]


def _layers(text: str) -> list[int]:
    """``6,12`` -> [6, 12]; ``all`` -> every one."""
    return [ALL] if text == "all" else _numbers("--layers", text, "6,12, or all")


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


def probe_stage(
    work: Work, task: str, options: ProbeOptions, chosen: Sequence[Candidate] | None = None, *, named: bool = False
) -> Outcome:
    """Probe the features whose metrics are missing, or were made from other vectors or labels.

    Features that were ``named`` have to carry the task; of all that there are, those that cannot are left out.
    """
    from llm4es.core.hashing import config_id
    from llm4es.core.plan import Reason
    from llm4es.core.sql import where
    from llm4es.features.feature_set import result_hash

    began = time.monotonic()
    labels = work.store.sql(
        f"SELECT entity_id, label FROM labels WHERE {where({'dataset': work.dataset, 'task': task})}"
    ).to_arrow_table()  # in the order of the data's own file: the protocol 'ptls' depends on it
    splits = _splits(work, options.protocol)
    made_by = config_id({"task": task, "options": options.fingerprint()})
    of_task = {"dataset": work.dataset, "task": task}
    live = work.store.sql(f"SELECT features, config_id, source_hash FROM probes WHERE {where(of_task)}").fetchall()
    known, done = {row[0] for row in live}, set(live)
    found = candidates(work) if chosen is None else chosen
    todo: list[Candidate] = []
    reasons: dict[str, int] = {}
    for candidate in found:
        if (candidate.name, made_by, result_hash(candidate.source_hash, labels, splits)) in done:
            continue
        changed = any(row[:2] == (candidate.name, made_by) for row in live)
        reason = Reason.CHANGED if changed else Reason.CONFIG if candidate.name in known else Reason.NEW
        reasons[reason] = reasons.get(reason, 0) + 1
        todo.append(candidate)
    reused = len(found) - len(todo)
    if work.dry_run:
        return Outcome("probe", task, len(found), len(todo), reused, reasons, 0.0, made_by)
    record = {"config_id": made_by, "task": task, "options": options.fingerprint()}
    results: dict[str, ProbeResult] = {}
    left_out: list[Candidate] = []
    with work.run("probe", record) as run, work.screen.progress(f"probe {task}", len(todo), "features") as advance:
        run.record.rows_in, run.record.rows_reused = len(found), reused
        run.record.reasons = {"probes": reasons}
        for candidate in todo:
            run.begin()
            try:
                result = _compute(work, candidate, labels, splits, task, options)
            except ProbeError as error:  # one of many that cannot carry the task does not keep the others from it
                if len(todo) - len(left_out) == 1 or named:
                    raise
                work.screen.warn(f"{candidate.name} is left out of {task}: {error}")
                left_out.append(candidate)
                continue
            scope = {**of_task, "features": candidate.name, "config_id": made_by}
            run.replace("predictions", scope, result.predictions)
            run.replace("probes", scope, result.probes)  # last: a row here says that the predictions are there
            run.record.rows_computed += 1
            results[candidate.name] = result
            advance(1)
        seconds = time.monotonic() - began
    _say_who_is_missing(work, task, results)
    for warning in _leaks(work, task, list(results.values())):
        work.screen.say(f"warning: {warning}")
    return Outcome("probe", task, len(found), len(results), reused, reasons, seconds, made_by)


def _compute(
    work: Work, candidate: Candidate, labels: "pa.Table", splits: "pa.Table | None", task: str, options: ProbeOptions
) -> "ProbeResult":
    from llm4es.probe import probe as fit_and_score  # heavy, and not needed where everything is there

    kind = str(work.recipe.tasks[task].kind)
    return fit_and_score(candidate.load(), labels, task, kind, options, work.dataset, splits)


def _say_who_is_missing(work: Work, task: str, results: "Mapping[str, ProbeResult]") -> None:
    """One line for each pair of numbers, naming the features that it is about."""
    missing: dict[tuple[int, int], list[str]] = {}
    for name, result in results.items():
        missing.setdefault((result.n_without_features, result.n_without_label), []).append(name)
    for (features, label), names_ in missing.items():
        if features or label:
            who = names_[0] if len(names_) == 1 else f"{names_[0]} and {len(names_) - 1} more"
            work.screen.say(
                f"{task}, {who}: {features} labelled entities have no features and {label} with features no label; "
                "neither are used"
            )


def _splits(work: Work, protocol: str) -> "pa.Table | None":
    """The recipe's split of that name; None for a protocol that makes its own folds."""
    from llm4es.core.sql import where

    if protocol in OWN_FOLDS:
        return None
    chosen = where({"dataset": work.dataset, "name": protocol})
    rows = work.store.sql(f"SELECT entity_id, split, name FROM splits WHERE {chosen} ORDER BY entity_id")
    found = rows.to_arrow_table()
    return found if len(found) else None


def _leaks(work: Work, task: str, results: "Sequence[ProbeResult]") -> list[str]:
    """Warnings about what was just probed, those of the features with most seen entities."""
    if not results:
        return []
    return leaks_of(work, task, max(results, key=lambda result: result.n_seen).predictions)


def leaks_of(work: Work, task: str, predictions: "pa.Table") -> list[str]:
    """Warnings about one task: seen users, texts that others have too, labels made from what the texts show."""
    import pyarrow.compute as pc

    from llm4es.core.sql import where
    from llm4es.probe.leakage import identical_texts, warnings

    raw = {"dataset": work.dataset, "variant": RAW, "config_id": raw_config(work.store, work.dataset)}
    texts = work.store.sql(f"SELECT entity_id, text_hash FROM texts WHERE {where(raw)}").to_arrow_table()
    seen = len(pc.unique(predictions.filter(predictions["seen"])["entity_id"]))
    n = len(pc.unique(predictions["entity_id"]))
    shown = [field.column or field.name for field in work.recipe.text_fields(preset(work.store, work.dataset))]
    return warnings(task, identical_texts(predictions, texts), seen, n, _label_columns(work, task), shown)


def _label_columns(work: Work, task: str) -> set[str]:
    """Columns of the events that a label is made from: those the recipe says, and those its expression names."""
    spec, events = work.recipe.tasks[task], work.recipe.events
    of_events = {events.table, *(join.table for join in events.joins)}
    named = set(re.findall(r"[A-Za-z_]\w*", spec.label)) if spec.table in of_events else set()
    return named | set(spec.uses)
