"""What is typed to make vectors again whose texts have changed: the same model, read in the same way.

In: a context, a configuration. Out: words; UntoldError where none make vectors of that very configuration: the model is
gone or another, a prompt's file is, or texts are written otherwise now. Loads no weights, fetches nothing.
"""

from collections.abc import Collection
from typing import Any

from ..core.hashing import canonical_json, config_id
from ..options import EmbedOptions, EngineName
from .again import UntoldError, flags
from .align_target import ALIGNED
from .context import Context
from .embed_model import model_again, turned_again
from .enrich_again import enrich_again
from .for_whom import check_reached, for_whom, words_for
from .given_prompts import FILE
from .observer import Null
from .recorded import runs_of
from .short_vectors import ASKED

_CHANGED = {
    "texts": "texts are written otherwise now",
    "prompt": "its prompt asks something else now",
    "modules": "the model pools otherwise now",
    "events": "events are read otherwise now",
    "train": "the train split is another now",
}
"""What vectors were made of -> what is said where it is another now."""


def embed_again(context: Context, made: str, depths: Collection[int], *, layers: bool) -> list[list[str]]:
    """What is typed behind ``llm4es`` for vectors of a configuration.

    Parameters
    ----------
    context : Context
        Dataset and store; of a task, where tasks have cut-offs of their own.
    made : str
        The configuration.
    depths : collection of int
        Each k that there is of it.
    layers : bool
        Whether layers of their own are kept.

    Returns
    -------
    list of list of str
        Commands, one after the other: texts are rewritten before they are read.

    Raises
    ------
    UntoldError
        Where no command is known that makes the same.
    """
    past = [run.config for run in reversed(runs_of(context.store, context.dataset, "embed"))]
    config = next((each for each in past if each.get("config_id") == made), None)
    if config is None:
        raise UntoldError("no record says how they were made")
    n = config.get("learnt_of") or for_whom(context, "embeddings", made, past)
    check_reached(context, made, n)
    context = context.with_(observer=Null(), max_entities=n)
    own = config if ALIGNED not in config else _turned(config, past)
    options = EmbedOptions(
        **{**own["options"], **_depths(own["options"], depths), "prompt": own.get(FILE, own.get(ASKED))}
    )
    model, again = model_again(context, own, past, options)
    changed = [name for name in again if canonical_json(again[name]) != canonical_json(own.get(name))]
    if changed or config_id(again) != own["config_id"]:
        raise UntoldError(
            next((_CHANGED[name] for name in changed if name in _CHANGED), "its settings mean another now")
        )
    words = ["embed", context.dataset, *model, *flags(options, EmbedOptions())]
    words += ["--align-to", turned_again(context, config, own, depths)] if own is not config else []
    words += ["--layers", "keep"] if layers and "events" not in own else []
    words += ["--task", context.which.task] if context.which.task else []
    return [*enrich_again(context, own["texts"]), [*words, *words_for(n)]]


def _turned(config: dict[str, Any], past: list[dict[str, Any]]) -> dict[str, Any]:
    """The record of the vectors that were turned into another space to become these."""
    shared = {
        name: value for name, value in config.items() if name in ("model", "options", "texts", "prompt", "events")
    }
    for each in past:
        if ALIGNED not in each and all(each.get(name) == value for name, value in shared.items()):
            return each
    raise UntoldError("no record says how the vectors were made that were turned")


def _depths(options: dict[str, Any], depths: Collection[int]) -> dict[str, Any]:
    """The k; nothing of vectors of a server, of answers, and of groups of layers."""
    none = options.get("engine") == EngineName.OPENAI or options.get("answers") or options.get("groups")
    return {} if none or not depths else {"k": tuple(sorted(depths))}
