"""What is typed to probe again: the same protocol, folds, entities and features.

In: what a probe's record says. Out: words; UntoldError where none make probes of that very configuration. Fits nothing.
"""

from collections.abc import Collection, Mapping
from typing import Any

from ..core.hashing import config_id
from ..options import ProbeOptions, SelectOptions
from .again import UntoldError, flags
from .cohorts import asked_for, configuration
from .combined_sources import expanded
from .context import Context
from .cutoffs import two_times
from .feature_source import FeatureSource
from .feature_sources import named
from .new_items import with_new_items
from .recorded import runs_of


def probe_options(config: Mapping[str, Any]) -> ProbeOptions:
    """The options of a recorded probe; those of a version that had others are left out.

    Examples
    --------
    >>> probe_options({"options": {"folds": 2, "train_size": 10}}).sizes
    (10,)
    """
    asked = {name: value for name, value in config["options"].items() if name in ProbeOptions.settings()}
    size, (train, test) = config["options"].get("train_size"), two_times(config.get("as_of", ""))
    return ProbeOptions(**asked, sizes=(size,) if size else (), train_as_of=train, test_as_of=test)


def probe_words(dataset: str, config: Mapping[str, Any]) -> list[str]:
    """What is typed behind ``llm4es`` to probe as a record says, but for the features.

    Parameters
    ----------
    dataset : str
        Whose.
    config : mapping
        ``task``, ``options``; ``max_entities`` and ``as_of`` where there are such.

    Returns
    -------
    list of str
        Words, none that is usual anyway.

    Raises
    ------
    UntoldError
        For a value that cannot be typed.

    Examples
    --------
    >>> probe_words("shop", {"task": "loyal", "options": {"protocol": "cv", "folds": 2}, "max_entities": 9})
    ['probe', 'shop', '--task', 'loyal', '--folds', '2', '--max-entities', '9']
    """
    n = config.get("max_entities")
    words = ["probe", dataset, "--task", config["task"], *flags(probe_options(config), ProbeOptions())]
    return words if n is None else [*words, "--max-entities", str(n)]


def record_of(context: Context, made: str) -> dict[str, Any]:
    """What the newest run that made probes of a configuration was asked for; UntoldError where there is none."""
    for run in reversed(runs_of(context.store, context.dataset, "probe")):
        if run.config.get("config_id") == made:
            return run.config
    raise UntoldError("no record says how they were made")


def probe_again(
    context: Context,
    config: Mapping[str, Any],
    features: Collection[str],
    there: Mapping[str, FeatureSource],
    also: Collection[str] = (),
) -> list[str]:
    """The words that probe some ``features`` again, of those that are ``there``; UntoldError where none do.

    They are not named where all that there is was probed so (``also``), which is what is probed where nothing is named.
    """
    task, options = config["task"], probe_options(config)
    if task not in context.recipe.tasks:
        raise UntoldError(f"the recipe has no task {task!r} any more")
    (single,) = options.each_size()
    of = with_new_items(context.at(options.train_as_of, options.test_as_of).of_task(task), options)
    of = of.with_(max_entities=config.get("max_entities"))
    again = configuration(of.with_(max_entities=asked_for(of)), task, single)
    if config_id(again) != config["config_id"]:
        raise UntoldError("the task, its entities or where histories end are not what they were")
    every = {name for name, source in there.items() if source.is_newest and source.embedded and not source.lacking}
    if set(features) <= every <= {*features, *also}:
        return probe_words(context.dataset, config)
    typed = ",".join(sorted(features))
    if sorted(named(name, there).name for name in expanded(SelectOptions.of(features=typed).features, there)) != sorted(
        features
    ):
        raise UntoldError(f"--features {typed!r} cannot be typed")
    return [*probe_words(context.dataset, config), "--features", typed]
