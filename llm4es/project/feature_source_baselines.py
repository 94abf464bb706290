"""The baselines of a recipe as sources: what the same events give without a language model.

In: a store, a recipe, a choice of entities. Out: sources whose content is known before the events are read.
Knows no probe and no vectors.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..core.errors import StoreError
from ..core.sql import identifier
from ..features.widths import aggregates_width, counts_width
from .context import Context
from .feature_source import FeatureSource
from .selection import entities_sql, raw_config

if TYPE_CHECKING:
    from ..features.feature_set import FeatureSet


def baselines(context: Context) -> list[FeatureSource]:
    """The baselines that the recipe's events carry."""
    from ..core.hashing import config_id
    from ..core.tables import events_view

    events = identifier(events_view(context.dataset))
    if events_view(context.dataset) not in context.store.views():
        raise StoreError(
            f"no events of {context.dataset!r} in the store: run `llm4es serialize {context.dataset}` first"
        )
    ids = entities_sql(context.dataset, raw_config(context.store, context.dataset), context.max_entities)
    query = f"""SELECT sha256(string_agg(entity_id || ':' || source_hash, chr(10) ORDER BY entity_id))
        FROM {events} WHERE position = 0 AND entity_id IN ({ids})"""
    ((content,),) = context.store.sql(query).fetchall()

    def of_events(make: "Callable[..., FeatureSet]", columns: Sequence[str], argument: Any) -> "FeatureSet":
        chosen = ", ".join(["entity_id", *map(identifier, dict.fromkeys(columns))])
        query = f"SELECT {chosen} FROM {events} WHERE entity_id IN ({ids}) ORDER BY entity_id, position"
        return make(context.store.sql(query).to_arrow_reader(100_000), argument)

    def tfidf(item: str) -> "FeatureSet":
        from ..features.baselines import tfidf as baseline

        return of_events(baseline, [item], item)

    def aggregates() -> "FeatureSet":
        from ..features.aggregates import Columns
        from ..features.aggregates import aggregates as baseline

        columns = Columns(numeric=amounts, categorical=sizes)
        return of_events(baseline, [*amounts, *sizes], columns)

    def counts() -> "FeatureSet":
        from ..features.aggregates import counts as baseline

        return of_events(baseline, list(sizes), list(sizes))

    def majority() -> "FeatureSet":
        from ..features.baselines import majority as baseline

        entities = [entity for (entity,) in context.store.sql(ids).fetchall()]
        return baseline(entities)

    amounts = (context.recipe.amount,) if context.recipe.amount else ()
    sizes = dict(context.recipe.categories)
    made: dict[str, tuple[Callable[[], FeatureSet], int | None]] = {}
    if (item := context.recipe.item) is not None:
        query = f"SELECT count(DISTINCT {identifier(item)}) FROM {events} WHERE entity_id IN ({ids})"
        made["tfidf"] = (lambda: tfidf(item)), int(context.store.sql(query).fetchall()[0][0])
    if amounts or sizes:
        made["aggregates"] = aggregates, aggregates_width(len(amounts), sizes)
    made |= {"counts": (counts, counts_width(len(sizes))), "majority": (majority, 0)}
    said = {"tfidf": item, "aggregates": [context.recipe.amount, context.recipe.categories]}
    return [
        FeatureSource(label, made_of, _with_hash(make, made_of), dimensions=width, tokens=0)
        for label, (make, width) in made.items()
        for made_of in [content + config_id(said.get(label))]
    ]


def _with_hash(make: "Callable[[], FeatureSet]", source_hash: str) -> "Callable[[], FeatureSet]":
    return lambda: dataclasses.replace(make(), source_hash=source_hash)
