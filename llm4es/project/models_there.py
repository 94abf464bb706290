"""Models where a worker computes: on a disk that all share, else found there by name as here.

In: a set-up that another machine has made, a store. Out: the same with models of this machine. Loads nothing.
"""

import platform
from dataclasses import is_dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ..core.errors import FetchError, ModelError
from ..models.ref import ModelRef
from .increments import Setup
from .stored_models import resolved

if TYPE_CHECKING:
    from llm4es_store import Store


def models_there(setup: Setup, store: "Store") -> Setup:
    """A set-up whose models are on this machine.

    Parameters
    ----------
    setup : callable
        A partial, whose arguments may be models, or know one as ``ref``; any other stays as it is.
    store : Store
        Whose tuned models are known too.

    Returns
    -------
    callable
        The same set-up.

    Raises
    ------
    ModelError
        For a model that is neither there nor found by name, and one that is another there.

    Examples
    --------
    >>> ref = resolved(project.store, folder)
    >>> models_there(partial(print, ref), project.store).args[0] == ref
    True
    """
    if not isinstance(setup, partial):
        return setup
    return partial(setup.func, *(_here(value, store) for value in setup.args), **setup.keywords)


def _here(value: Any, store: "Store") -> Any:
    if isinstance(value, ModelRef):
        return _found(value, store)
    if is_dataclass(value) and not isinstance(value, type) and isinstance(ref := getattr(value, "ref", None), ModelRef):
        return replace(value, ref=_found(ref, store))
    return value


def _found(ref: ModelRef, store: "Store") -> ModelRef:
    if all(folder.is_dir() for folder in (ref.folder, ref.adapter) if folder is not None):
        return ref
    try:
        found = resolved(store, ref.name)
    except (ModelError, FetchError) as error:
        raise ModelError(
            f"{ref.name} is not on {platform.node()}: no folder {ref.folder}, and {error}; workers need it, "
            "such as on a disk that all share"
        ) from error
    if found.fingerprint != ref.fingerprint:
        raise ModelError(f"{ref.name} is another model on {platform.node()} ({found.folder}): put the same one there")
    return found
