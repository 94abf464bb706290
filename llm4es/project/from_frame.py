"""Events in memory as a dataset: the frames become files of the store, and a recipe that reads them.

In: frames, and what their columns are. Out: a recipe over files of the store. Knows no step.
"""

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ..core.errors import RecipeError
from ..core.frames import to_arrow
from ..core.hashing import CONFIG_ID_LENGTH, canonical_json, file_hash, text_hash
from ..core.sql import where
from ..core.version import __version__
from ..recipes import Recipe, keep_frames, recipe_from_frame
from .context import Context, open_store
from .kept_recipes import FRAME, frames_folder, is_kept, keep_recipe

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
        For a name that is not allowed or another dataset's, and fields that cannot be.

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
    _refuse_taken(opened, name)
    base = frames_folder(opened, name)
    folder = _kept(recipe, rows, of_labels, base)
    recipe = recipe.model_copy(update={"folder": folder, "origin": FRAME})
    context = Context(name, opened, given_recipe=recipe)
    if not is_kept(context):  # frames and recipe change in this one commit
        with opened.run("frame", name, {"folder": folder.name}, __version__) as run:
            keep_recipe(context, run)
    for old in base.iterdir():
        if old != folder:
            shutil.rmtree(old, ignore_errors=True)
    return recipe, opened


def _kept(recipe: Recipe, events: pa.Table, labels: pa.Table | None, base: Path) -> Path:
    """The folder of the frames as Parquet, named by what is in them: yesterday's stay until the recipe names these."""
    base.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".", dir=base) as unfinished:
        written = Path(unfinished) / "frames"
        keep_frames(recipe, events, labels, written)
        hashes = {path.name: file_hash(path) for path in sorted(written.iterdir())}
        folder = base / text_hash(canonical_json(hashes))[:CONFIG_ID_LENGTH]
        if not folder.exists():
            written.rename(folder)
    return folder


def _refuse_taken(store: "Store", name: str) -> None:
    """A dataset's events come from one place: frames never take over what was read from files."""
    store.refuse_shared_name(name)
    kept = store.recipe(name)
    texts = store.sql(f"SELECT 1 FROM texts WHERE {where({'dataset': name})} LIMIT 1").fetchall()
    origin = kept["origin"] if kept is not None else "files" if texts else FRAME
    if origin != FRAME:
        raise RecipeError(f"the store's dataset {name!r} comes from {origin}: give the frame another name")
