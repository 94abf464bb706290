"""What is said of probes that are left out of a comparison: why, and what makes them anew.

In: features with reasons. Out: lines. Knows no store.
"""

import re
from collections.abc import Callable, Iterable, Mapping

from .context import Context
from .feature_source import FeatureSource

NEWER = "a newer version is there"
"""Why a probe is stale: the newer version of its name was not probed."""

OLDER = "an older version than "
"""Why a probe is left out for good: the newer version that its name stands for was probed too."""


def is_newer(source: FeatureSource, name: str) -> bool:
    """Whether a name without a version stands for a later version than the first.

    Examples
    --------
    >>> is_newer(FeatureSource("rfm@v2", "h", load=list), "rfm")
    True
    """
    return name != source.name and re.search(r"@v[1-9]", source.name) is not None


def older(newer: FeatureSource, made_of: Iterable[FeatureSource]) -> str:
    """Why a probe that bears the bare name is left out: what it is called by now, where that is there, and the newer.

    Examples
    --------
    >>> first, second = (FeatureSource(f"rfm@v{n}", "h", load=list) for n in (1, 2))
    >>> older(second, [first])
    'rfm@v1, an older version than rfm@v2'
    """
    now = next((f"{source.name}, " for source in made_of), "")
    return f"{now}{OLDER}{newer.name}"


def say_stale(context: Context, task: str, stale: Mapping[str, str], remedy: Callable[[Iterable[str]], str]) -> None:
    """Name what is left out of a comparison: one line a reason.

    Parameters
    ----------
    context : Context
        Who hears of it.
    task : str
        Whose features.
    stale : mapping of str to str
        Features -> why.
    remedy : callable
        Reasons to what makes them anew.
    """
    for reason in dict.fromkeys(stale.values()):
        if OLDER in reason:
            names = ", ".join(name for name, why in stale.items() if why == reason)
            context.observer.say(f"{task}: {names} is left out: {reason}")
            continue
        context.observer.warn(f"{task}: {in_words(stale, reason)}; {remedy((reason,))} recomputes them")


def in_words(stale: Mapping[str, str], reason: str | None = None) -> str:
    """``2 features stale: tfidf, m@8: labels changed``."""
    names = [name for name, why in stale.items() if reason in (None, why)]
    listed = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    what = "1 feature" if len(names) == 1 else f"{len(names)} features"
    why = reason or ", ".join(dict.fromkeys(stale.values()))
    return f"{what} stale: {listed}: {why}"
