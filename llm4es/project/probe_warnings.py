"""What a probe says beside its metrics: who could not be used, what gives the label away, who was met before.

In: what was just probed, or is kept. Out: lines for whoever hears of the work. Writes nothing.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from ..core.errors import ProbeError
from ..core.sql import where
from ..core.tasks import Kind
from .context import Context
from .evidence import Evidence
from .feature_source import FeatureSource
from .leaks import label_leaks, leaks_of
from .recorded import last_run
from .seen import in_words

if TYPE_CHECKING:
    from ..probe.probe import ProbeResult


def say_who_is_missing(context: Context, task: str, results: "Mapping[str, ProbeResult]", evidence: Evidence) -> None:
    """One line for each pair of numbers, naming the features that it is about; none of whom --max-entities left out."""
    if not results:
        return
    no_events = evidence.labels.num_rows - evidence.labels["label"].null_count - len(evidence.cohort)
    serialized = last_run(context.store, "serialize", context.dataset)
    is_sample = context.max_entities or (serialized is not None and serialized.config.get("max_entities"))
    if no_events and not is_sample:
        context.observer.say(f"{task}: left out: {no_events} labelled {_entities(no_events)} without events")
    missing: dict[tuple[int, int], list[str]] = {}
    for name, result in results.items():
        missing.setdefault((result.n_without_features - no_events, result.n_without_label), []).append(name)
    for (features, label), names_ in missing.items():
        # A fold is made of everybody with a label and events, then they are dropped from it.
        left = [f"{features} labelled {_entities(features)} without these features"] * (features > 0)
        left += [f"{label} with these features and no label"] * (label > 0)
        if left:
            who = names_[0] if len(names_) == 1 else f"{names_[0]} and {len(names_) - 1} more"
            context.observer.say(f"{task}, {who}: left out: {', '.join(left)}")


def _entities(n: int) -> str:
    return "entity" if n == 1 else "entities"


def say_who_lacks_items(context: Context, task: str, results: "Mapping[str, ProbeResult]", _: Evidence) -> None:
    """One line for each pair of numbers: labelled entities without events of the items of one half."""
    missing: dict[tuple[int, int], list[str]] = {}
    for name, result in results.items():
        missing.setdefault((result.n_without_features, result.n_not_learnt), []).append(name)
    for (scored, learnt), names_ in missing.items():
        if scored or learnt:
            who = names_[0] if len(names_) == 1 else f"{names_[0]} and {len(names_) - 1} more"
            context.observer.say(
                f"{task}, {who}: {scored} labelled entities have no events of the scored items in some repeat and are "
                f"not scored; up to {learnt} a repeat have none of the items learnt from and teach nothing"
            )


def say_what_is_left_out(context: Context, task: str, failures: Mapping[str, Sequence[str]], *, some: bool) -> None:
    """A warning a cause of features that cannot carry a task, and how many; ProbeError of the last where none can.

    ``failures``: cause -> features. ``some``: whether others were probed.
    """
    *causes, last = failures or [""]
    for cause in [*causes, last] if some and failures else causes:
        first, *more = failures[cause]
        who = f"{first} and {len(more)} more are" if more else f"{first} is"
        context.observer.warn(f"{who} left out of {task}: {cause}")
    if failures and not some:
        raise ProbeError(last)


def say_what_is_shared(
    context: Context, task: str, results: "Mapping[str, ProbeResult]", missing: Mapping[str, Mapping[str, int]]
) -> None:
    """One line a combination whose parts have different entities: how many of the labelled ones all have.

    ``missing``: combination -> part -> how many labelled entities lack it.
    """
    for name, result in results.items():
        parts = missing.get(name, {})
        if any(parts.values()):
            lacking = ", ".join(f"{n} lack {part}" for part, n in parts.items() if n)
            context.observer.say(
                f"{task}, {name}: {result.probes['n'][0]} entities have all parts and are scored ({lacking})"
            )


def with_leaks(probes: pa.Table, leaks: Sequence[str]) -> pa.Table:
    """Rows of probes that say what the data give away."""
    at = probes.schema.get_field_index("leaks")
    return probes.set_column(at, probes.schema.field(at), pa.array([leaks] * len(probes), probes.schema.field(at).type))


def say_same_texts(context: Context, task: str, results: "Mapping[str, ProbeResult]") -> None:
    """A warning about texts that others have too, of the features of the most entities."""
    if results:
        most = max(results.values(), key=lambda result: len(result.predictions))
        for line in leaks_of(context, task, most.predictions):
            context.observer.warn(line)


def say_what_compare_says(
    context: Context,
    task: str,
    made: str,
    results: "Mapping[str, ProbeResult]",
    sources: Mapping[str, FeatureSource],
) -> None:
    """What ``compare`` says too, where none follows: warnings about the task's label and about who was met before by
    which model, also where nothing was probed now; what each ``best(...)`` chose, and where little was scored."""
    rows = where({"dataset": context.dataset, "task": task, "config_id": made})
    lines = label_leaks(context, task, context.store.sql(f"SELECT * FROM probes WHERE {rows}").to_arrow_table())
    seen = {name: source.seen for name, source in sources.items() if source.seen.everybody}
    if seen:
        query = f"SELECT DISTINCT features, entity_id FROM predictions WHERE {rows}"
        lines += in_words(context.store.sql(query).to_arrow_table(), seen)
    for line in lines:
        context.observer.warn(line)
    for name, result in results.items():
        if (chosen := result.probes["chosen"][0].as_py()) is not None:
            context.observer.say(f"{task}, {name}: chosen in so many folds: {chosen}")
    if results:
        from ..probe.cautions import cautions_of  # heavy, as what was just done

        is_regression = context.recipe.tasks[task].kind is Kind.REGRESSION
        for caution in cautions_of(task, [result.predictions for result in results.values()], is_regression):
            context.observer.say(f"warning: {caution}")
