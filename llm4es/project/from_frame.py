"""Events in memory as a dataset: the frames become files of the store, and a recipe that reads them.

In: frames, and what their columns are. Out: a recipe over files of the store. Knows no step.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.frames import to_arrow
from ..recipes import Recipe, keep_frames, recipe_from_frame
from .context import open_store
from .kept_recipes import FRAME, frames_folder

if TYPE_CHECKING:
    from llm4es_store import Store


def kept_frames(
    store: "str | Path | Store", name: str, events: Any, labels: Any, **columns: Any
) -> "tuple[Recipe, Store]":
    """The recipe of frames, and the store below which they are kept as Parquet: whoever has it can go on from them.

    Parameters
    ----------
    store : str, Path or Store
        Where the frames are kept; made where there is none.
    name : str
        The dataset's.
    events : frame
        One row an event.
    labels : frame or None
        One row an entity.
    **columns
        What the columns are, as ``recipe_from_frame`` takes it.

    Returns
    -------
    recipe : Recipe
        Reads the kept frames.
    store : Store
        Open.

    Raises
    ------
    DataError
        For a frame without the columns, and for two labels of one entity; no store is made.
    RecipeError
        For a name that is not allowed, and fields that cannot be.

    Examples
    --------
    >>> recipe, store = kept_frames("bank-store", "bank", [{"who": "a", "mcc": "tea"}], None, entity="who")
    >>> recipe.name, recipe.origin
    ('bank', 'frame')
    """
    rows = to_arrow(events)  # a stream can be read once
    of_labels = None if labels is None else to_arrow(labels, "labels")
    recipe = recipe_from_frame(name, rows, labels=of_labels, **columns)
    opened = open_store(store)  # only now: frames that are refused leave no store behind
    kept = keep_frames(recipe, rows, of_labels, frames_folder(opened, recipe.name))
    return kept.model_copy(update={"origin": FRAME}), opened
