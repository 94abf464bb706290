"""Models by name: the one place that finds them, and the one door through which they are loaded.

In: a name as a user types it. Out: a ``ModelRef`` (``resolve``), and from that a ``Model`` ready to run
(``load_model``, which imports torch and transformers; nothing else here does). Knows no store.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from .built_in import builtin_models
from .ref import ModelRef, StoredModel
from .resolve import pull, resolve

if TYPE_CHECKING:
    from .load import Model, load_model

__all__ = ["Model", "ModelRef", "StoredModel", "builtin_models", "load_model", "pull", "resolve"]


def __getattr__(name: str) -> object:
    if name not in ("Model", "load_model"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(".load", __name__), name)
