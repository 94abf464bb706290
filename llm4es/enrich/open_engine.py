"""Options to the engine that answers prompts.

In: ``EnrichOptions`` and, for a model in this process, how it is loaded. Out: an ``Engine``. Knows no prompts.
"""

from collections.abc import Callable

from ..options import EngineName, EnrichOptions, LoadOptions
from .engine import Engine


def open_engine(options: EnrichOptions, load: LoadOptions | None = None) -> Engine:
    """The engine that the options name; ``load`` is how an in-process model is loaded."""
    return ENGINES[options.engine](options, load or LoadOptions())


def _transformers(options: EnrichOptions, load: LoadOptions) -> Engine:
    from ..models import load_model, resolve
    from .engine_transformers import TransformersEngine

    return TransformersEngine(load_model(resolve(options.model), load), options)


def _openai(options: EnrichOptions, _: LoadOptions) -> Engine:
    from .engine_openai import OpenAIEngine

    return OpenAIEngine(options)


ENGINES: dict[EngineName, Callable[[EnrichOptions, LoadOptions], Engine]] = {
    EngineName.TRANSFORMERS: _transformers,
    EngineName.OPENAI: _openai,
}
"""A new engine is one entry here."""
