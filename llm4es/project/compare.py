"""The step ``compare``: everything that was probed side by side, with intervals and paired differences.

In: a context, a task, options. Out: rows of ``probe.compare.COMPARISON`` with the task in front. Writes nothing.
"""

from collections.abc import Iterable, Sequence

import pyarrow as pa

from ..core.errors import Llm4esError, ProbeError
from ..core.sql import where
from ..options import CompareOptions
from .context import Context
from .feature_sources import all_feature_sources, named
from .leaks import label_leaks
from .result import Result

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

    chosen: dict[str, str | int] = {"dataset": context.dataset, "task": task, "protocol": options.protocol}
    if options.probe is not None:
        chosen["probe"] = options.probe
    chosen["config_id"] = config_id or _newest(context, task, options, chosen)
    probes = context.store.sql(f"SELECT * FROM probes WHERE {where(chosen)}").to_arrow_table()
    for line in label_leaks(context, task, probes):
        context.observer.warn(line)
    scored = sorted(set(probes["n"].to_pylist()))
    if options.common and len(scored) > 1:
        context.observer.warn(
            f"{task}: the feature sets were probed on {scored[0]} to {scored[-1]} entities, so their probes learnt "
            "from different numbers too: embed the same entities for a fair comparison"
        )
    predictions = context.store.sql(f"SELECT * FROM predictions WHERE {where(chosen)}").to_arrow_table()
    metric = options.metric
    if metric is None and task in context.recipe.tasks:
        metric = context.recipe.tasks[task].metric
    rows = pair(
        probes,
        predictions,
        options.reference,
        metric=metric,
        common=options.common,
        unseen_only=options.unseen_only,
        costs=_costs(context, sorted(set(probes["features"].to_pylist()))),
    )
    return rows.add_column(0, "task", pa.array([task] * len(rows), pa.string()))


def _newest(context: Context, task: str, options: CompareOptions, chosen: dict[str, str | int]) -> str:
    """The configuration of a task's newest probes."""
    query = f"SELECT config_id FROM probes WHERE {where(chosen)} ORDER BY run_id DESC LIMIT 1"
    rows = context.store.sql(query).fetchall()
    if not rows:
        by = "" if options.protocol == CompareOptions.protocol else f" by protocol {options.protocol!r}"
        by += "" if options.probe is None else f" by probe {options.probe!r}"
        raise ProbeError(
            f"no probes of {task!r}{by} in the store: run `llm4es probe {context.dataset} --task {task}` first"
        )
    return str(rows[0][0])


def _costs(context: Context, features: Iterable[str]) -> pa.Table:
    """What each feature set costs, where the store knows it."""
    by_name = {source.name: source for source in all_feature_sources(context)}
    rows = []
    for name in features:
        try:
            source = named(name, by_name)
        except Llm4esError:
            continue  # probed, and its vectors are gone
        rows.append({"features": name, **{column: getattr(source, column) for column in COSTS}})
    schema = pa.schema([("features", pa.string()), *((column, pa.float64()) for column in COSTS)])
    return pa.Table.from_pylist(rows, schema=schema)
