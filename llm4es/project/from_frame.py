"""Events in memory as a dataset: the frames become files of the store, and a recipe that reads them.

In: frames, and what their columns are. Out: a recipe over files of the store. Knows no step.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..recipes import Recipe
from ..recipes.from_frame import keep_frames, recipe_from_frame
from .kept_recipes import FRAME

if TYPE_CHECKING:
    from llm4es_store import Store


def kept_frames(
    store: "Store",
    name: str,
    events: Any,
    labels: Any,
    *,
    entity: str,
    time: str | None,
    fields: Sequence[str | Mapping[str, Any]] | None,
    tasks: Mapping[str, str] | None,
    **more: Any,
) -> Recipe:
    """The recipe of frames, which are kept as Parquet below the store: whoever has the store can go on from them."""
    recipe = recipe_from_frame(
        name, events, entity=entity, time=time, fields=fields, labels=labels, tasks=tasks, **more
    )
    folder = store.layout.folder("raw") / recipe.name
    keep_frames(recipe, events, labels, folder)
    return recipe.model_copy(update={"folder": folder, "origin": FRAME})
