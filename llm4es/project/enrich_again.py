"""What is typed to write texts again whose raw texts have changed, before they are read.

In: a context, the texts that vectors are made of. Out: words; none where all of them are as they would be. UntoldError
where no command writes the same. Loads no weights, asks nobody.
"""

from collections.abc import Iterable
from typing import Any

from ..core.sql import where
from ..enrich.variants import fingerprint
from ..models.ref import ModelRef
from ..options import Constrain, EngineName, EnrichBy, EnrichOptions, LoadOptions
from .again import UntoldError, flags
from .context import Context
from .enrich import paraphrased
from .for_whom import for_whom, words_for
from .kept_variants import variants_config
from .recorded import runs_of
from .selection import RAW
from .stored_models import resolved


def enrich_again(context: Context, texts: Iterable[tuple[str, str]]) -> list[list[str]]:
    """The commands that write those texts again that were made of raw ones that have changed.

    Parameters
    ----------
    context : Context
        Dataset and store.
    texts : iterable of (str, str)
        Variants, each with its configuration.

    Returns
    -------
    list of list of str
        What is typed behind ``llm4es``, a command a configuration.

    Raises
    ------
    UntoldError
        Where no command is known that writes the same.

    Examples
    --------
    >>> enrich_again(context, [("raw", "c1")])
    []
    """
    made = dict.fromkeys(config for variant, config in texts if variant != RAW)
    return [_words(context, each) for each in made if _stale(context, each)]


def _stale(context: Context, made: str) -> bool:
    """Whether some of a configuration's texts were made of raw ones that are no more."""
    of, base = where({"dataset": context.dataset, "config_id": made}), context.cutoff.config_id
    raw = where({"dataset": context.dataset, "config_id": base, "variant": RAW})
    query = f"""SELECT 1 FROM texts WHERE {of} AND (entity_id, source_hash) NOT IN
        (SELECT (entity_id, text_hash) FROM texts WHERE {raw}) LIMIT 1"""
    return bool(context.store.sql(query).fetchall())


def _words(context: Context, made: str) -> list[str]:
    past = [run.config for run in reversed(runs_of(context.store, context.dataset, "enrich"))]
    config = next(each for each in past if each.get("config_id") == made)
    asked: dict[str, Any] = {
        n: v for n, v in config["options"].items() if n in EnrichOptions.settings() and n != "variants"
    }
    if asked.get("engine") == EngineName.OPENAI:
        raise UntoldError("`llm4es enrich` comes first: no record says which server rewrote the texts")
    of = where({"dataset": context.dataset, "config_id": made})
    count = f"SELECT max(n) FROM (SELECT count(*) AS n FROM texts WHERE {of} GROUP BY entity_id)"
    asked["variants"] = context.store.sql(count).fetchall()[0][0]
    load = LoadOptions(**(config["options"].get("load") or {}))
    for constrain in Constrain:
        options = EnrichOptions(**asked, constrain=constrain)
        model: ModelRef | None = None
        if options.by is EnrichBy.LLM:
            model = resolved(context.store, options.model, fetch=False)
        now = fingerprint(options, load, model, paraphrased(context, options))
        again = {"base": context.cutoff.config_id, "options": now}
        if variants_config(context.store, context.dataset, again) == made:
            task = ["--task", context.which.task] if context.which.task else []
            whom = words_for(for_whom(context, "texts", made, past))
            words = [*flags(options, EnrichOptions(), ("variants",)), *flags(load, LoadOptions())]
            return ["enrich", context.dataset, *words, "--variants", str(options.variants), *task, *whom]
    raise UntoldError("`llm4es enrich` comes first: its texts are written otherwise now")
