"""Where a model lay that vectors were made with: weights that were replaced there are a new version of the same model.

In: a model as it was named, the record of runs. Out: a place, names of spaces. Knows no weights.
"""

from collections.abc import Collection
from pathlib import Path

from ..models.ref import ModelRef
from .context import Context
from .recorded import runs_of

ORIGIN = "origin"
"""Key of a run's record: where its model was found."""


def place_of(model: str | ModelRef, ref: ModelRef) -> str:
    """Where a model was found: a folder, a file, or the name itself.

    Parameters
    ----------
    model : str or ModelRef
        As it was named.
    ref : ModelRef
        What was found.

    Returns
    -------
    str
        The same wherever the process runs.

    Examples
    --------
    >>> from llm4es.models import resolve
    >>> place_of(folder, resolve(folder)) == str(Path(folder).resolve())
    True
    """
    if isinstance(model, ModelRef):
        return str(ref.folder)
    path = Path(model).expanduser()
    return str(path.resolve()) if path.exists() else model


def moved_in(context: Context, origin: str, names: Collection[str]) -> str:
    """Which of some spaces was the last that a model in this place made; '' where none was.

    Parameters
    ----------
    context : Context
        Its store's record is read, of every dataset.
    origin : str
        A place.
    names : collection of str
        Spaces.

    Returns
    -------
    str
        A name.

    Examples
    --------
    >>> moved_in(context, "/nowhere", ["model"])
    ''
    """
    runs = [run for dataset in context.store.datasets() for run in runs_of(context.store, dataset, "embed")]
    of_place = [run for run in runs if run.config.get(ORIGIN) == origin and run.config.get("model_name") in names]
    return str(max(of_place, key=lambda run: run.run_id).config["model_name"]) if of_place else ""
