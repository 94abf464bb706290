"""What a probe of two times can be given: the same features of the histories that it learns from and that it scores.

In: a context of two times. Out: feature sources that read both. Vectors pair where one model made them with one set of
settings. Knows no probe.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from ..core.errors import OptionError
from ..core.hashing import canonical_json, text_hash
from ..core.times import typed
from .context import Context
from .feature_source import FeatureSource
from .feature_source_vectors import vectors
from .out_of_time_baselines import baselines_of_two


def of_two_times(context: Context) -> list[FeatureSource]:
    """Every embedding and every baseline of both times; those of one time only say what they lack.

    Parameters
    ----------
    context : Context
        Recipe, store, the two times.

    Returns
    -------
    list of FeatureSource
        Vectors first.

    Raises
    ------
    StoreError
        Where there are no texts of one of the times.

    Examples
    --------
    >>> of_two_times(context)
    Traceback (most recent call last):
    llm4es.core.errors.OptionError: one time is meant, not two
    """
    past, now = context.earlier, context.scored
    if past is None:
        raise OptionError("one time is meant, not two")
    return [*_paired(past, now), *baselines_of_two(past, now)]


def _paired(past: Context, now: Context) -> Iterator[FeatureSource]:
    """The vectors of both times."""
    before = {_making(source): source for source in vectors(past)}
    after = {_making(source): source for source in vectors(now)}
    for making, source in after.items():
        twin = before.get(making)
        if not source.settings:
            yield replace(source, lacking="imported: nobody knows where the histories end, so not probed at two times")
        elif twin is None:
            yield replace(source, lacking=_missing(past, source))
        else:
            yield replace(
                source,
                content=partial(_content, twin, source),
                earlier=twin.load,
                n_live=None if None in (twin.n_live, source.n_live) else min(twin.n_live or 0, source.n_live or 0),
                n_stale=max(twin.n_stale, source.n_stale),
                seconds=(twin.seconds or 0) + (source.seconds or 0) or None,
            )
    for making, source in before.items():
        if making not in after and source.settings:
            yield replace(source, lacking=_missing(now, source))


def _content(*of_times: FeatureSource) -> str:
    return text_hash(canonical_json([source.source_hash for source in of_times]))


def _making(source: FeatureSource) -> tuple[str, int | None, int | None]:
    return source.settings or source.name, source.k, source.layer


def _missing(context: Context, source: FeatureSource) -> str:
    end = typed(context.which.as_of) if context.which.as_of else ""
    model, dataset = source.model or source.name.partition("@")[0], context.dataset
    return (
        f"no such vectors of histories before {end}: `llm4es serialize {dataset} --as-of {end}` and then "
        f"`llm4es embed {dataset} --model {model}` with the same settings make them"
    )
