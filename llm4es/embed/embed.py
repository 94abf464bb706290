"""Texts to embeddings: one vector an (entity, k), all k from one forward pass.

In: record batches of ``TEXTS`` (an entity's variants adjacent), a loaded model, options. Out: record batches of
``EMBEDDINGS``, and of ``LAYERS`` where they are kept (all columns but ``config_id`` and ``run_id``). Knows no store, no
screen, no clock, and not which rows are wanted.

An entity's vector is the plain mean of its variants' vectors; a variant's is the mean over the pooled tokens of all its
windows; a token's state is the mean over the last k layers. All means in float32.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..core.prefetch import prefetch
from ..models.ref import check_dims, check_length
from ..options import EmbedOptions, Layers
from .entities import Entity, chunks, entities
from .rows import Vectors, embedding_rows, layer_rows

if TYPE_CHECKING:  # torch, which those who ask a server for vectors need not wait for
    from ..inputs.packing import Layout
    from ..models.load import Model
    from .pooler import Pooler

# E entities, V variants, W windows, L layers, D width

PASSES_AT_ONCE = 8
"""Passes whose windows are sorted by length together: enough that windows of one pass are about as long as each other.
Where rows are to keep their order, these passes' rows come out together."""

Progress = Callable[[int], None]
"""Called with the number of entities finished so far."""


def embed(
    texts: Iterable[pa.RecordBatch],
    model: "Model",
    options: EmbedOptions,
    progress: Progress | None = None,
    *,
    ordered: bool = True,
) -> Iterator[pa.RecordBatch]:
    """Turn texts into one vector an (entity, k), all k from one forward pass.

    Parameters
    ----------
    texts : iterable of pyarrow.RecordBatch
        Rows of ``llm4es.core.schemas.TEXTS``; the rows of an entity next to each other.
    model : Model
        What ``load_model`` gave.
    options : EmbedOptions
        Layers averaged (``k``), pooling, variants, tokens a window, tokens a pass.
    progress : callable, optional
        Called after each pass with the number of entities finished so far.
    ordered : bool, default True
        Rows in the order of ``texts``, eight passes' worth at a time. False: after each pass the rows of those
        entities whose last window it has read, so that a killed run loses one pass; the vectors are the same.

    Yields
    ------
    pyarrow.RecordBatch
        Rows of ``EMBEDDINGS``; ``vector`` is (D,) float32. A ``k`` of 0, or above the model's layers, is all of them.

    Raises
    ------
    DataError
        Where a column is missing or of another type, a text has no tokens, or an entity's rows lie apart.
    ModelError
        Where ``max_length`` is above the model's context, memory does not suffice for one window, or a layer gives
        what is no number.

    Examples
    --------
    >>> from llm4es.models import load_model, resolve
    >>> from llm4es.options import EmbedOptions
    >>> model = load_model(resolve("smollm2-135m"))  # doctest: +SKIP
    >>> for rows in embed(texts.to_batches(), model, EmbedOptions(k=(1, 8))):  # doctest: +SKIP
    ...     print(rows.select(["entity_id", "k", "vector"]))
    """
    for finished, vectors in _embedded(texts, model, options, progress, ordered=ordered):
        yield embedding_rows(finished, vectors, model, options)


def embed_layers(
    texts: Iterable[pa.RecordBatch],
    model: "Model",
    options: EmbedOptions,
    progress: Progress | None = None,
    *,
    ordered: bool = True,
) -> Iterator[tuple[pa.RecordBatch, pa.RecordBatch]]:
    """As ``embed``, and with each batch every layer's own vectors of the same entities, from the same pass.

    Parameters
    ----------
    texts, model, options, progress, ordered
        As of ``embed``.

    Yields
    ------
    tuple of pyarrow.RecordBatch
        Rows of ``EMBEDDINGS``, and rows of ``LAYERS``: one an (entity, layer), layers from 1, ``vector`` (D,) float32.

    Raises
    ------
    DataError, ModelError
        As ``embed``.
    OptionError
        Where the options make vectors that layers cannot give: a model's own pooling, the first dimensions alone.

    Examples
    --------
    >>> for rows, layers in embed_layers(texts.to_batches(), model, EmbedOptions()):  # doctest: +SKIP
    ...     print(layers.select(["entity_id", "layer", "vector"]))
    """
    options = replace(options, layers=Layers.KEEP)  # refused where the two do not go together
    for finished, vectors in _embedded(texts, model, options, progress, ordered=ordered):
        yield embedding_rows(finished, vectors, model, options), layer_rows(finished, vectors, model, options)


def _embedded(
    texts: Iterable[pa.RecordBatch], model: "Model", options: EmbedOptions, progress: Progress | None, *, ordered: bool
) -> Iterator[tuple[list[Entity], Vectors]]:
    """Entities with their vectors, as many as are finished at a time."""
    from .compiled import compile_layers
    from .model_pooling import pooler_for
    from .pooling import layout_for

    check_length(model.ref, options.max_length)
    pooler = pooler_for(model, options)
    check_dims(model.name, pooler.dim or model.ref.dim, options.dims)
    layout = layout_for(model.network, model.ref.n_layers, options.max_length, options.batch_tokens)
    if options.compile and (why := compile_layers(model, options)):
        warnings.warn(f"--compile: the layers run as they are ({why})", stacklevel=2)
    n_finished = 0
    # the next entities are read, tokenised and cut while the model runs
    for chunk in prefetch(chunks(entities(texts, pooler, options), PASSES_AT_ONCE * options.batch_tokens)):
        kept: dict[int, NDArray[np.float32]] = {}
        for finished in _vectors(chunk, model, options, pooler, layout, longest_first=ordered):
            n_finished += len(finished)
            if progress is not None:
                progress(n_finished)
            if ordered:
                kept.update(finished)
            elif finished:
                yield [chunk[index] for index in finished], list(finished.values())
        if ordered:
            yield chunk, [kept[index] for index in range(len(chunk))]


def _vectors(
    chunk: Sequence[Entity],
    model: "Model",
    options: EmbedOptions,
    pooler: "Pooler",
    layout: "Layout",
    *,
    longest_first: bool,
) -> Iterator[dict[int, NDArray[np.float32]]]:
    """After each pass, the (L, D) vectors of the entities whose last window it has read, by their places."""
    from .batches import PooledWindow, window_sums

    windows = [
        PooledWindow(window, span, f"text {text.variant!r} of entity {entity.entity_id!r}")
        for entity in chunk
        for text in entity.texts
        for window, span in zip(text.cut.windows, text.spans, strict=True)
    ]
    owners = [index for index, entity in enumerate(chunk) for _ in range(entity.n_windows)]
    read: list[dict[int, NDArray[np.float32]]] = [{} for _ in chunk]  # of each entity, its windows' (L, D)
    for sums in window_sums(windows, model, layout, options.batch_tokens, longest_first=longest_first):
        finished = {}
        for index in sorted(sums):
            owner = owners[index]
            read[owner][index] = sums[index]
            if len(read[owner]) == chunk[owner].n_windows:
                finished[owner] = _pooled(chunk[owner], [total for _, total in sorted(read[owner].items())], pooler)
                read[owner] = {}  # a long chunk's sums would stay in memory
        yield finished


def _pooled(entity: Entity, sums: Sequence[NDArray[np.float32]], pooler: "Pooler") -> NDArray[np.float32]:
    """An entity's vector of every layer, (L, D), from its windows' summed states in their order."""
    left = iter(sums)
    texts = []
    for text in entity.texts:
        windows = np.stack([next(left) for _ in text.cut.windows])  # (W, L, D)
        texts.append(pooler.of_text(windows, sum(end - start for start, end in text.spans)))
    return pooler.of_entity(texts)  # V of (L, D) -> (L, D)
