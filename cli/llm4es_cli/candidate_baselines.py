"""The baselines of a recipe as candidates: what the same events give without a language model.

In: a store, a recipe, a choice of entities. Out: candidates whose content is known before the events are read.
Knows no probe and no vectors.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from llm4es.core.errors import StoreError
from llm4es.core.sql import identifier
from llm4es.features.widths import aggregates_width, counts_width

from .candidate import Candidate
from .selection import entities_sql, raw_config
from .work import Work

if TYPE_CHECKING:
    from llm4es.features.feature_set import FeatureSet


def baselines(work: Work) -> list[Candidate]:
    """The baselines that the recipe's events carry."""
    from llm4es.core.hashing import config_id
    from llm4es.core.tables import events_view

    events = identifier(events_view(work.dataset))
    if events_view(work.dataset) not in work.store.views():
        raise StoreError(f"no events of {work.dataset!r} in the store: run `llm4es serialize {work.dataset}` first")
    ids = entities_sql(work.dataset, raw_config(work.store, work.dataset), work.max_entities)
    query = f"""SELECT sha256(string_agg(entity_id || ':' || source_hash, chr(10) ORDER BY entity_id))
        FROM {events} WHERE position = 0 AND entity_id IN ({ids})"""
    ((content,),) = work.store.sql(query).fetchall()

    def of_events(make: "Callable[..., FeatureSet]", columns: Sequence[str], argument: Any) -> "FeatureSet":
        chosen = ", ".join(["entity_id", *map(identifier, dict.fromkeys(columns))])
        query = f"SELECT {chosen} FROM {events} WHERE entity_id IN ({ids}) ORDER BY entity_id, position"
        return make(work.store.sql(query).to_arrow_reader(100_000), argument)

    def tfidf(item: str) -> "FeatureSet":
        from llm4es.features.baselines import tfidf as baseline

        return of_events(baseline, [item], item)

    def aggregates() -> "FeatureSet":
        from llm4es.features.aggregates import Columns
        from llm4es.features.aggregates import aggregates as baseline

        columns = Columns(numeric=amounts, categorical=sizes)
        return of_events(baseline, [*amounts, *sizes], columns)

    def counts() -> "FeatureSet":
        from llm4es.features.aggregates import counts as baseline

        return of_events(baseline, list(sizes), list(sizes))

    def majority() -> "FeatureSet":
        from llm4es.features.baselines import majority as baseline

        entities = [entity for (entity,) in work.store.sql(ids).fetchall()]
        return baseline(entities)

    amounts = (work.recipe.amount,) if work.recipe.amount else ()
    sizes = dict(work.recipe.categories)
    made: dict[str, tuple[Callable[[], FeatureSet], int | None]] = {}
    if (item := work.recipe.item) is not None:
        query = f"SELECT count(DISTINCT {identifier(item)}) FROM {events} WHERE entity_id IN ({ids})"
        made["tfidf"] = (lambda: tfidf(item)), int(work.store.sql(query).fetchall()[0][0])
    if amounts or sizes:
        made["aggregates"] = aggregates, aggregates_width(len(amounts), sizes)
    made |= {"counts": (counts, counts_width(len(sizes))), "majority": (majority, 0)}
    said = {"tfidf": item, "aggregates": [work.recipe.amount, work.recipe.categories]}
    return [
        Candidate(label, made_of, _with_hash(make, made_of), dimensions=width, tokens=0)
        for label, (make, width) in made.items()
        for made_of in [content + config_id(said.get(label))]
    ]


def _with_hash(make: "Callable[[], FeatureSet]", source_hash: str) -> "Callable[[], FeatureSet]":
    return lambda: dataclasses.replace(make(), source_hash=source_hash)
