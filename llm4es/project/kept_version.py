"""Which version of a tuned model stays: one that was asked for as it is now, whatever became of its texts.

In: a context, versions, what a tuning would be made of. Out: a version. Trains nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ..core.hashing import canonical_json
from .context import Context
from .cutoffs import is_later, keys
from .made_alike import texts_alike
from .recorded import runs_of
from .tuned_versions import TunedVersion

SAMPLE = "max_entities"
"""Key of a run's record: of how many entities the model was tuned on, where it was not everybody."""


def settings_of(context: Context, version: TunedVersion) -> dict[str, Any] | None:
    """What a version was asked for, as the record has it; None: the record does not know.

    Parameters
    ----------
    context : Context
        Dataset and store.
    version : TunedVersion
        One of the dataset's.

    Returns
    -------
    dict or None
        ``base``, ``options``, ``texts`` and more.
    """
    runs = runs_of(context.store, context.dataset, "finetune")
    return next((run.config for run in runs if run.config.get("config_id") == version.config_id), None)


def kept_version(context: Context, versions: Sequence[TunedVersion], config: Mapping[str, Any]) -> TunedVersion | None:
    """The newest version that was tuned with these settings, whatever has become of the texts since.

    Texts are data: new ones, changed ones and further variants are no other setting. Where histories end may have
    moved on, but not back: such a model would have read what comes after. One that was tuned on a sample stands for no
    larger one.

    Parameters
    ----------
    context : Context
        Dataset and store.
    versions : sequence of TunedVersion
        The newest first.
    config : mapping
        ``base``, ``options`` and ``texts`` of a tuning that would be made now.

    Returns
    -------
    TunedVersion or None
        None: a setting has changed, or there was no tuning.
    """
    return next((each for each in versions if _is_alike(context, settings_of(context, each), config)), None)


def _is_of_as_many(then: int | None, now: int | None) -> bool:
    """Whether one sample holds another: None is everybody."""
    return then is None or (now is not None and now <= then)


def _is_alike(context: Context, then: Mapping[str, Any] | None, now: Mapping[str, Any]) -> bool:
    """Whether one tuning was asked for as another is, of texts that are made alike."""
    if (
        then is None
        or not _is_of_as_many(then.get(SAMPLE), context.max_entities)
        or any(canonical_json(then.get(name)) != canonical_json(now[name]) for name in ("base", "options"))
    ):
        return False
    alike, ends = texts_alike(context.store, context.dataset), keys(context.store, context.dataset)
    texts = dict(now["texts"])

    def is_there(variant: str, config: str) -> bool:
        if variant not in texts or config == texts[variant]:
            return variant in texts
        made_alike = config in alike and canonical_json(alike[config]) == canonical_json(alike.get(texts[variant]))
        return made_alike and not is_later(ends.get(config, ""), context.cutoff)

    return all(is_there(variant, config) for variant, config in then.get("texts", ()))
