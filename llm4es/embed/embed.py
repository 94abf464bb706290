"""Texts to embeddings: one vector an (entity, k), all k from one forward pass.

In: record batches of ``TEXTS`` (an entity's variants adjacent), a loaded model, options. Out: record batches of
``EMBEDDINGS``, and of ``LAYERS`` where they are kept (all columns but ``config_id`` and ``run_id``), entities in the
order they came in. Knows no store, no screen, and not which rows are wanted.

An entity's vector is the plain mean of its variants' vectors; a variant's is the mean over the pooled tokens of all its
windows; a token's state is the mean over the last k layers. All means in float32.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..core.errors import DataError
from ..core.hashing import combined_hash
from ..core.prefetch import prefetch
from ..core.schemas import EMBEDDINGS, LAYERS
from ..inputs.packing import Layout
from ..inputs.tokenize import tokenize
from ..inputs.windows import Cut, cut
from ..models.load import Model
from ..models.ref import check_length, effective_k
from ..options import EmbedOptions
from .batches import Job, run
from .pooling import SPANS, layout_for

# E entities, V variants, W windows, L layers, D width

PASSES_AT_ONCE = 8
"""Passes whose windows are sorted by length together, and whose rows come out together: few enough that a killed run
loses seconds, enough that windows of one pass are about as long as each other."""

Vectors = Sequence[NDArray[np.float32]]
"""Every layer's vector of every entity: E of (L, D)."""


@dataclass(frozen=True)
class Text:
    """One variant of an entity, cut into windows."""

    variant: str
    text_hash: str
    cut: Cut

    spans: tuple[tuple[int, int], ...]
    """The tokens of each window that count."""

    n_events_dropped: int | None
    """Events of the entity that are not in the windows, or were not in the text to begin with; None: unknown."""


@dataclass(frozen=True)
class Entity:
    """An entity and its texts."""

    dataset: str
    entity_id: str
    texts: tuple[Text, ...]

    @property
    def n_windows(self) -> int:
        """Windows that the model reads for it."""
        return sum(len(text.cut.windows) for text in self.texts)


def embed(
    texts: Iterable[pa.RecordBatch],
    model: Model,
    options: EmbedOptions,
    progress: Callable[[int], None] | None = None,
) -> Iterator[pa.RecordBatch]:
    """Rows of ``EMBEDDINGS``; ``progress`` is called with the number of entities finished so far."""
    for entities, vectors in _embedded(texts, model, options, progress):
        yield _embeddings(entities, vectors, model, options)


def embed_layers(
    texts: Iterable[pa.RecordBatch],
    model: Model,
    options: EmbedOptions,
    progress: Callable[[int], None] | None = None,
) -> Iterator[tuple[pa.RecordBatch, pa.RecordBatch]]:
    """As ``embed``, and with each batch the rows of ``LAYERS`` of the same entities, from the same pass."""
    for entities, vectors in _embedded(texts, model, options, progress):
        yield _embeddings(entities, vectors, model, options), _layers(entities, vectors, model, options)


def _embedded(
    texts: Iterable[pa.RecordBatch],
    model: Model,
    options: EmbedOptions,
    progress: Callable[[int], None] | None,
) -> Iterator[tuple[list[Entity], Vectors]]:
    """Entities with their vectors, some passes' worth at a time."""
    check_length(model.ref, options.max_length)
    layout = layout_for(model.network)
    finished = 0
    # the next entities are read, tokenised and cut while the model runs
    for entities in prefetch(_chunks(_entities(texts, model, options), PASSES_AT_ONCE * options.batch_tokens)):

        def report(done: int, before: int = finished) -> None:
            if progress is not None:
                progress(before + done)

        vectors = _vectors(entities, model, options, layout, report)  # E of (L, D)
        finished += len(entities)
        yield entities, vectors


def _entities(texts: Iterable[pa.RecordBatch], model: Model, options: EmbedOptions) -> Iterator[Entity]:
    """Rows of texts as entities, tokenised and cut."""
    key: tuple[str, str] | None = None
    found: list[Text] = []
    for batch in texts:
        rows = batch.to_pylist()
        if options.texts != ("all",):
            rows = [row for row in rows if row["variant"] in options.texts]
        for row, tokens in zip(rows, tokenize(model.tokenizer, [row["text"] for row in rows]), strict=True):
            if key is not None and key != (row["dataset"], row["entity_id"]):
                yield Entity(*key, tuple(found))
                found = []
            key = (row["dataset"], row["entity_id"])
            made = cut(tokens, row["event_offsets"], row["n_events"], options.max_length, options.history)
            if not made.windows:
                raise DataError(f"the text {row['variant']!r} of entity {key[1]!r} has no tokens: leave the entity out")
            prefix, suffix = len(tokens.prefix), len(tokens.suffix)
            spans = tuple(SPANS[options.pooling](len(window), prefix, suffix) for window in made.windows)
            dropped = _plus(row["n_events_dropped"], made.n_events_dropped)
            found.append(Text(row["variant"], row["text_hash"], made, spans, dropped))
    if key is not None:
        yield Entity(*key, tuple(found))


def _chunks(entities: Iterable[Entity], n_tokens: int) -> Iterator[list[Entity]]:
    """Entities in lists of about ``n_tokens`` tokens to read."""
    chunk: list[Entity] = []
    size = 0
    for entity in entities:
        chunk.append(entity)
        size += sum(text.cut.n_tokens for text in entity.texts)
        if size >= n_tokens:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _vectors(
    entities: Sequence[Entity],
    model: Model,
    options: EmbedOptions,
    layout: Layout,
    report: Callable[[int], None],
) -> list[NDArray[np.float32]]:
    """Every layer's vector of every entity: E of (L, D)."""
    jobs = [
        Job(window, span, f"text {text.variant!r} of entity {entity.entity_id!r}")
        for entity in entities
        for text in entity.texts
        for window, span in zip(text.cut.windows, text.spans, strict=True)
    ]
    owners = [index for index, entity in enumerate(entities) for _ in range(entity.n_windows)]
    waiting = [entity.n_windows for entity in entities]

    def finished(indices: Sequence[int]) -> None:
        for index in indices:
            waiting[owners[index]] -= 1
        report(waiting.count(0))

    sums = iter(run(jobs, model, layout, options.batch_tokens, finished))  # W of (L, D), in the jobs' order
    vectors: list[NDArray[np.float32]] = []
    for entity in entities:
        means: list[NDArray[np.float32]] = []
        for text in entity.texts:
            total = np.stack([next(sums) for _ in text.cut.windows]).sum(0)  # (W, L, D) -> (L, D)
            means.append(np.asarray(total / sum(end - start for start, end in text.spans), np.float32))  # (L, D)
        vectors.append(np.asarray(np.stack(means).mean(0), np.float32))  # (V, L, D) -> (L, D)
    return vectors


def _embeddings(entities: Sequence[Entity], vectors: Vectors, model: Model, options: EmbedOptions) -> pa.RecordBatch:
    """One row an (entity, k)."""
    rows = []
    for entity, layers in zip(entities, vectors, strict=True):
        cuts = [text.cut for text in entity.texts]
        counts = {
            "n_tokens": sum(made.n_tokens for made in cuts),
            "n_tokens_dropped": sum(made.n_tokens_dropped for made in cuts),
            # of several variants, the one that carries least
            "n_events": _known(min, [made.n_events for made in cuts]),
            "n_events_dropped": _known(max, [text.n_events_dropped for text in entity.texts]),
            "n_windows": entity.n_windows,
        }
        for k in effective_k(options.k, model.ref.n_layers):
            vector = layers[-k:].mean(0, dtype=np.float32)  # (D)
            rows.append({**_identity(entity, model, options), **counts, "k": k, "vector": vector})
    return _batch(rows, EMBEDDINGS)


def _layers(entities: Sequence[Entity], vectors: Vectors, model: Model, options: EmbedOptions) -> pa.RecordBatch:
    """One row an (entity, layer)."""
    rows = [
        {**_identity(entity, model, options), "layer": number, "vector": vector}
        for entity, layers in zip(entities, vectors, strict=True)
        for number, vector in enumerate(layers, start=1)
    ]
    return _batch(rows, LAYERS)


def _identity(entity: Entity, model: Model, options: EmbedOptions) -> dict[str, object]:
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
        "source_hash": combined_hash([(text.variant, text.text_hash) for text in entity.texts]),
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


def _plus(a: int | None, b: int | None) -> int | None:
    return None if a is None or b is None else a + b


def _known(choose: Callable[[list[int]], int], numbers: Sequence[int | None]) -> int | None:
    """The smallest or largest of the numbers that are known; None where none is."""
    known = [number for number in numbers if number is not None]
    return choose(known) if known else None
