"""The step ``compare``: everything that was probed side by side, with intervals and paired differences.

In: a context, a task, options. Out: rows of ``probe.compare.COMPARISON`` with the task in front. Writes nothing.
"""

from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from ..core.errors import ProbeError
from ..core.sql import literal, where
from ..options import CompareOptions
from .cohorts import made_for, other_cohorts
from .context import Context
from .evidence import Evidence, in_words, say_stale
from .feature_source import FeatureSource
from .feature_sources import all_feature_sources, named
from .leaks import label_leaks
from .result import Result
from .seen import in_words as met
from .seen import with_seen

COSTS = ("dimensions", "tokens", "seconds")
"""Columns of a comparison, and fields of a feature source."""


class Comparison(Result):
    """The comparisons of some tasks: for people a table a task, as data every column.

    Examples
    --------
    >>> print(project.compare("loyal"))
    loyal: ...
    """

    def __repr__(self) -> str:
        from .comparison_table import text

        return text(self.to_pylist())

    def _repr_html_(self) -> str:
        """As a notebook shows it."""
        from .comparison_table import html

        return html(self.to_pylist())


def compare(
    context: Context, tasks: Sequence[str], options: CompareOptions, config_ids: Sequence[str | None] = ()
) -> Comparison:
    """The comparisons of some tasks under each other: of their newest probes, or of those of one configuration each.

    Parameters
    ----------
    context : Context
        Recipe and store.
    tasks : sequence of str
        What is compared.
    options : CompareOptions
        Protocol, probe, metric, reference.
    config_ids : sequence of str or None, default ()
        A configuration a task; None: the newest's.

    Returns
    -------
    Result
        A row a (task, feature set), the best of a task first.

    Raises
    ------
    ProbeError
        Where a task was not probed so.

    Examples
    --------
    >>> from llm4es.options import CompareOptions
    >>> len(compare(context, ["loyal"], CompareOptions()))
    2
    """
    chosen = config_ids or [None] * len(tasks)
    tables = [comparison(context, task, options, config_id) for task, config_id in zip(tasks, chosen, strict=True)]
    return Comparison(pa.concat_tables(tables))


def comparison(context: Context, task: str, options: CompareOptions, config_id: str | None = None) -> pa.Table:
    """The comparison of one task.

    Parameters
    ----------
    context : Context
        Recipe and store.
    task : str
        What is compared.
    options : CompareOptions
        Protocol, probe, metric, reference.
    config_id : str, optional
        The probes' configuration; None: the newest's.

    Returns
    -------
    pyarrow.Table
        Rows of ``probe.compare.COMPARISON`` with ``task`` in front.

    Raises
    ------
    ProbeError
        Where it was not probed so.

    Examples
    --------
    >>> from llm4es.options import CompareOptions
    >>> comparison(context, "loyal", CompareOptions())["task"].to_pylist()
    ['loyal', 'loyal']
    """
    from ..probe.compare import compare as pair  # heavy

    context = context.of_task(task)
    chosen: dict[str, str | int] = {"dataset": context.dataset, "task": task, "protocol": options.protocol}
    if options.probe is not None:
        chosen["probe"] = options.probe
    chosen["config_id"] = config_id or _newest(context, task, options, chosen)
    probed = context.store.sql(f"SELECT * FROM probes WHERE {where(chosen)}").to_arrow_table()
    probes, sources = live_probes(context, task, options, probed)
    for line in label_leaks(context, task, probes):
        context.observer.warn(line)
    scored = sorted(set(probes["n"].to_pylist()))
    if options.common and len(scored) > 1:
        context.observer.warn(
            f"{task}: the feature sets were probed on {scored[0]} to {scored[-1]} entities, so their probes learnt "
            "from different numbers too: embed the same entities for a fair comparison"
        )
    names = sorted(set(probes["features"].to_pylist()))
    query = f"SELECT * FROM predictions WHERE {where(chosen)} AND features IN ({', '.join(map(literal, names))})"
    seen = {name: named(name, sources).seen for name in names}
    predictions = with_seen(context.store.sql(query).to_arrow_table(), seen)
    for line in met(predictions, seen):
        context.observer.warn(f"{task}: {line}")
    spec = context.recipe.tasks.get(task)
    metric = options.metric or (spec.metric if spec else None)
    rows = pair(
        probes,
        predictions,
        options.reference,
        metric=metric,
        common=options.common,
        unseen_only=options.unseen_only,
        costs=_costs(names, sources),
        positive=(spec.positive or None) if spec else None,
    )
    return rows.add_column(0, "task", pa.array([task] * len(rows), pa.string()))


def _newest(context: Context, task: str, options: CompareOptions, chosen: dict[str, str | int]) -> str:
    """The configuration of a task's newest probes."""
    query = f"SELECT config_id FROM probes WHERE {where(chosen)} AND {context.beside} ORDER BY run_id DESC LIMIT 1"
    rows = context.store.sql(query).fetchall()
    if not rows:
        of = f" of {context.cutoff}" if context.cutoff.key else ""
        by = "" if options.protocol == CompareOptions.protocol else f" by protocol {options.protocol!r}"
        by += "" if options.probe is None else f" by probe {options.probe!r}"
        raise ProbeError(
            f"no probes of {task!r}{by}{of} in the store: run `llm4es probe {context.dataset} --task {task}` first"
        )
    return str(rows[0][0])


def live_probes(
    context: Context, task: str, options: CompareOptions, probes: pa.Table
) -> tuple[pa.Table, dict[str, FeatureSource]]:
    """Of the probes of one configuration those that still hold; the others are named.

    Parameters
    ----------
    context : Context
        Recipe, store, who hears of it.
    task : str
        Whose probes.
    options : CompareOptions
        Protocol, reference.
    probes : pyarrow.Table
        Rows of one configuration.

    Returns
    -------
    rows : pyarrow.Table
        Those made of labels, split, texts and events as they are.
    sources : dict of str to FeatureSource
        Name -> what can be probed now, of the same cohort.

    Raises
    ------
    ProbeError
        Where none holds, or the reference does not.

    Examples
    --------
    >>> from llm4es.options import CompareOptions
    >>> probed = context.store.sql("SELECT * FROM probes").to_arrow_table()
    >>> len(live_probes(context, "loyal", CompareOptions(), probed)[0]) == len(probed)
    True
    """
    made, run_id = probes["config_id"][0].as_py(), probes["run_id"][0].as_py()
    n, unseen_only = made_for(context, run_id)
    cohort = context.with_(max_entities=n)
    sources = {source.name: source for source in all_feature_sources(cohort)}
    evidence = Evidence.of(cohort, task, options.protocol.partition("@")[0], unseen_only=unseen_only)
    stale = evidence.stale(probes, sources)
    by = "" if options.protocol == CompareOptions.protocol else f" --protocol {options.protocol}"
    by += "" if cohort.max_entities is None else f" --max-entities {cohort.max_entities}"
    again = f"`llm4es probe {context.dataset} --task {task}{by}`"
    if options.reference in stale:
        raise ProbeError(f"--reference {options.reference!r} is stale: {stale[options.reference]}: run {again}")
    live = probes.filter(pc.invert(pc.is_in(probes["features"], pa.array(sorted(stale), pa.string()))))
    if not len(live):
        raise ProbeError(f"{task}: nothing to compare, {in_words(stale)}: run {again}")
    say_stale(context, task, stale, f"{again} recomputes them")
    here = "everybody" if cohort.max_entities is None else f"--max-entities {cohort.max_entities}"
    for features, whom in other_cohorts(context, task, made).items():
        context.observer.warn(f"{task}: {features} was probed on {whom} and is not paired with these ({here})")
    return live, sources


def _costs(features: Iterable[str], by_name: Mapping[str, FeatureSource]) -> pa.Table:
    """What each feature set costs, where the store knows it."""
    rows = []
    for name in features:
        source = named(name, by_name)
        rows.append({"features": name, **{column: getattr(source, column) for column in COSTS}})
    schema = pa.schema([("features", pa.string()), *((column, pa.float64()) for column in COSTS)])
    return pa.Table.from_pylist(rows, schema=schema)
