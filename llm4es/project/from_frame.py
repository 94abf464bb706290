"""Events in memory as a dataset: the frames become files of the store, and a recipe that reads them.

In: frames, and what their columns are. Out: a recipe over files of the store. Knows no step.
"""

from typing import TYPE_CHECKING, Any

from ..core.frames import to_arrow
from ..recipes import Recipe, keep_frames, recipe_from_frame
from .kept_recipes import FRAME, frames_folder

if TYPE_CHECKING:
    from llm4es_store import Store


def kept_frames(store: "Store", name: str, events: Any, labels: Any, **columns: Any) -> Recipe:
    """The recipe of frames, which are kept as Parquet below the store: whoever has the store can go on from them."""
    rows = to_arrow(events)  # a stream can be read once
    of_labels = None if labels is None else to_arrow(labels, "labels")
    recipe = recipe_from_frame(name, rows, labels=of_labels, **columns)
    kept = keep_frames(recipe, rows, of_labels, frames_folder(store, recipe.name))
    return kept.model_copy(update={"origin": FRAME})
