"""The step ``probe``: features and labels of the store to metrics and per-entity predictions in it, beside baselines.

In: a context, a task, feature sources, options. Out: rows of ``probes`` and ``predictions``. Knows no screen.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa

from ..core.errors import OptionError, ProbeError, did_you_mean
from ..core.hashing import config_id
from ..core.lean_arrow import lean_scikit
from ..core.tasks import of_kind_sql
from ..options import ProbeOptions, SelectOptions
from ..recipes.field_names import field_name
from .cohorts import asked_for, configuration
from .combined_probes import FitsDone, ProbesBefore, with_parts
from .context import Context
from .costs import Amount
from .data_leaks import data_leaks
from .evidence import Evidence
from .executor import Increment, TableRows
from .feature_source import FeatureSource
from .feature_sources import feature_sources
from .incremental import Job, incremental
from .new_items import with_new_items, without_usual_item
from .observer import Advance
from .outcome import Outcome
from .probe_choices import check_choices
from .probe_warnings import (
    say_same_texts,
    say_what_compare_says,
    say_what_is_left_out,
    say_what_is_shared,
    say_who_is_missing,
    say_who_lacks_items,
    with_leaks,
)
from .recorded import last_run
from .rough_costs import ROWS_FITTED
from .several_tasks import of_each
from .task_labels import check_classes

if TYPE_CHECKING:
    from ..probe.probe import ProbeResult


def tasks_of(context: Context, task: str | None) -> list[str]:
    """The task asked for, or all of the recipe's.

    Parameters
    ----------
    context : Context
        Whose recipe has the tasks.
    task : str or None
        One of them, also by the column that it was made of: ``"will churn?"`` is ``will_churn``; None: all.

    Returns
    -------
    list of str
        Tasks, in the recipe's order.

    Raises
    ------
    OptionError
        For a task that the recipe does not have, and a recipe without any.

    Examples
    --------
    >>> tasks_of(context, None)
    ['loyal']
    """
    known = list(context.recipe.tasks)
    if not known:
        raise OptionError(f"recipe {context.dataset!r} has no task: add [tasks.NAME] to it")
    if task is None:
        return known
    if task not in known:
        name = field_name(task, ())
        if name in known and f"{name}_" not in known:  # of two columns that became one name, which is meant?
            return [name]
        there = ", ".join(known) + did_you_mean(task, known)
        raise OptionError(f"--task {task!r} is none of {context.dataset!r}'s: there are {there}")
    return [task]


def probe_all(context: Context, task: str | None, options: ProbeOptions, select: SelectOptions) -> list[Outcome]:
    """Probe a task, or every one, on the chosen features; once a size where a learning curve was asked for.

    Parameters
    ----------
    context : Context
        Recipe, store, how far, and who hears of it.
    task : str or None
        The recipe's task; None: every task.
    options : ProbeOptions
        Protocol, probe, folds, sizes.
    select : SelectOptions
        Which features.

    Returns
    -------
    list of Outcome
        One a task and size.

    Raises
    ------
    OptionError
        For features by name together with depths, and features that are not there.
    ProbeError
        Where no feature set can carry the task; of several tasks, where none can be probed.

    Examples
    --------
    >>> from llm4es.options import ProbeOptions, SelectOptions
    >>> probing = ProbeOptions.of(folds=2, repeats=1, bootstrap=20)
    >>> probe_all(context, None, probing, SelectOptions.of(features="counts"))
    [probe loyal: 0 computed, 1 reused (nothing to do), ...]
    """
    if select.features and (select.k or select.layers):
        raise OptionError("--features names the depths already: leave out --k and --layers")
    check_choices(context, options)
    options = without_usual_item(context, options)
    context = with_new_items(context.at(options.train_as_of, options.test_as_of), options)
    chosen = {
        name: feature_sources(context.of_task(name), select.features, select.k, select.layers)
        for name in tasks_of(context, task)
    }
    if context.recipe.events.time is None and context.recipe.tasks:
        context.observer.say(f"{context.dataset}: events have no times, so there is no baseline 'recency'")

    def each_size(name: str) -> list[Outcome]:
        sized = options.each_size()
        return [probe(context, name, each, chosen[name], named=bool(select.features)) for each in sized]

    return of_each(list(chosen), each_size, context.observer)


def probe(
    context: Context,
    task: str,
    options: ProbeOptions,
    sources: Sequence[FeatureSource] | None = None,
    *,
    named: bool = False,
    compared: bool = False,
) -> Outcome:
    """Probe the features whose metrics are missing, or were made from other vectors or labels.

    Parameters
    ----------
    context : Context
        Recipe, store, how far, and who hears of it.
    task : str
        One of the recipe's tasks.
    options : ProbeOptions
        Protocol, probe, folds.
    sources : sequence of FeatureSource, optional
        What is probed; None: every embedding and baseline.
    named : bool, default False
        The features have to carry the task; else those that cannot are left out with a warning.
    compared : bool, default False
        A comparison follows, which says what has to be known of the figures; else it is said here.

    Returns
    -------
    Outcome
        Feature sets wanted, computed and reused, and why.

    Raises
    ------
    ProbeError
        Where no feature set can carry the task, or one that was named cannot.

    Examples
    --------
    >>> from llm4es.options import ProbeOptions
    >>> probe(context.with_(dry_run=True), "loyal", ProbeOptions(folds=3)).rows
    8
    """
    options = without_usual_item(context, options)
    context = with_new_items(context.at(options.train_as_of, options.test_as_of).of_task(task), options)
    context = context.with_(max_entities=asked_for(context))
    context.say_cutoff(f"probe {task}")
    _check_cohort(context, options)
    of_task = {"dataset": context.dataset, "task": task}
    for each in (context.earlier, context.scored):
        if each is not None:
            check_classes(each, task)
    evidence = Evidence.of(context, task, options.protocol, unseen_only=options.unseen_only)
    labels, splits, past = evidence.labels, evidence.splits, evidence.earlier_labels
    config, spec = configuration(context, task, options), context.recipe.tasks[task]
    if context.earlier is not None and spec.as_of is None:
        context.observer.say(f"probe {task}: the labels have no dates and are the same at both times")
    made = config_id(config)
    by_name = with_parts(feature_sources(context) if sources is None else sources)
    hashes = {name: evidence.expected(source) for name, source in by_name.items()}
    results: dict[str, ProbeResult] = {}
    before = ProbesBefore(context, evidence, {"task": task, "config_id": made}, results)
    done = FitsDone(options, by_name)

    def work(batches: Iterable[pa.RecordBatch], advance: Advance) -> Iterator[Increment]:
        """Fit and score one feature set after the other."""
        todo = {name for batch in batches for name in batch["features"].to_pylist()}
        leaks = data_leaks(context, task, labels)  # before what makes large arrays is imported
        lean_scikit()
        from ..probe import probe as fit_and_score  # heavy, and not needed where everything is there
        from ..probe.out_of_time import Earlier
        from ..probe.probe import named as check

        labelled, learnt = evidence.labelled_sql, evidence.earlier_labelled_sql
        check(options, splits)  # once: not as a warning of each feature set
        advance(0)  # the time left is told by the fits alone
        failures: dict[str, list[str]] = {}  # error -> features
        for name in (name for name in by_name if name in todo):
            source = by_name[name]
            fit, end = done.followed(name, advance)
            try:
                two_times = source.earlier is not None and past is not None
                result = fit_and_score(
                    source.probed(labelled) if context.new_items is None else source.halved(),
                    labels, task, spec.kind, options, context.dataset, splits,
                    evidence.everybody, hashes[name], spec.positive or None,
                    Earlier(source.probed(learnt, earlier=True), past) if two_times else None,
                    evidence.metric, before.of(source, fit),
                )  # fmt: skip
            except ProbeError as error:  # one of many that cannot carry the task does not keep the others from it
                if named or len(by_name) == 1:
                    raise
                failures.setdefault(str(error), []).append(name)
                end()
                continue
            if context.new_items is None:  # whose rows were not read
                result = replace(result, n_without_label=evidence.unlabelled(source))
            results[name] = result
            scope = {**of_task, "features": name, "config_id": made}
            # The metrics last: a row of them says that the predictions are there.
            yield [
                TableRows("predictions", result.predictions, scope=scope),
                TableRows("probes", with_leaks(result.probes, leaks), scope=scope),
            ]
            end()
        say_what_is_left_out(context, task, failures, some=bool(results))

    job = Job(
        stage="probe",
        what=task,
        config_id=made,
        record={"config_id": made, **config},
        table="probes",
        scope={**of_task, "config_id": made},
        key=("features",),
        wanted=pa.table(
            {"features": pa.array(list(by_name), pa.string()), "source_hash": pa.array(hashes.values(), pa.string())}
        ),
        related_scope=of_task,
        row_filter=of_kind_sql(spec.kind),
        otherwise=lambda: evidence.otherwise(made, by_name),
        replaces=True,
        unit=done.unit,
        total=lambda rows: done.total(rows["features"].to_pylist()),
        setup=lambda: work,
        amount=lambda plan: Amount(done.fits(plan.todo["features"].to_pylist()) * len(evidence.everybody), ROWS_FITTED),
        like={"probe": str(options.probe), "protocol": str(options.protocol)},
    )
    outcome = incremental(context, job)
    (say_who_is_missing if context.new_items is None else say_who_lacks_items)(context, task, results, evidence)
    lacking = {name: evidence.missing_parts(by_name[name]) for name in results}
    say_what_is_shared(context, task, results, lacking)
    say_same_texts(context, task, results)
    if not (context.dry_run or compared):
        say_what_compare_says(context, task, made, results, by_name)
    return outcome


def _check_cohort(context: Context, options: ProbeOptions) -> None:
    """A published split is one of everybody."""
    if options.protocol != "ptls":
        return
    if context.max_entities is not None:
        raise OptionError(
            f"--max-entities {context.max_entities} and --protocol ptls: the published split is one of everybody; "
            "leave --max-entities out, or choose cv"
        )
    serialized = last_run(context.store, "serialize", context.dataset)
    if serialized is not None and (n := serialized.config.get("max_entities")) is not None:
        context.observer.warn(f"only {n} entities were serialized (--max-entities): ptls is not the published split")
