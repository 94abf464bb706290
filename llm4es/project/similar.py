"""The step ``similar``: the nearest entities, and the events that make them alike.

In: a context, an entity, options. Out: a row a neighbour. Writes nothing.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ..core.errors import ProbeError, StoreError
from ..core.sql import literal, where
from ..options import SimilarOptions
from .context import Context
from .feature_source import FeatureSource
from .feature_sources import all_feature_sources, every_name, feature_sources, live
from .histories import Histories
from .named_version import meant
from .result import Result
from .selection import preset
from .space_versions import versions_only
from .stored_vectors import ONE_BY_ONE
from .task_labels import every_label_sql
from .tuned_versions import tuned_names

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


class Neighbours(Result):
    """The neighbours of an entity, a row each; ``rarest shared`` holds what each has in common with it.

    Parameters
    ----------
    entity : str
        Whose neighbours they are.
    features : str
        The features' readable name.
    labels : dict of str to str
        Task -> the entity's label.
    rows : pyarrow.Table
        A row a neighbour, the nearest first.
    column : str
        The events' column that was compared.

    Examples
    --------
    >>> project.similar("c1", features="counts", n=1).title
    'c1 (loyal: yes) in counts'
    """

    MOST_SHARED = 5
    """Shared values named for each neighbour, the rarest first."""

    def __init__(self, entity: str, features: str, labels: dict[str, str], rows: pa.Table, column: str) -> None:
        self.entity, self.features, self.labels, self.column = entity, features, labels, column
        super().__init__(rows)

    @property
    def title(self) -> str:
        """Who is looked at, with what is known of them, and in which features."""
        known = ", ".join(f"{task}: {label}" for task, label in self.labels.items())
        return f"{self.entity} ({known or 'no label'}) in {self.features}"

    def brief(self) -> list[dict[str, Any]]:
        """The rows with a few of the shared values as text.

        Returns
        -------
        list of dict
            The columns of the table; ``rarest shared`` is text.

        Examples
        --------
        >>> near = project.similar("c1", features="counts", n=1)
        >>> type(near.brief()[0]["rarest shared"]).__name__
        'str'
        """
        return [
            row | {"rarest shared": "; ".join(event["value"] for event in row["rarest shared"][: self.MOST_SHARED])}
            for row in self
        ]

    def shared(self) -> list[dict[str, Any]]:
        """What they have in common, the rarest first, a few of each neighbour.

        Returns
        -------
        list of dict
            A row a shared value, with what either's events say.

        Examples
        --------
        >>> near = project.similar("c1", features="counts", n=1)
        >>> list(near.shared()[0])
        ['neighbour', 'product', 'c1', 'the neighbour', 'had by']
        """
        return [
            {
                "neighbour": row["entity_id"],
                self.column: event["value"],
                self.entity: event["entity_says"],
                "the neighbour": event["neighbour_says"],
                "had by": event["n_others"],
            }
            for row in self
            for event in row["rarest shared"][: self.MOST_SHARED]
        ]


def similar(context: Context, entity: str, options: SimilarOptions) -> Neighbours:
    """The nearest entities by cosine, and what they have in common with this one.

    Parameters
    ----------
    context : Context
        Recipe and store.
    entity : str
        Whose neighbours are looked for.
    options : SimilarOptions
        In which features, how many, by which column.

    Returns
    -------
    Neighbours
        A row a neighbour, the nearest first.

    Raises
    ------
    StoreError
        Where there are no vectors of the model.
    ProbeError
        For an entity that has no vector.

    Examples
    --------
    >>> from llm4es.options import SimilarOptions
    >>> len(similar(context, "c0", SimilarOptions.of(model="model", k="all", n=4)))
    4
    """
    source = _source(context, options.features or _name(context, options.model, options.k))
    fields = [field.name for field in context.recipe.text_fields(preset(context.store, context.dataset))]
    column = options.by or fields[0]
    with context.store.connect(limits=ONE_BY_ONE) as connection:  # vectors and events stay where they are
        near = _nearest(connection, source, entity, options.n)
        common = _shared(connection, context, entity, near["neighbour"].to_pylist(), column, fields)
    labels = _labels(context, [entity, *near["neighbour"].to_pylist()])
    rows = [
        {
            "rank": row["rank"],
            "entity_id": row["neighbour"],
            "cosine": row["cosine"],
            **{task: of_entity.get(row["neighbour"]) for task, of_entity in labels.items()},
            "shared": len(common[row["neighbour"]]),
            "rarest shared": common[row["neighbour"]],
        }
        for row in near.to_pylist()
    ]
    known = {task: of_entity[entity] for task, of_entity in labels.items() if entity in of_entity}
    return Neighbours(entity, source.name, known, pa.Table.from_pylist(rows), column)


def _name(context: Context, model: str, k: int) -> str:
    """The readable name of a model's vectors; k 0 is the deepest that is there. Those of no layers have no k."""
    of_dataset = where({"dataset": context.dataset})
    there = context.store.sql(f"SELECT DISTINCT model FROM embeddings WHERE {of_dataset}").fetchall()
    kept = meant(model, versions_only([name for (name,) in there], tuned_names(context.store)))
    chosen = where({"dataset": context.dataset, "model": kept})
    ((least, deepest),) = context.store.sql(f"SELECT min(k), max(k) FROM embeddings WHERE {chosen}").fetchall()
    if deepest is None and not k:
        raise StoreError(f"no vectors of {model!r} in the store: run `llm4es embed {context.dataset} -m {model}` first")
    return model if (least, deepest) == (0, 0) else f"{model}@{k or deepest}"


def _source(context: Context, name: str) -> FeatureSource:
    """The source of that name; where only the beginning of a name was given, the newest that begins so."""
    found = all_feature_sources(context)
    names = every_name({source.name: source for source in found})
    begun = [source for of, source in names.items() if of.startswith(f"{name} [") and source.embedded]
    begun = [source for source in found if source in begun]  # those of one name by age
    return (live(context, begun[-1:], named=True) or feature_sources(context, [name], there=found))[-1]


def _nearest(connection: "DuckDBPyConnection", source: FeatureSource, entity: str, n: int) -> pa.Table:
    """The nearest by cosine: of vectors that go by, where they can."""
    from ..features.neighbours import nearest, nearest_of  # heavy

    if source.stored is None:
        return nearest(source.load(), [entity], n)
    mine = source.stored.one(connection, entity)
    if mine is None:
        raise ProbeError(f"entity '{entity}' has no vector in '{source.name}': choose one of its {source.n_live}")
    return nearest_of(source.name, entity, mine, source.stored.blocks(connection), n)


def _shared(
    connection: "DuckDBPyConnection",
    context: Context,
    entity: str,
    neighbours: list[str],
    column: str,
    fields: list[str],
) -> dict[str, list[dict[str, Any]]]:
    """Neighbour -> events in common, rarest first; each neighbour, also one that shares nothing."""
    from ..features.shared_values import shared_in

    histories = Histories(context.store, context.dataset, context.cutoff.config_id)
    common: dict[str, list[dict[str, Any]]] = {neighbour: [] for neighbour in neighbours}
    there = connection.sql(f"SELECT * FROM {histories.view} LIMIT 0").columns
    for name in (column, *fields):
        if name not in there:
            raise ProbeError(f"events have no column '{name}': choose one of {', '.join(there)}")
    events = f"({histories.sql([column, *fields])})"
    for row in shared_in(connection, events, entity, neighbours, column, fields, histories.view).to_pylist():
        common[row.pop("neighbour")].append(row)
    return common


def _labels(context: Context, entities: Sequence[str]) -> dict[str, dict[str, str]]:
    """Task -> entity -> label, of some entities."""
    labels: dict[str, dict[str, str]] = {task: {} for task in context.recipe.tasks}
    theirs = f"FROM ({every_label_sql(context)}) WHERE entity_id IN ({', '.join(map(literal, entities))})"
    for entity, task, label in context.store.sql(theirs).fetchall():
        labels.setdefault(task, {})[entity] = label
    return labels
