"""Entities through the model: their windows in passes of like length, and every layer's vector of each.

In: entities (texts cut into windows, with the tokens that count), a loaded model, options, a pooler. Out: entities with
their vectors, as many as are finished at a time. Knows neither what an entity is of, a history or a single event, nor
rows.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..core.prefetch import prefetch
from ..models.ref import check_length
from ..options import EmbedOptions
from .entities import Entity, chunks
from .rows import Vectors

if TYPE_CHECKING:
    from ..inputs.packing import Layout
    from ..models.load import Model
    from .batches import Sums
    from .pooler import Pooler

# E entities, V variants, W windows, L layers, D width

PASSES_AT_ONCE = 8
"""Passes whose windows are sorted by length together: enough that windows of one pass are about as long as each other.
Where rows are to keep their order, these passes' rows come out together."""

Progress = Callable[[int], None]
"""Called with the number of entities finished so far."""


def entity_vectors(
    entities: Iterable[Entity],
    model: "Model",
    options: EmbedOptions,
    pooler: "Pooler",
    progress: Progress | None = None,
    *,
    ordered: bool = True,
    sums: "Sums | None" = None,
    begin_alike: bool = False,
) -> Iterator[tuple[list[Entity], Vectors]]:
    """Entities with their (L, D) vectors.

    ``sums`` makes what is summed of a pass, where that is not every layer. ``begin_alike``: windows do, so that what
    they begin with is read once a pass.
    """
    from .compiled import compile_layers
    from .pooling import layer_sums, layout_for

    check_length(model.ref, options.max_length)
    longest, row_tokens = options.max_length, options.batch_tokens
    layout = layout_for(model.network, model.ref.n_layers, longest, row_tokens, shared=begin_alike)
    if options.compile and (why := compile_layers(model, options)):
        warnings.warn(f"--compile: the layers run as they are ({why})", stacklevel=2)
    n_finished = 0
    # the next entities are read, tokenised and cut while the model runs
    for chunk in prefetch(chunks(entities, PASSES_AT_ONCE * options.batch_tokens)):
        kept: dict[int, NDArray[np.float32]] = {}
        for finished in _vectors(chunk, model, options, pooler, layout, sums or layer_sums, longest_first=ordered):
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
    sums: "Sums",
    *,
    longest_first: bool,
) -> Iterator[dict[int, NDArray[np.float32]]]:
    """After each pass, the (L, D) vectors of the entities whose last window it has read, by their places."""
    from .batches import PooledWindow, window_sums

    windows = [
        PooledWindow(window, span, entity.named(text))
        for entity in chunk
        for text in entity.texts
        for window, span in zip(text.cut.windows, text.spans, strict=True)
    ]
    owners = [index for index, entity in enumerate(chunk) for _ in range(entity.n_windows)]
    read: list[dict[int, NDArray[np.float32]]] = [{} for _ in chunk]  # of each entity, its windows' (L, D)
    for found in window_sums(windows, model, layout, options.batch_tokens, longest_first=longest_first, sums=sums):
        finished = {}
        for index in sorted(found):
            owner = owners[index]
            read[owner][index] = found[index]
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
