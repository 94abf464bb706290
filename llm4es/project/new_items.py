"""What a probe of new items can be given: the same features of the events of some items, and of those of the others.

In: a context that says how items are halved. Out: feature sources that read every side of a repeat. Knows no probe.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ..core.errors import OptionError, nearest
from ..core.hashing import canonical_json, text_hash
from ..core.tasks import NEW_ITEMS, item_of, plain_protocol
from ..options.new_items import ItemHalves
from .context import Context
from .feature_source import FeatureSource
from .feature_source_baselines import baselines
from .feature_source_vectors import vectors
from .histories import Histories
from .item_halves import Halved
from .selection import entities_sql

if TYPE_CHECKING:
    from ..features.feature_set import FeatureSet

_WHOLE = (
    "a vector of a whole history knows the items of both halves; `llm4es embed {} --history events` makes vectors "
    "that can be halved"
)

_IMPORTED = "imported: nobody knows which items they were made of, so not probed on new ones"


def with_new_items(context: Context, options: Any) -> Context:
    """The same means for a probe of new items; as they are for another protocol.

    Parameters
    ----------
    context : Context
        Recipe and store.
    options : ProbeOptions or CompareOptions
        Protocol, and how items are halved.

    Returns
    -------
    Context
        Which ``feature_sources`` reads.

    Raises
    ------
    OptionError
        Where there is no such item, or no time to halve by.

    Examples
    --------
    >>> from llm4es.options import ProbeOptions
    >>> with_new_items(context, ProbeOptions(protocol="new-items")).new_items.item
    'product'
    """
    if options.protocol.partition("@")[0] != NEW_ITEMS:
        return context
    recipe = context.recipe
    item, known = options.item or recipe.item, [field.name for field in recipe.fields]
    if item is None:
        raise OptionError(
            f"--protocol {NEW_ITEMS} needs an item, and recipe {context.dataset!r} names none: give --item FIELD, one "
            f"of {', '.join(known)}"
        )
    if item not in known:
        raise OptionError(f"--item {item!r} is no field of {context.dataset!r}: {nearest(item, known)}")
    if options.since is not None and recipe.events.time is None:
        raise OptionError(f"--since needs times, and recipe {context.dataset!r} has no events.time: give --share")
    seed = getattr(options, "seed", 0)
    return context.with_(new_items=ItemHalves(item, options.share, options.since, seed))


def under_protocol(context: Context, name: str) -> Context:
    """The same means for what rows of ``probes`` of a protocol are made of now.

    Parameters
    ----------
    context : Context
        Recipe and store.
    name : str
        The protocol as rows bear it.

    Returns
    -------
    Context
        Which ``feature_sources`` reads: their content depends on the item, not on how it is halved.

    Examples
    --------
    >>> under_protocol(context, "new-items of amount").new_items.item, under_protocol(context, "cv").new_items
    ('amount', None)
    """
    item = item_of(name) or context.recipe.item
    return context if plain_protocol(name) != NEW_ITEMS or item is None else context.with_(new_items=ItemHalves(item))


def without_usual_item(context: Context, options: Any) -> Any:
    """The options without ``--item`` where it names the recipe's own: these are the same probes."""
    return replace(options, item=None) if options.item is not None and options.item == context.recipe.item else options


def of_new_items(context: Context) -> list[FeatureSource]:
    """Every baseline of both halves; vectors of whole histories only say what they lack.

    Parameters
    ----------
    context : Context
        Recipe, store, how items are halved.

    Returns
    -------
    list of FeatureSource
        Vectors first.

    Raises
    ------
    OptionError
        Where it is not said how.

    Examples
    --------
    >>> of_new_items(context)
    Traceback (most recent call last):
    llm4es.core.errors.OptionError: it is not said how items are halved
    """
    if context.new_items is None:
        raise OptionError("it is not said how items are halved")
    whole = context.with_(new_items=None)
    return [*_lacking(whole), *_halved(whole, context.new_items)]


def _lacking(context: Context) -> Iterator[FeatureSource]:
    """The vectors that cannot be halved."""
    for source in vectors(context):
        yield replace(source, lacking=_WHOLE.format(context.dataset) if source.settings else _IMPORTED)


def _halved(context: Context, how: ItemHalves) -> Iterator[FeatureSource]:
    """The baselines."""
    for source in baselines(context):
        content = text_hash(canonical_json([source.source_hash, NEW_ITEMS, how.item]))
        yield replace(source, source_hash=content, halves=partial(_of_repeat, context, how, source.name, content))


def _of_repeat(context: Context, how: ItemHalves, name: str, content: str, repeat: int) -> "FeatureSet":
    """A baseline of a repeat, an entity's rows of every side in it."""
    config = context.cutoff.config_id
    histories = Histories(context.store, context.dataset, config)
    ids = entities_sql(context.dataset, config, context.max_entities)
    return Halved(context, histories, ids, replace(how, seed=how.seed + repeat)).load(name, content)
