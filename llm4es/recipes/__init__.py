"""Datasets as recipes: one TOML says what the raw files are, what an event is, and what is to be predicted.

In: a recipe's name or path, and its raw files; or frames. Out: events, labels and splits as Arrow data. DuckDB is
imported only when data are read, so that asking what a recipe says costs nothing: those names are lazy.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..core.tasks import Kind
from .load import builtin_recipes, load_recipe, recipe_from_json
from .locate import Source, locate
from .model import Derive, FieldSpec, FieldType, Recipe, Task

if TYPE_CHECKING:
    from .events import entity_ids, read_events
    from .from_frame import keep_frames, recipe_from_frame
    from .labels import read_labels
    from .raw_events import RawEvents
    from .splits import read_splits

__all__ = [
    "Derive",
    "FieldSpec",
    "FieldType",
    "Kind",
    "RawEvents",
    "Recipe",
    "Source",
    "Task",
    "builtin_recipes",
    "entity_ids",
    "keep_frames",
    "load_recipe",
    "locate",
    "read_events",
    "read_labels",
    "read_splits",
    "recipe_from_frame",
    "recipe_from_json",
]

_LAZY = {
    "RawEvents": "raw_events",
    "entity_ids": "events",
    "keep_frames": "from_frame",
    "read_events": "events",
    "read_labels": "labels",
    "read_splits": "splits",
    "recipe_from_frame": "from_frame",
}
"""The module of each name that loads DuckDB."""


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_LAZY[name]}", __name__), name)
