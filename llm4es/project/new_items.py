"""How a probe of new items halves them: the context that feature sources read.

In: a context, options or the name of a protocol. Out: a context. Knows no features.
"""

from dataclasses import replace
from typing import Any

from ..core.errors import OptionError, nearest
from ..core.tasks import NEW_ITEMS, item_of, plain_protocol
from ..options.new_items import ItemHalves
from .context import Context


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
