"""What a probe can be given: the embeddings of the store, and the baselines of the same entities.

In: a store, a recipe, a choice of entities, names. Out: feature sources. Knows no probe.
"""

import re
from collections.abc import Collection, Mapping, Sequence

from ..core.errors import OptionError, did_you_mean
from ..core.tasks import BASELINE_NAMES
from ..core.versions import version_of, with_version
from ..features.expressions import parse_expression
from ..features.joins import EMBEDDING, parted
from ..features.names import parse_features
from .combined_sources import combined, expanded
from .context import Context
from .feature_source import FeatureSource, joined
from .feature_source_baselines import baselines
from .feature_source_vectors import vectors

ALL = 0
"""As a depth: every layer averaged. As a layer: each of them."""

READ_ANEW = "`llm4es embed` (after `enrich`, where it reads enriched texts)"
"""What makes vectors anew whose texts have changed."""

NEEDED = {
    "tfidf": "an item",
    "words-aligned": "an item",
    "aggregates": "an amount or categories",
    "recency": "events.time",
}
"""What a baseline that is not there was not made for want of."""


def feature_sources(
    context: Context,
    chosen: Sequence[str] = (),
    depths: Collection[int] = (),
    layers: Collection[int] = (),
    also: Collection[tuple[str, str]] = (),
    there: Sequence[FeatureSource] | None = None,
) -> list[FeatureSource]:
    """Every embedding of the dataset, of each model the newest version, and every baseline; or those named.

    Parameters
    ----------
    context : Context
        Recipe, store, how many entities.
    chosen : sequence of str, default ()
        Features by name; none: all.
    depths : collection of int, default ()
        Only vectors of these k, beside the baselines; 0: the deepest of each model.
    layers : collection of int, default ()
        Only vectors of these layers, beside the baselines; 0: each. Both are made from kept layers where they are not
        embedded.
    also : collection of (str, str), default ()
        Models, by version, and configurations whose vectors are taken too, be they of an older version.
    there : sequence of FeatureSource, optional
        What there is, where that is known already.

    Returns
    -------
    list of FeatureSource
        What can be probed; no row is read yet.

    Raises
    ------
    OptionError
        For what is not there.

    Examples
    --------
    >>> [source.name for source in feature_sources(context, depths=[1])]
    ['model@1 [64 tokens]', 'tfidf', 'words', 'words-aligned', 'counts', 'recency', 'majority']
    """
    found = all_feature_sources(context) if there is None else list(there)
    if chosen:
        by_name = {source.name: source for source in found}
        sources = [named(text, by_name) for text in expanded(chosen, by_name)]
        return live(context, list({source.name: source for source in sources}.values()), named=True)  # aliases are one
    if not depths and not layers:
        older = {(with_version(*version_of(model)), config) for model, config in also}
        wanted = [source for source in found if source.is_newest or _of(source, older)]
        return live(context, [source for source in wanted if source.embedded])
    found = [source for source in found if source.is_newest]
    kept = _of_depths(found, depths) + _of_layers(found, layers, context.dataset)
    return live(context, kept + [source for source in found if source.name in BASELINE_NAMES])


def live(context: Context, sources: Sequence[FeatureSource], *, named: bool = False) -> list[FeatureSource]:
    """Those that have rows made of texts as they are; what is left out of them is said.

    Parameters
    ----------
    context : Context
        Who hears of it.
    sources : sequence of FeatureSource
        What was chosen.
    named : bool, default False
        By name: one that is stale as a whole is an error.

    Returns
    -------
    list of FeatureSource
        In their order.

    Raises
    ------
    OptionError
        For a named one that is stale as a whole.

    Examples
    --------
    >>> len(live(context, all_feature_sources(context)))
    8
    """
    sources = _whole(context, sources, named=named)
    remedy = f"{READ_ANEW} makes them anew"
    dead = [source.name for source in sources if source.n_live == 0]
    if named and dead:
        raise OptionError(f"--features {dead[0]!r}: all its vectors were made of texts that have changed: {remedy}")
    partly = [source for source in sources if source.n_stale and source.n_live != 0]
    most = max((source.n_stale for source in partly), default=0)
    for names, what in ((dead, "all vectors"), ([each.name for each in partly], f"vectors of {most} entities")):
        if names:
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            context.observer.warn(
                f"{', '.join(names[:3])}{more}: {what} are stale and left out, their texts have changed or vanished; "
                f"{remedy}"
            )
    return [source for source in sources if source.n_live != 0]


def _whole(context: Context, sources: Sequence[FeatureSource], *, named: bool) -> list[FeatureSource]:
    """Those that lack nothing; the others are an error where they were named, else said."""
    for lacking in dict.fromkeys(source.lacking for source in sources if source.lacking):
        names = [source.name for source in sources if source.lacking == lacking]
        if named:
            raise OptionError(f"--features {names[0]!r}: {lacking}")
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        context.observer.warn(f"{', '.join(names[:3])}{more}: left out, {lacking}")
    return [source for source in sources if not source.lacking]


def all_feature_sources(context: Context) -> list[FeatureSource]:
    """Every embedding, every baseline, and what kept layers can be made into.

    Parameters
    ----------
    context : Context
        Recipe, store, how many entities.

    Returns
    -------
    list of FeatureSource
        Vectors first.

    Examples
    --------
    >>> len(all_feature_sources(context))
    8
    """
    if context.earlier is not None:
        from .out_of_time import of_two_times  # brings along what few probes need, as the other does

        return of_two_times(context)
    if context.new_items is not None:
        from .new_items_sources import of_new_items

        return of_new_items(context)
    return [*vectors(context), *baselines(context)]


def named(text: str, found: Mapping[str, FeatureSource]) -> FeatureSource:
    """The source of that name, several joined by '+', or several whose probes are combined.

    Parameters
    ----------
    text : str
        ``m@8``, ``m@all``, ``m@8+tfidf``, ``vote(tfidf, m@8)``; settings may be left out where a model has one
        configuration only.
    found : mapping of str to FeatureSource
        Name -> what there is.

    Returns
    -------
    FeatureSource
        One.

    Raises
    ------
    OptionError
        For what is not there.

    Examples
    --------
    >>> by_name = {source.name: source for source in all_feature_sources(context)}
    >>> named("model@all+counts", by_name).name
    'model@4 [64 tokens]+counts'
    """
    if text in found:
        return found[text]
    if (tree := parse_expression(text)).how is not None:
        return combined(tree, found, lambda name: named(name, found))
    if parts := parted(text, lambda piece: _closest(piece.removeprefix(EMBEDDING), found)):
        return joined(parts)
    lacking = next(part for part in parse_features(text) if _closest(part.name, found) is None)
    if lacking.baseline in NEEDED:
        raise OptionError(f"--features {lacking.name!r} needs {NEEDED[lacking.baseline]} in the recipe: there is none")
    there = ", ".join(_listed(found)) + did_you_mean(lacking.name, found)
    raise OptionError(f"--features {lacking.name!r} is not in the store: there are {there}")


def _listed(found: Mapping[str, FeatureSource]) -> list[str]:
    """The names that are embedded, many depths of one model in one: ``smollm2-135m@1,2,8 [256 tokens]``."""
    depths: dict[tuple[str, str], list[int]] = {}
    for label, source in found.items():
        if source.embedded:
            model = source.model or label
            settings = label.removeprefix(model).removeprefix(f"@{source.k}") if source.k else ""
            depths.setdefault((model, settings), []).extend([source.k] if source.k else [])
    return [model + (f"@{_numbers(sorted(ks))}" if ks else "") + settings for (model, settings), ks in depths.items()]


def _numbers(rising: Sequence[int]) -> str:
    """``1,2,8``; ``1-30`` where none is left out."""
    gapless = rising[-1] - rising[0] == len(rising) - 1 > 2
    return f"{rising[0]}-{rising[-1]}" if gapless else ",".join(map(str, rising))


def _closest(part: str, found: Mapping[str, FeatureSource]) -> FeatureSource | None:
    """``smollm2-135m@8`` also names the one configuration of it that there is, such as ``smollm2-135m@8 [full]``.

    Of a model with versions the bare name is the newest.
    """
    found = every_name(found)
    if (every := re.fullmatch(r"(.+)@all(.*)", part)) is not None:  # the deepest k that there is
        model, settings = every.groups()
        depths = [each.k or 0 for name, each in found.items() if re.match(rf"{re.escape(model)}@\d", name)]
        part = f"{model}@{max(depths, default=0)}{settings}"
    if part in found:
        return found[part]
    alike = {found[name].name: found[name] for name in found if name.startswith(f"{part} [")}
    return next(iter(alike.values())) if len(alike) == 1 else None


def every_name(found: Mapping[str, FeatureSource]) -> dict[str, FeatureSource]:
    """The sources by every name that they have, with their versions and without.

    Parameters
    ----------
    found : mapping of str to FeatureSource
        Name -> what there is.

    Returns
    -------
    dict of str to FeatureSource
        A name in tables goes before another's alias.

    Examples
    --------
    >>> list(every_name({"m@v2@8": FeatureSource("m@v2@8", "h", load=list, aliases=("m@8",))}))
    ['m@8', 'm@v2@8']
    """
    aliases = {alias: source for source in found.values() for alias in source.aliases}
    return aliases | dict(found)


def _of(source: FeatureSource, versions: Collection[tuple[str, str]]) -> bool:
    """Whether these are vectors of one of the versions: two of the same weights have one configuration."""
    return (with_version(*version_of(_model(source))), source.config_id) in versions


def _of_depths(found: Sequence[FeatureSource], depths: Collection[int]) -> list[FeatureSource]:
    """The vectors averaged over so many last layers."""
    models = {_model(each): max(other.k or 0 for other in found if _model(other) == _model(each)) for each in found}
    kept = [each for each in found if each.k in depths or (ALL in depths and each.k and each.k == models[_model(each)])]
    for depth in depths:
        if not any(each.k == depth or depth == ALL for each in kept):
            there = sorted({each.k for each in found if each.k})
            raise OptionError(
                f"--k {depth} is neither embedded nor can it be made from kept layers: there are "
                f"{', '.join(map(str, there)) or 'none'}; run `llm4es embed` with this k, or with --layers keep"
            )
    return kept


def _of_layers(found: Sequence[FeatureSource], layers: Collection[int], dataset: str) -> list[FeatureSource]:
    """The vectors of single layers."""
    there = {each.layer for each in found if each.layer is not None}
    if layers and not there:
        raise OptionError(f"--layers needs kept layers: run `llm4es embed {dataset} --layers keep` first")
    if beyond := sorted(set(layers) - there - {ALL}):
        raise OptionError(f"--layers {beyond[0]} is not kept: give numbers from 1 to {max(there)}, or all")
    return [each for each in found if each.layer is not None and (each.layer in layers or ALL in layers)]


def _model(source: FeatureSource) -> str:
    return source.model or source.name
