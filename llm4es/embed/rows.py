"""Entities and their vectors to record batches.

In: entities, every layer's vector of each, the model and the options that made them. Out: rows of ``EMBEDDINGS``, and
of ``LAYERS`` (all columns but ``config_id`` and ``run_id``). Computes no vector but the mean over the last k layers.
"""

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..core.hashing import combined_hash
from ..core.schemas import EMBEDDINGS, LAYERS
from ..models.ref import effective_k
from ..options import EmbedOptions
from .entities import Entity
from .smaller_vectors import shortened

if TYPE_CHECKING:
    from ..models.load import Model

# E entities, L layers, D width

Vectors = Sequence[NDArray[np.float32]]
"""Every layer's vector of every entity: E of (L, D)."""


def embedding_rows(
    entities: Sequence[Entity], vectors: Vectors, model: "Model", options: EmbedOptions
) -> pa.RecordBatch:
    """One row an (entity, k)."""
    rows = []
    for entity, layers in zip(entities, vectors, strict=True):
        cuts = [text.cut for text in entity.texts]
        counts = {
            "n_tokens": entity.n_tokens,
            "n_tokens_dropped": sum(cut.n_tokens_dropped for cut in cuts),
            # of several variants, the one that carries least
            "n_events": _known(min, [cut.n_events for cut in cuts]),
            "n_events_dropped": _known(max, [text.n_events_dropped for text in entity.texts]),
            "n_windows": entity.n_windows,
        }
        for k in effective_k(options.k, model.ref.n_layers):
            vector = shortened(layers[-k:].mean(0, dtype=np.float32), options.dims)  # (D)
            rows.append({**_identity(entity, model, options), **counts, "k": k, "dim": len(vector), "vector": vector})
    return _batch(rows, EMBEDDINGS)


def layer_rows(entities: Sequence[Entity], vectors: Vectors, model: "Model", options: EmbedOptions) -> pa.RecordBatch:
    """One row an (entity, layer)."""
    rows = [
        {**_identity(entity, model, options), "layer": number, "dim": len(vector), "vector": vector}
        for entity, layers in zip(entities, vectors, strict=True)
        for number, vector in enumerate(layers, start=1)
    ]
    return _batch(rows, LAYERS)


def _identity(entity: Entity, model: "Model", options: EmbedOptions) -> dict[str, object]:
    """The columns that every row of an entity shares."""
    return {
        "dataset": entity.dataset,
        "entity_id": entity.entity_id,
        "model": model.name,
        "pooling": options.pooling.value,
        "texts": ",".join(options.texts),
        "dim": model.ref.dim,
        "max_length": options.max_length,
        "history": options.history.value,
        "load_in": model.options.load_in.value,
        "dtype": str(model.dtype).removeprefix("torch."),
        "fingerprint": model.fingerprint,
        "source_hash": combined_hash(list(dict.fromkeys((text.variant, text.text_hash) for text in entity.texts))),
    }


def _batch(rows: Sequence[dict[str, object]], schema: pa.Schema) -> pa.RecordBatch:
    """Rows as a record batch; vectors go over as they are, without a Python number a component."""
    vectors = [np.asarray(row["vector"], np.float32) for row in rows]  # each (D)
    ends = list(accumulate(map(len, vectors), initial=0))
    flat = np.concatenate(vectors) if vectors else np.empty(0, np.float32)
    columns = {field.name: [row.get(field.name) for row in rows] for field in schema if field.name != "vector"}
    arrays = [
        pa.ListArray.from_arrays(pa.array(ends, pa.int32()), pa.array(flat))
        if field.name == "vector"
        else pa.array(columns[field.name], field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _known(choose: Callable[[list[int]], int], numbers: Sequence[int | None]) -> int | None:
    """The smallest or largest of the numbers that are known; None where none is."""
    known = [number for number in numbers if number is not None]
    return choose(known) if known else None
