"""Frames as the Parquet files that their recipe reads.

In: a recipe made from frames, the frames, and a folder. Out: the files in it, whole or not at all. Knows no store.
"""

import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ...core.errors import DataError, one_line
from ...core.frames import to_arrow
from ..model import Recipe

FILES = {"events": "events.parquet", "labels": "labels.parquet"}
"""The file of each table."""


def keep_frames(recipe: Recipe, events: Any, labels: Any, folder: Path) -> Recipe:
    """Write the raw files of a recipe that was made from frames.

    Parameters
    ----------
    recipe : Recipe
        From ``recipe_from_frame``.
    events : any frame that ``to_arrow`` takes
        One row an event. A reader can be read once only: give the Arrow table that was made of it.
    labels : any frame that ``to_arrow`` takes, or None
        One row an entity.
    folder : Path
        Where ``events.parquet`` and ``labels.parquet`` go; it is made where there is none. Files of these names in it
        are replaced, after all new ones are whole.

    Returns
    -------
    Recipe
        The same recipe, which now finds its files: ``locate(recipe)`` needs no folder.

    Raises
    ------
    DataError
        A frame has no rows, the folder cannot be written, or a column is of a type that Parquet does not have.

    Examples
    --------
    >>> import tempfile
    >>> from llm4es.recipes import locate, recipe_from_frame
    >>> events = [{"user": "u1", "shop": "tea"}, {"user": "u2", "shop": "milk"}]
    >>> recipe = recipe_from_frame("visits", events, entity="user")
    >>> recipe = keep_frames(recipe, events, None, Path(tempfile.mkdtemp()))
    >>> [path.name for path in locate(recipe).files["events"]]
    ['events.parquet']
    """
    tables = {"events": to_arrow(events)} | ({} if labels is None else {"labels": to_arrow(labels, "labels")})
    if empty := [name for name, table in tables.items() if not table.num_rows]:
        raise DataError(f"{empty[0]} have no rows to keep: a reader is read once only, give the table made of it")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".", dir=folder) as unfinished:
            for name, table in tables.items():
                _write(table, Path(unfinished) / FILES[name], name)
            for name in tables:
                (Path(unfinished) / FILES[name]).replace(folder / FILES[name])
    except OSError as error:
        raise DataError(f"cannot keep the frames of {recipe.name!r} in {folder}: {one_line(error)}") from error
    return recipe.model_copy(update={"folder": folder.absolute()})


def _write(table: pa.Table, path: Path, what: str) -> None:
    """A table as Parquet; where it cannot be, the column that is to blame."""
    try:
        pq.write_table(table, path)
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid) as error:
        raise DataError(f"{what} have a column that Parquet cannot hold ({one_line(error)}): leave it out") from error
