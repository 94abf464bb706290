"""What a probe of new items can be given: the same features of the events of some items, and of those of the others.

In: a context that says how items are halved. Out: feature sources that read every side of a repeat. Knows no probe.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING

from ..core.errors import OptionError
from ..core.hashing import canonical_json, text_hash
from ..core.tasks import NEW_ITEMS
from ..options.new_items import ItemHalves
from .align_target import ALIGNED
from .context import Context
from .event_halves import EventHalves
from .feature_source import FeatureSource
from .feature_source_baselines import Baselines, baselines
from .feature_source_vectors import vectors
from .item_halves import HalvedHistories
from .recorded import runs_of
from .selection import entities_sql

if TYPE_CHECKING:
    from ..features.feature_set import FeatureSet

_WHOLE = (
    "a vector of a whole history knows the items of both halves; `llm4es embed {} --history events` makes vectors "
    "that can be halved"
)

_IMPORTED = "imported: nobody knows which items they were made of, so not probed on new ones"


def of_new_items(context: Context) -> list[FeatureSource]:
    """Every baseline and all event vectors of both halves; vectors of whole histories only say what they lack.

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
    return [*_vectors(whole, context.new_items), *_baselines(whole, context.new_items)]


def _vectors(context: Context, how: ItemHalves) -> Iterator[FeatureSource]:
    """Those made of events, each fold making its own of them; the others only say what they lack."""
    made = {run.config.get("config_id"): run.config for run in runs_of(context.store, context.dataset, "embed")}
    for source in vectors(context):
        config = made.get(source.config_id, {})
        if ALIGNED in config:
            yield replace(source, lacking="vectors that were turned towards another version's are not halved")
            continue
        if "events" not in config:
            yield replace(source, lacking=_WHOLE.format(context.dataset) if source.settings else _IMPORTED)
            continue
        halved = EventHalves(context, source, config, how)
        yield replace(source, content=partial(_content, source, how), halves=halved.of_repeat, lacking=halved.lacking)


def _baselines(context: Context, how: ItemHalves) -> Iterator[FeatureSource]:
    for source in baselines(context):
        content = cache(partial(_content, source, how))
        yield replace(source, content=content, halves=partial(_of_repeat, context, how, source.name, content))


def _content(source: FeatureSource, how: ItemHalves) -> str:
    return text_hash(canonical_json([source.source_hash, NEW_ITEMS, how.item]))


def _of_repeat(context: Context, how: ItemHalves, name: str, content: Callable[[], str], repeat: int) -> "FeatureSet":
    """A baseline of a repeat, an entity's rows of every side in it."""
    config = context.cutoff.config_id
    ids = entities_sql(context.dataset, config, context.max_entities)
    of_repeat = replace(how, seed=how.seed + repeat)
    return _Halved(context, HalvedHistories(context.store, context.dataset, config, of_repeat, ids), ids).load(
        name, content
    )


class _Halved(Baselines):
    """The baselines of every side: their histories know which event is of which."""

    def entities(self) -> list[str]:
        """Everybody, once a side."""
        rows = self.context.store.sql(f"SELECT DISTINCT entity_id FROM ({self.events([])})").fetchall()
        return [entity for (entity,) in rows]
