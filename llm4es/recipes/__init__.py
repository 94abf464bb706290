"""Datasets as recipes: one TOML says what the raw files are, what an event is, and what is to be predicted.

In: a recipe's name or path, and its raw files. Out: events, labels and splits as Arrow data. DuckDB is imported only
when raw files are read, so that asking what a recipe says costs nothing.
"""

import pyarrow as pa

from ..core.tasks import Kind
from ..options import SerializeOptions
from .load import builtin_recipes, load_recipe, recipe_from_json
from .locate import Source, locate
from .model import Derive, FieldSpec, FieldType, Recipe, Task

__all__ = [
    "Derive",
    "FieldSpec",
    "FieldType",
    "Kind",
    "Recipe",
    "Source",
    "Task",
    "builtin_recipes",
    "entity_ids",
    "load_recipe",
    "locate",
    "read_events",
    "read_labels",
    "read_splits",
    "recipe_from_json",
]


def read_events(
    recipe: Recipe, source: Source, options: SerializeOptions, max_entities: int | None = None
) -> pa.RecordBatchReader:
    """Every entity's events before ``options.as_of``, or those of ``max_entities``; in order, checked, out of core.

    The sample takes labelled entities first, then goes by the MD5 of ids: a smaller one is part of a larger one.
    """
    from .events import read_events as read

    return read(recipe, source, options, max_entities)


def entity_ids(recipe: Recipe, source: Source, options: SerializeOptions, max_entities: int | None = None) -> pa.Array:
    """The ids of the entities that ``read_events`` would give the events of, in order."""
    from .events import entity_ids as read

    return read(recipe, source, options, max_entities)


def read_labels(recipe: Recipe, source: Source, *, skip: bool = False) -> pa.Table:
    """Every task's labels, in the order of the files; ``skip`` skips bad lines."""
    from .labels import read_labels as read

    return read(recipe, source, skip=skip)


def read_splits(
    recipe: Recipe,
    entity_ids: pa.Array | pa.ChunkedArray,
    source: Source | None = None,
    name: str | None = None,
    skip: bool = False,
) -> pa.Table:
    """The split ``name`` of these entities, or every split of the recipe, the default first."""
    from .splits import read_splits as read

    return read(recipe, entity_ids, source, name, skip)
