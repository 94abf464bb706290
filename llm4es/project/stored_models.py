"""The models of a store, as the model loader wants them.

In: a store, a model as a user names it. Out: a ``ModelRef``. Loads no weights.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from ..models.ref import ModelRef, StoredModel
from ..models.resolve import resolve
from .named_version import meant

if TYPE_CHECKING:
    from llm4es_store import Store


def stored_models(store: "Store", *, fetch: bool = True) -> dict[str, StoredModel]:
    """Every live model of the store, by its name; a remote store's weights are fetched into the cache once.

    Parameters
    ----------
    store : Store
        Whose models.
    fetch : bool, default True
        Fetch those weights; False: they may not be there.

    Returns
    -------
    dict of str to StoredModel
        As ``llm4es.models.resolve`` takes them.

    Examples
    --------
    >>> stored_models(project.store)
    {}
    """
    folder = store.layout.folder("models")
    rows = store.sql("SELECT model, path, method, base, base_fingerprint FROM models").fetchall()
    if fetch and rows and (remote := store.remote_folders()) is not None:
        for _, path, *_ in rows:
            remote.download(Path(path).name)
    return {
        name: StoredModel(name, folder / Path(path).name, method, base, base_fingerprint)
        for name, path, method, base, base_fingerprint in rows
    }


def resolved(store: "Store | None", model: str | ModelRef, *, fetch: bool = True) -> ModelRef:
    """A model by name, tuned ones of the store included: named once, it travels as a value from here on.

    Parameters
    ----------
    store : Store or None
        Whose tuned models are known too.
    model : str or ModelRef
        What ``--model`` takes: a tuned model's bare name is its newest version. A value comes back as it is.
    fetch : bool, default True
        Fetch what this machine lacks; False: raise ModelError for it.

    Returns
    -------
    ModelRef
        Where it is, its sizes, its fingerprint.

    Raises
    ------
    ModelError
        For a model that is not found, and a version that there is not.

    Examples
    --------
    >>> resolved(project.store, folder).n_layers
    4
    """
    if isinstance(model, ModelRef):
        return model
    stored = {} if store is None else stored_models(store, fetch=fetch)
    return resolve(meant(model, stored), stored, fetch=fetch)


def lineage_of(store: "Store", model: str) -> list[str]:
    """A model and the models it was tuned from, the newest first. A quantised space belongs to its model.

    Parameters
    ----------
    store : Store
        Which knows what was tuned from what.
    model : str
        A model's or a space's name.

    Returns
    -------
    list of str
        Names.

    Examples
    --------
    >>> lineage_of(project.store, "smollm2-135m+8bit")
    ['smollm2-135m']
    """
    bases = dict(store.sql("SELECT model, base FROM models").fetchall())
    names: list[str] = []
    current: str | None = model.partition("+")[0].partition("#")[0]
    while current is not None and current not in names:
        names.append(current)
        current = bases.get(current)
    return names
