"""The step ``compare``: everything that was probed side by side, with intervals and paired differences.

In: a context, a task, options. Out: rows of ``probe.compare.COMPARISON`` with the task in front, and ``imported``.
Writes nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import pyarrow as pa

from ..core.sql import literal, where
from ..options import CompareOptions
from .context import Context
from .feature_source import FeatureSource
from .feature_sources import named
from .leaks import label_leaks
from .new_items import with_new_items, without_usual_item
from .result import Result
from .rule_written import rule_written
from .seen import in_words as met
from .seen import with_seen
from .shown_probes import ShownProbes, shown_probes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

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

    @property
    def cautions(self) -> list[str]:
        """Where so little was scored that intervals and tests promise more than they hold: sentences, each of a task.

        Examples
        --------
        >>> [line.partition(": the")[0] for line in project.compare("loyal").cautions][:1]
        ['loyal: few of a class']
        """
        from .comparison_table import told

        tasks = groupby(self, key=lambda row: str(row["task"]))
        return [f"{task}: {caution}" for task, of_task in tasks for caution in told(list(of_task))]

    def plot(self, task: str | None = None, ax: "Axes | None" = None) -> "Axes":
        """Draw every feature set's value with its interval, the best first.

        Parameters
        ----------
        task : str, optional
            Of which task; None: of the only one.
        ax : matplotlib.axes.Axes, optional
            Where it is drawn; None: a figure of its own.

        Returns
        -------
        matplotlib.axes.Axes
            Baselines are hollow, the reference's value is dashed; of more than 24 feature sets the best.

        Raises
        ------
        OptionError
            Where matplotlib and jinja2 are not installed, and for a task that was not compared.

        Examples
        --------
        >>> project.compare().plot("loyal").get_xlabel()
        'roc_auc with 95 % interval; dashed: counts'
        """
        from .plots import plot_comparison

        return plot_comparison(self.to_pylist(), task, ax)

    def plot_k(self, task: str | None = None, ax: "Axes | None" = None) -> "Axes":
        """Draw the metric against the number of last layers averaged, a line a model.

        Parameters
        ----------
        task : str, optional
            Of which task; None: of the only one.
        ax : matplotlib.axes.Axes, optional
            Where it is drawn; None: a figure of its own.

        Returns
        -------
        matplotlib.axes.Axes
            Bars are 95 % intervals of each value alone.

        Raises
        ------
        OptionError
            Where matplotlib and jinja2 are not installed, and where no model was probed at two k.

        Examples
        --------
        >>> project.compare("loyal").plot_k()
        Traceback (most recent call last):
        llm4es.core.errors.OptionError: no model was probed at two k for 'loyal': embed with --k 1,8,all and probe
        """
        from .plots import plot_k

        return plot_k(self.to_pylist(), task, ax)


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
        Rows of ``probe.compare.COMPARISON`` with ``task`` in front, and ``imported`` behind: whether all vectors of
        a row were made elsewhere.

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
    return with_probes(context, task, options, config_id)[0]


def with_probes(
    context: Context, task: str, options: CompareOptions, config_id: str | None = None
) -> tuple[pa.Table, ShownProbes]:
    """The comparison of one task, and the probes that it shows.

    Parameters
    ----------
    context : Context
        Recipe and store.
    task : str
        What is compared.
    options : CompareOptions
        Protocol, probe, metric, reference.
    config_id : str, optional
        The probes' configuration; None: as ``shown_probes`` chooses.

    Returns
    -------
    rows : pyarrow.Table
        As of ``comparison``.
    shown : ShownProbes
        What they are made of.

    Examples
    --------
    >>> from llm4es.options import CompareOptions
    >>> with_probes(context, "loyal", CompareOptions())[1].cohort.max_entities is None
    True
    """
    from ..probe.compare import compare as pair  # heavy

    options = without_usual_item(context, options)
    context = with_new_items(context.at(options.train_as_of, options.test_as_of).of_task(task), options)
    if context.earlier is not None:
        context.say_cutoff(f"compare {task}")
    shown = shown_probes(context, task, options, config_id)
    shown.say_what_is_left_out()
    chosen, probes, sources = shown.chosen, shown.live, shown.sources
    for line in label_leaks(context, task, probes):
        context.observer.warn(line)
    scored = sorted(set(probes["n"].to_pylist()))
    if options.common and len(scored) > 1:
        context.observer.warn(
            f"{task}: the feature sets were probed on {scored[0]} to {scored[-1]} entities, so their probes learnt "
            "from more or fewer too: embed the same entities for a fair comparison"
        )
    names = sorted(set(probes["features"].to_pylist()))
    query = f"SELECT * FROM predictions WHERE {where(chosen)} AND features IN ({', '.join(map(literal, names))})"
    seen = {name: named(name, sources).seen for name in names}
    predictions = with_seen(context.store.sql(query).to_arrow_table(), seen)
    origins = {origin.name: origin for name in names for origin in named(name, sources).origins}
    for line in rule_written(context, origins.values()):
        context.observer.warn(f"{task}: {line}")
    for line in met(predictions, seen):
        context.observer.warn(f"{task}: {line}")
    spec = context.recipe.tasks.get(task)
    metric = options.metric or (spec.metric if spec else None)
    rows = pair(
        probes,
        predictions,
        shown.reference,
        metric=metric,
        common=options.common,
        unseen_only=options.unseen_only,
        costs=_costs(names, sources),
        positive=(spec.positive or None) if spec else None,
    )
    imported = [_is_imported(named(name, sources)) for name in rows["features"].to_pylist()]
    rows = rows.append_column("imported", pa.array(imported, pa.bool_()))
    return rows.add_column(0, "task", pa.array([task] * len(rows), pa.string())), shown


def _is_imported(source: FeatureSource) -> bool:
    """Whether it has vectors, and all of them were made elsewhere."""
    of_vectors = [origin for origin in source.origins if origin.model]
    return bool(of_vectors) and all(origin.imported for origin in of_vectors)


def _costs(features: Iterable[str], by_name: Mapping[str, FeatureSource]) -> pa.Table:
    """What each feature set costs, where the store knows it."""
    rows = []
    for name in features:
        source = named(name, by_name)
        rows.append({"features": name, **{column: getattr(source, column) for column in COSTS}})
    schema = pa.schema([("features", pa.string()), *((column, pa.float64()) for column in COSTS)])
    return pa.Table.from_pylist(rows, schema=schema)
