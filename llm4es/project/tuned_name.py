"""What a tuned model can be called.

In: names. Out: a name, or an error. Knows no weights.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import OptionError
from ..core.tables import slug
from ..core.versions import version_of
from ..models.built_in import builtin_models
from .tuned_versions import tuned_names

if TYPE_CHECKING:
    from llm4es_store import Store

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*")


def default_name(model: str, dataset: str) -> str:
    """The tuned model's name where none is given: ``smollm2-135m-movielens-100k``.

    Parameters
    ----------
    model : str
        The base as it was named: a name, an id, a path.
    dataset : str
        Whose texts it is tuned on.

    Returns
    -------
    str
        The last part of the base's name, and the dataset's; what no name may hold becomes a dash.

    Examples
    --------
    >>> default_name("models/base.gguf", "shop")
    'base-shop'
    >>> default_name("mine@v2", "shop")
    'mine-v2-shop'
    """
    last = model.rstrip("/").split("/")[-1].removesuffix(".gguf")
    return f"{slug(last)}-{dataset}"


def check_name(store: "Store", name: str, base: tuple[str, str]) -> None:
    """A name stands for one model: never for the base, a built-in one, or one whose vectors are in the store.

    Parameters
    ----------
    store : Store
        Which knows what is called how.
    name : str
        What a model is to be called.
    base : tuple of str
        Names of the base: as it was typed, and as it was found.

    Raises
    ------
    OptionError
        For a name that it cannot have.

    Examples
    --------
    >>> check_name(project.store, "mine", ("gpt2", "gpt2"))
    """
    if not _NAME.fullmatch(name) or ".." in name:
        hint = " (versions are counted by themselves)" if "@" in name else ""
        raise OptionError(f"--name {name!r} cannot name a model: take letters, digits, '.', '-', '_' and '/'{hint}")
    if name in {version_of(each).family for each in base}:
        raise OptionError(f"--name {name!r} is the base model's own name: choose another")
    tuned = {version_of(model).family for model in tuned_names(store)}
    spaces = {model for (model,) in store.sql("SELECT DISTINCT model FROM embeddings").fetchall()}
    if name in {model.name for model in builtin_models()} or name in spaces - tuned:
        raise OptionError(f"--name {name!r} is another model's: choose another")


def from_anywhere(model: str) -> str:
    """A model's name as it is found from any folder.

    Examples
    --------
    >>> from_anywhere("org/model")
    'org/model'
    """
    path = Path(model).expanduser()
    return str(path.resolve()) if path.exists() else model
