"""What is tried on MovieLens-100K: every way of turning the store's vectors into features. None is chosen here.

In: a store with every k of each reading embedded, baselines of the same users. Out: feature sets. No label is read.
"""

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from llm4es.core.hashing import canonical_json, text_hash
from llm4es.features.feature_set import FeatureSet, Preprocess, join
from llm4es_store import Store

DATASET = "movielens-100k"
LAYERS = 30
GROUPS = 6
CANDIDATE_K = (1, 2, 4, 8, 16, 30)
SINGLE = (1, 6, 12, 18, 24)

SEEN = """
    WITH RECURSIVE lineage AS (
        SELECT '{model}' AS model UNION SELECT base FROM models JOIN lineage USING (model)
    )
    SELECT DISTINCT entity_id FROM exposures WHERE dataset = '{dataset}' AND model IN (SELECT model FROM lineage)
"""
"""Whom a model, or one that it was tuned from, has read in training."""


def windows(
    store: Store, models: Sequence[str], ids: frozenset[str], baselines: Sequence[FeatureSet]
) -> Iterator[FeatureSet]:
    """Every feature set that is made from the store's vectors of whole texts."""
    rows = store.sql(
        f"""SELECT DISTINCT model, config_id, history, max_length, texts FROM embeddings
        WHERE dataset = '{DATASET}' AND model IN ({", ".join(repr(m) for m in models)}) ORDER BY ALL"""
    ).fetchall()
    for model, config, history, tokens, texts in rows:
        prefix = f"{model} {history}@{tokens}" + ("" if texts == "raw" else f" {texts}")
        sql = SEEN.format(dataset=DATASET, model=model.partition("+")[0].partition("#")[0])
        seen = frozenset(entity for (entity,) in store.sql(sql).fetchall())
        entities, stack, content = _stack(store, model, config, ids)
        content += f" {len(seen)} seen" if seen else ""
        if entities is None or stack is None:
            print(f"left out: {prefix} lacks some of the {len(ids)} users")
            continue

        def made(
            name: str, matrix: NDArray[np.float32], k: int | None = None, how: Preprocess = Preprocess.STANDARD
        ) -> FeatureSet:
            label = f"{prefix} {name}"  # noqa: B023  # called before the loop goes on
            return FeatureSet(label, entities, matrix, model, k, seen, f"{content} {name}", how)  # noqa: B023

        for k in CANDIDATE_K:
            yield made(f"k={k}", stack[k - 1], k)
        layer = {LAYERS: stack[0]}
        for k in range(2, LAYERS + 1):
            layer[LAYERS + 1 - k] = k * stack[k - 1] - (k - 1) * stack[k - 2]  # (N, D)
        for one in SINGLE:
            yield made(f"layer {one}", layer[one])
        each = LAYERS // GROUPS
        parts = [
            made(f"layers {first}-{first + each - 1}", np.mean([layer[i] for i in range(first, first + each)], axis=0))
            for first in range(1, LAYERS, each)
        ]
        groups = dataclasses.replace(join(parts), name=f"{prefix} six groups", model=model)
        yield groups
        yield made("k=8 whitened", stack[7], 8, Preprocess.WHITEN)
        yield from beside(groups, baselines)


def beside(features: FeatureSet, baselines: Sequence[FeatureSet]) -> Iterator[FeatureSet]:
    """The features joined with aggregates, with TF-IDF, and with both."""
    by_name = {each.name: each for each in baselines}
    for extra in (["aggregates"], ["tfidf"], ["aggregates", "tfidf"]):
        joined = join([features, *(by_name[name] for name in extra)])
        yield dataclasses.replace(joined, name="+".join([features.name, *extra]), model=features.model)


def _stack(
    store: Store, model: str, config: str, ids: frozenset[str]
) -> tuple[list[str] | None, list[NDArray[np.float32]] | None, str]:
    """Entities, and for k = 1, 2, ... (N, D) vectors; None where someone lacks one."""
    stack, entities, content = [], None, ""
    for k in range(1, LAYERS + 1):
        table = store.sql(
            f"""SELECT entity_id, vector, source_hash FROM embeddings WHERE dataset = '{DATASET}' AND model = '{model}'
            AND config_id = '{config}' AND k = {k} ORDER BY entity_id"""
        ).to_arrow_table()
        table = table.filter(pc.is_in(table["entity_id"], pa.array(sorted(ids))))
        if table.num_rows != len(ids):
            return None, None, ""
        entities = table["entity_id"].to_pylist()
        content = f"{config} {text_hash(canonical_json(table['source_hash'].to_pylist()))}"
        stack.append(np.asarray(table["vector"].combine_chunks().flatten(), dtype=np.float32).reshape(len(ids), -1))
    return entities, stack, content
