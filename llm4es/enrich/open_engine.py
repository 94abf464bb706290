"""Options and a model that was found to the engine that answers prompts.

In: ``EnrichOptions`` and, for a model in this process, the model and how it is loaded. Out: an ``Engine``. Knows no
prompts, and looks no model up by its name: the caller does that, once.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..core.errors import ModelError
from ..core.phases import importing
from ..options import EngineName, EnrichOptions, LoadOptions
from .engine import Engine

if TYPE_CHECKING:
    from ..models.ref import ModelRef


def open_engine(options: EnrichOptions, load: LoadOptions | None = None, model: "ModelRef | None" = None) -> Engine:
    """Open what answers the prompts: load a model into this process, or make a client of a server.

    Parameters
    ----------
    options : EnrichOptions
        ``engine`` says which kind; sampling, batch size and the server's address come from here too.
    load : LoadOptions, default None
        How a model in this process is loaded; None takes the defaults of ``LoadOptions``. A server does not read it.
    model : ModelRef, default None
        The model of engine 'transformers', as ``llm4es.models.resolve`` found it; None for a server.

    Returns
    -------
    Engine
        Answers requests, in order, until nobody holds it any more.

    Raises
    ------
    ModelError
        Without a model for engine 'transformers', where the model cannot be loaded, or where the client of engine
        'openai' is not installed.

    Examples
    --------
    >>> from llm4es.options import EngineName, EnrichBy
    >>> open_engine(EnrichOptions(by=EnrichBy.LLM, engine=EngineName.TRANSFORMERS))
    Traceback (most recent call last):
    llm4es.core.errors.ModelError: engine 'transformers' was given no model: hand it what `models.resolve` finds
    """
    return ENGINES[EngineName(options.engine)](options, load or LoadOptions(), model)


def _transformers(options: EnrichOptions, load: LoadOptions, model: "ModelRef | None") -> Engine:
    if model is None:
        raise ModelError("engine 'transformers' was given no model: hand it what `models.resolve` finds")
    with importing("torch"):
        from ..models import load_model
        from .engine_transformers import TransformersEngine

    return TransformersEngine(load_model(model, load), options)


def _openai(options: EnrichOptions, _load: LoadOptions, _model: "ModelRef | None") -> Engine:
    from ..servers import require_client

    require_client()
    from .engine_openai import OpenAIEngine

    return OpenAIEngine(options)


ENGINES: dict[EngineName, Callable[[EnrichOptions, LoadOptions, "ModelRef | None"], Engine]] = {
    EngineName.TRANSFORMERS: _transformers,
    EngineName.OPENAI: _openai,
}
"""A new engine is one entry here."""
