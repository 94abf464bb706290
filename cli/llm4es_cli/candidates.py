"""What a probe can be given: the embeddings of the store, and the baselines of the same entities.

In: a store, a recipe, a choice of entities. Out: candidates whose content is known before their rows are read.
Knows no probe.
"""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from llm4es.errors import OptionError, StoreError
from llm4es_store.quoting import literal, name

from .registry import lineage_of
from .selection import entities_sql, raw_config
from .work import Work

if TYPE_CHECKING:
    from llm4es.features import FeatureSet

_DEFAULTS = {"pooling": "mean", "texts": "raw", "history": "newest", "max_length": 512}
"""What a readable name leaves out."""

_IMPORTED = "imported"
"""The pooling of vectors that were made elsewhere, see ``llm4es.foreign``."""


@dataclass(frozen=True)
class Candidate:
    """Features that could be probed: their name, and their content's hash."""

    name: str
    source_hash: str
    load: "Callable[[], FeatureSet]"
    """Read the rows: only called where the probe is not there yet."""


def candidates(work: Work, chosen: Sequence[str] = ()) -> list[Candidate]:
    """Every embedding of the dataset and every baseline, or those named. Raises OptionError for an unknown name."""
    found = {candidate.name: candidate for candidate in [*_embeddings(work), *_baselines(work)]}
    if not chosen:
        return list(found.values())
    unknown = [each for each in chosen if each not in found]
    if unknown:
        raise OptionError(f"--features {unknown[0]!r} is not in the store: there are {', '.join(found)}")
    return [found[each] for each in chosen]


def _entities(work: Work) -> str:
    return entities_sql(work.dataset, raw_config(work.store, work.dataset), work.max_entities)


def _embeddings(work: Work) -> list[Candidate]:
    """One candidate a (model, k, configuration)."""
    query = f"""SELECT model, k, config_id, any_value(pooling) AS pooling, any_value(texts) AS texts,
            any_value(history) AS history, any_value(max_length) AS max_length,
            sha256(string_agg(entity_id || ':' || source_hash, chr(10) ORDER BY entity_id)) AS source_hash
        FROM embeddings WHERE dataset = {literal(work.dataset)} AND entity_id IN ({_entities(work)})
        GROUP BY model, k, config_id ORDER BY model, k, min(run_id)"""
    rows = work.store.sql(query).to_arrow_table().to_pylist()
    seen = {model: _seen(work, model) for model in {row["model"] for row in rows}}
    names = readable(rows)
    return [
        Candidate(label, row["source_hash"] + row["config_id"], _loader(work, row, label, seen[row["model"]]))
        for label, row in zip(names, rows, strict=True)
    ]


def readable(rows: Sequence[dict[str, Any]]) -> list[str]:
    """``model@k``, and whatever of the configuration is not the default: ``smollm2-135m@8 [256 tokens, full]``."""
    names = []
    for row in rows:
        if row["pooling"] == _IMPORTED:  # made elsewhere: its name is all we know of it
            names.append(str(row["model"]))
            continue
        parts = [str(row[key]) for key in ("texts", "history", "pooling") if row[key] != _DEFAULTS[key]]
        if row["max_length"] != _DEFAULTS["max_length"]:
            parts.insert(0, f"{row['max_length']} tokens")
        names.append(f"{row['model']}@{row['k']}" + (f" [{', '.join(parts)}]" if parts else ""))
    # Two that still read the same differ in their texts' configuration: the newer ones bear its name.
    return [f"{label} #{rows[at]['config_id'][:6]}" if label in names[:at] else label for at, label in enumerate(names)]


def _seen(work: Work, model: str) -> frozenset[str]:
    """Entities that the model, or one it was tuned from, was trained on."""
    names = ", ".join(literal(each) for each in lineage_of(work.store, model))
    query = f"""SELECT DISTINCT entity_id FROM exposures
        WHERE dataset = {literal(work.dataset)} AND model IN ({names})"""
    return frozenset(entity for (entity,) in work.store.sql(query).fetchall())


def _loader(work: Work, row: dict[str, Any], label: str, seen: frozenset[str]) -> "Callable[[], FeatureSet]":
    def load() -> "FeatureSet":
        import numpy as np

        from llm4es.features import FeatureSet

        rows = work.store.sql(
            f"""SELECT entity_id, vector FROM embeddings
            WHERE dataset = {literal(work.dataset)} AND model = {literal(row["model"])} AND k = {row["k"]}
            AND config_id = {literal(row["config_id"])} AND entity_id IN ({_entities(work)}) ORDER BY entity_id"""
        ).to_arrow_table()
        vectors = rows["vector"].combine_chunks()
        return FeatureSet(
            name=label,
            entity_ids=rows["entity_id"].to_pylist(),
            matrix=np.asarray(vectors.flatten()).reshape(len(vectors), -1),  # (N, D)
            model=row["model"],
            k=row["k"] or None,  # 0: imported, no layers were averaged
            seen=seen,
            source_hash=row["source_hash"] + row["config_id"],
        )

    return load


def _baselines(work: Work) -> list[Candidate]:
    """The baselines that the recipe's events carry."""
    from llm4es_store import events_view

    events = name(events_view(work.dataset))
    if events_view(work.dataset) not in work.store.views():
        raise StoreError(f"no events of {work.dataset!r} in the store: run `llm4es serialize {work.dataset}` first")
    query = f"""SELECT sha256(string_agg(entity_id || ':' || source_hash, chr(10) ORDER BY entity_id))
        FROM {events} WHERE position = 0 AND entity_id IN ({_entities(work)})"""
    ((content,),) = work.store.sql(query).fetchall()

    def tfidf(item: str) -> "FeatureSet":
        from llm4es.baselines import tfidf as baseline

        chosen = f"SELECT entity_id, {name(item)} FROM {events} WHERE entity_id IN ({_entities(work)})"
        return dataclasses.replace(baseline(work.store.sql(chosen).to_arrow_reader(100_000), item), source_hash=content)

    def majority() -> "FeatureSet":
        from llm4es.baselines import majority as baseline

        ids = [entity for (entity,) in work.store.sql(_entities(work)).fetchall()]
        return dataclasses.replace(baseline(ids), source_hash=content)

    found = [Candidate("majority", content, majority)]
    if (item := work.recipe.item) is not None:
        found.insert(0, Candidate("tfidf", content, lambda: tfidf(item)))
    return found
