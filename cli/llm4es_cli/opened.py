"""What a command works with: a project, or a store, as its common options name them.

In: typed words. Out: opened things. Knows no step.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from llm4es.core.errors import StoreError

from .screen import Screen

if TYPE_CHECKING:
    from llm4es import Project
    from llm4es_store import Store


def project(recipe: str, store: str, quiet: bool, **more: Any) -> "Project":
    """The project of a recipe's name, file, or a dataset of the store."""
    from llm4es import Project

    return Project(recipe, store, observer=Screen(quiet), **more)


def existing_store(root: str) -> "Store | None":
    """The store; None where there is none: built-in models, folders and Hugging Face ids have names all the same."""
    from llm4es_store import Store

    try:
        return Store(root)
    except StoreError:
        if Path(root).exists():
            raise
        return None
