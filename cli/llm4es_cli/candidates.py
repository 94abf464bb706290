"""What a probe can be given: the embeddings of the store, and the baselines of the same entities.

In: a store, a recipe, a choice of entities. Out: candidates whose content is known before their rows are read.
Knows no probe.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
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
    return [_named(each, found) for each in chosen] if chosen else list(found.values())


def _named(text: str, found: "Mapping[str, Candidate]") -> Candidate:
    """The candidate of that name, or several joined by '+'. Raises OptionError for what is not there."""
    from llm4es.baselines import BASELINES
    from llm4es.naming import parse_features

    if text in found:
        return found[text]
    parts = [part.name for part in parse_features(text, BASELINES)]
    joined = [_closest(part, found) for part in parts]
    if None in joined:
        raise OptionError(f"--features {parts[joined.index(None)]!r} is not in the store: there are {', '.join(found)}")
    return _join([part for part in joined if part is not None])


def _closest(part: str, found: "Mapping[str, Candidate]") -> Candidate | None:
    """``smollm2-135m@8`` also names the one configuration of it that there is, such as ``smollm2-135m@8 [full]``."""
    if part in found:
        return found[part]
    model, _, k = part.rpartition("@")
    if k == "all":  # the deepest k that there is
        depths = [int(label.partition(" ")[0].rpartition("@")[2]) for label in found if label.startswith(f"{model}@")]
        part = f"{model}@{max(depths, default=0)}"
    alike = [label for label in found if label == part or label.startswith(f"{part} [")]
    return found[alike[0]] if len(alike) == 1 else None


def _join(parts: Sequence[Candidate]) -> Candidate:
    """Several side by side."""
    from llm4es.features import join
    from llm4es.fingerprint import canonical_json, text_hash

    if len(parts) == 1:
        return parts[0]
    content = text_hash(canonical_json([part.source_hash for part in parts]))
    return Candidate("+".join(part.name for part in parts), content, lambda: join([part.load() for part in parts]))


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
    from llm4es.fingerprint import config_id
    from llm4es_store import events_view

    events = name(events_view(work.dataset))
    if events_view(work.dataset) not in work.store.views():
        raise StoreError(f"no events of {work.dataset!r} in the store: run `llm4es serialize {work.dataset}` first")
    query = f"""SELECT sha256(string_agg(entity_id || ':' || source_hash, chr(10) ORDER BY entity_id))
        FROM {events} WHERE position = 0 AND entity_id IN ({_entities(work)})"""
    ((content,),) = work.store.sql(query).fetchall()

    ids = _entities(work)

    def of_events(make: "Callable[..., FeatureSet]", columns: Sequence[str], argument: Any) -> "FeatureSet":
        chosen = ", ".join(["entity_id", *map(name, dict.fromkeys(columns))])
        query = f"SELECT {chosen} FROM {events} WHERE entity_id IN ({ids}) ORDER BY entity_id, position"
        return make(work.store.sql(query).to_arrow_reader(100_000), argument)

    def tfidf(item: str) -> "FeatureSet":
        from llm4es.baselines import tfidf as baseline

        return of_events(baseline, [item], item)

    def aggregates() -> "FeatureSet":
        from llm4es.aggregates import Columns
        from llm4es.aggregates import aggregates as baseline

        amounts = (work.recipe.amount,) if work.recipe.amount else ()
        columns = Columns(numeric=amounts, categorical=dict(work.recipe.categories))
        return of_events(baseline, [*amounts, *columns.categorical], columns)

    def counts() -> "FeatureSet":
        from llm4es.aggregates import counts as baseline

        return of_events(baseline, list(work.recipe.categories), list(work.recipe.categories))

    def majority() -> "FeatureSet":
        from llm4es.baselines import majority as baseline

        entities = [entity for (entity,) in work.store.sql(ids).fetchall()]
        return baseline(entities)

    found = {"counts": counts, "majority": majority}
    if work.recipe.amount or work.recipe.categories:
        found = {"aggregates": aggregates, **found}
    if (item := work.recipe.item) is not None:
        found = {"tfidf": lambda: tfidf(item), **found}
    said = {"tfidf": work.recipe.item, "aggregates": [work.recipe.amount, work.recipe.categories]}
    made_of = {label: content + config_id(said.get(label)) for label in found}
    return [Candidate(label, made_of[label], _with_hash(make, made_of[label])) for label, make in found.items()]


def _with_hash(make: "Callable[[], FeatureSet]", source_hash: str) -> "Callable[[], FeatureSet]":
    return lambda: dataclasses.replace(make(), source_hash=source_hash)
