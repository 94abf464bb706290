"""The model that made vectors, found again, and what the vectors' configuration would be by it now.

In: a context, a run's record. Out: words that name it as it was loaded, and a configuration; UntoldError where it is
not there as it was. Loads no weights, fetches nothing.
"""

import os
from collections.abc import Collection, Iterable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

from ..core.errors import Llm4esError
from ..core.versions import version_of, with_version
from ..models.devices import number_format
from ..models.ref import ModelRef, space_fingerprint
from ..options import Dtype, EmbedOptions, History, LoadIn, LoadOptions
from ..servers.address import OPENAI
from ..servers.key import KEY_VARIABLE
from . import embed_endpoint
from .again import UntoldError
from .align_target import target_of
from .context import Context
from .embed import configuration
from .event_request import EventRequest
from .places import ORIGIN, place_of
from .selection import choose_texts
from .spaces import space_of
from .stored_models import resolved
from .tuned_versions import tuned_names

Config = dict[str, Any]

_LOADED = [LoadOptions(load_in=how, dtype=dtype) for how, dtype in product(LoadIn, Dtype) if dtype is not Dtype.AUTO]


def model_again(
    context: Context, config: Config, past: Iterable[Config], options: EmbedOptions
) -> tuple[list[str], Config]:
    """The words that name a model, and what its vectors would be made from now.

    Parameters
    ----------
    context : Context
        Dataset and store; as many entities as are meant.
    config : dict
        Record of the run that made the vectors.
    past : iterable of dict
        Records of runs: where the model was found.
    options : EmbedOptions
        How the texts are read.

    Returns
    -------
    list of str, dict
        Words, and a configuration.

    Raises
    ------
    UntoldError
        Where it is not there, or another.
    """
    texts = choose_texts(context.store, context.dataset, options.texts, context.which)
    if isinstance(config["model"], dict):
        model, url = config["model"]["endpoint"], config["base_url"]
        if url == OPENAI and not os.environ.get(KEY_VARIABLE):
            raise UntoldError(f"{url} wants a key in ${KEY_VARIABLE}")
        if embed_endpoint.space_served(context, model) != config["model_name"]:
            raise UntoldError(f"{model} is the name of another model's vectors now")
        return ["--model", model, "--base-url", url], embed_endpoint.configuration(model, options, texts)
    name, ref, load = _found(context, config, past)
    space = space_of(context, ref, load, place_of(name, ref))
    if space.name != config["model_name"]:
        raise UntoldError(f"vectors of {name} would be called {space.name} now")
    words = ["--model", name]
    words += [] if load.load_in is LoadIn.NONE else ["--load-in", load.load_in.value]
    usual = number_format(LoadOptions(load_in=load.load_in))
    words += [] if usual == load.dtype else ["--dtype", load.dtype.value]
    if options.history is History.EVENTS:
        return words, EventRequest(context, ref, load, options, space).config
    return words, configuration(ref, options, space.fingerprint, texts)


def turned_again(context: Context, config: Config, plain: Config, depths: Collection[int]) -> str:
    """The name, as ``--align-to`` takes it, of the vectors that others were turned towards. Raises UntoldError."""
    kept = config["target"]
    model = str(kept["model"])
    typed = with_version(*version_of(model)) if model in tuned_names(context.store) else model
    found = target_of(context, typed, config["model_name"], plain, sorted(depths))
    if (found.model, found.config_id) != (model, kept["config_id"]):
        raise UntoldError(f"the vectors of {typed} that they were turned towards are not the present ones")
    return typed


def _found(context: Context, config: Config, past: Iterable[Config]) -> tuple[str, ModelRef, LoadOptions]:
    """The model by a name that finds it, and how it is loaded."""
    why = ""
    for name in dict.fromkeys(_names(context, config, past)):
        try:
            ref = resolved(context.store, name, fetch=False)
        except Llm4esError as error:
            why = why or (f"{name} is gone" if Path(name).is_absolute() and not Path(name).exists() else str(error))
            continue
        for load in _LOADED:
            if space_fingerprint(ref, load) == config["model"]:
                return str(ref.folder) if Path(name).resolve() == ref.folder else name, ref, load
        why = why or f"{name} holds other weights now"
    raise UntoldError(why or "no record says where the model was")


def _names(context: Context, config: Config, past: Iterable[Config]) -> Iterator[str]:
    """The store's own model, the places where these weights were found, and the model's own name."""
    space = str(config["model_name"])
    own = [name for name in tuned_names(context.store) if space == name or space.startswith((f"{name}+", f"{name}#"))]
    yield from (with_version(*version_of(name)) for name in own)
    yield from (
        str(each[ORIGIN]) for each in [config, *past] if each.get("model") == config["model"] and ORIGIN in each
    )
    yield space.partition("+")[0].partition("#")[0]
