"""Texts to embeddings: one vector an (entity, k), all k from one forward pass.

In: record batches of ``TEXTS`` (an entity's variants adjacent), a loaded model, options. Out: record batches of
``EMBEDDINGS``, and of ``LAYERS`` where they are kept (all columns but ``config_id`` and ``run_id``). Knows no store, no
screen, no clock, and not which rows are wanted.

An entity's vector is the plain mean of its variants' vectors; a variant's is the mean over the pooled tokens of all its
windows; a token's state is the mean over the last k layers. All means in float32.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa

from ..core.errors import OptionError
from ..models.ref import check_dims
from ..options import EmbedOptions, History, Layers
from .entities import Entity, entities
from .entity_vectors import Progress, entity_vectors
from .rows import Vectors, embedding_rows, layer_rows

if TYPE_CHECKING:  # torch, which those who ask a server for vectors need not wait for
    from ..models.load import Model
    from .prompts import PromptSet


def embed(
    texts: Iterable[pa.RecordBatch],
    model: "Model",
    options: EmbedOptions,
    progress: Progress | None = None,
    *,
    ordered: bool = True,
    prompts: "PromptSet | None" = None,
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
    prompts : PromptSet, optional
        What is asked about each text where ``options.prompt`` says that something is; None: the built-in ones of that
        name.

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
    for finished, vectors in _embedded(texts, model, options, progress, ordered, prompts):
        yield embedding_rows(finished, vectors, model, options)


def embed_layers(
    texts: Iterable[pa.RecordBatch],
    model: "Model",
    options: EmbedOptions,
    progress: Progress | None = None,
    *,
    ordered: bool = True,
    prompts: "PromptSet | None" = None,
) -> Iterator[tuple[pa.RecordBatch, pa.RecordBatch]]:
    """As ``embed``, and with each batch every layer's own vectors of the same entities, from the same pass.

    Parameters
    ----------
    texts, model, options, progress, ordered, prompts
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
    for finished, vectors in _embedded(texts, model, options, progress, ordered, prompts):
        yield embedding_rows(finished, vectors, model, options), layer_rows(finished, vectors, model, options)


def _embedded(
    texts: Iterable[pa.RecordBatch],
    model: "Model",
    options: EmbedOptions,
    progress: Progress | None,
    ordered: bool,
    prompts: "PromptSet | None",
) -> Iterator[tuple[list[Entity], Vectors]]:
    """Entities with their vectors, as many as are finished at a time."""
    from .model_pooling import pooler_for

    pooler = pooler_for(model, options, prompts)
    if options.history is History.EVENTS:
        raise OptionError("--history events is of single events: their vectors are read_events', not of texts")
    check_dims(model.name, pooler.dim or model.ref.dim, options.dims)
    found = entities(texts, pooler, options)
    yield from entity_vectors(found, model, options, pooler, progress, ordered=ordered)
