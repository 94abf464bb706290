"""LLM4ES: user embeddings from event sequences via large language models.

``Project`` is the whole way over a store, one method a step; ``encode`` is events in and vectors out. The pure stages
behind them live in the folders that bear their names (``serialize``, ``enrich``, ``finetune``, ``embed``, ``probe``):
record batches in, record batches out. Names are loaded when they are first used, so that importing ``llm4es`` is free.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from .core.version import __version__

if TYPE_CHECKING:
    from .core.errors import Llm4esError
    from .project.encode import encode
    from .project.executor import Local
    from .project.executor_ray import Ray
    from .project.observer import Logging, Null
    from .project.outcome import Outcome
    from .project.project import Project
    from .project.result import Result
    from .recipes import Recipe, load_recipe

_HOMES = {
    "Llm4esError": "core.errors",
    "Local": "project.executor",
    "Logging": "project.observer",
    "Null": "project.observer",
    "Outcome": "project.outcome",
    "Project": "project.project",
    "Ray": "project.executor_ray",
    "Recipe": "recipes",
    "Result": "project.result",
    "encode": "project.encode",
    "load_recipe": "recipes",
}

__all__ = [
    "Llm4esError",
    "Local",
    "Logging",
    "Null",
    "Outcome",
    "Project",
    "Ray",
    "Recipe",
    "Result",
    "__version__",
    "encode",
    "load_recipe",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .core.phases import importing

    with importing(f"{__name__}.{_HOMES[name]}"):
        return getattr(import_module(f".{_HOMES[name]}", __name__), name)
