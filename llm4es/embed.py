"""Texts to embeddings: one vector an (entity, k), all k from one forward pass.

In: record batches of ``TEXTS`` (an entity's variants adjacent), a loaded model, options. Out: record batches of
``EMBEDDINGS`` but ``config_id`` and ``run_id``, one row an (entity, k), entities in the order they came in. Knows no
store, no screen, and not which rows are wanted.

An entity's vector is the plain mean of its variants' vectors; a variant's is the mean over the pooled tokens of all its
windows; a token's state is the mean over the last k layers. All means in float32.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from .config import EmbedOptions, Pooling
from .errors import DataError, ModelError
from .fingerprint import combined_hash
from .loading import Model
from .models import check_length, effective_k
from .pooling import collate, layer_sums
from .schemas import EMBEDDINGS
from .tokens import tokenize
from .windows import Cut, cut

# E entities, V variants, W windows, B windows of a batch, L layers, D width

BATCHES_AHEAD = 8
"""Batches whose windows are sorted by length together, and whose rows come out together: few enough that a killed run
loses seconds, enough that windows of one batch are about as long as each other."""


@dataclass(frozen=True)
class Text:
    """One variant of an entity, cut into windows."""

    variant: str
    text_hash: str
    cut: Cut
    n_prefix: int
    n_suffix: int
    n_events_left_out: int | None
    """Events that the text itself leaves out of the entity's history."""


@dataclass(frozen=True)
class Entity:
    """An entity and all of its texts."""

    dataset: str
    entity_id: str
    texts: tuple[Text, ...]

    @property
    def n_tokens(self) -> int:
        """Tokens that the model will read for it."""
        return sum(text.cut.n_tokens for text in self.texts)


@dataclass(frozen=True)
class _Window:
    """A window's place in the work: whose it is, and its tokens."""

    entity: int
    text: int
    ids: tuple[int, ...]


def embed(
    texts: Iterable[pa.RecordBatch],
    model: Model,
    options: EmbedOptions,
    progress: Callable[[int], None] | None = None,
) -> Iterator[pa.RecordBatch]:
    """Embed texts; ``progress`` is called with the number of entities finished so far."""
    check_length(model.ref, options.max_length)
    finished = 0
    for entities in _chunks(_entities(texts, model, options), BATCHES_AHEAD * options.batch_tokens):

        def report(done: int, before: int = finished) -> None:
            if progress is not None:
                progress(before + done)

        vectors = _vectors(entities, model, options, report)  # E of (L, D)
        finished += len(entities)
        yield _rows(entities, vectors, model, options)


def _entities(texts: Iterable[pa.RecordBatch], model: Model, options: EmbedOptions) -> Iterator[Entity]:
    """Rows of texts as entities, tokenised and cut."""
    key: tuple[str, str] | None = None
    found: list[Text] = []
    for batch in texts:
        columns = [batch.column(name).to_pylist() for name in ("dataset", "entity_id", "variant", "text_hash")]
        counts = [batch.column(name).to_pylist() for name in ("n_events", "n_events_dropped")]
        offsets, strings = batch.column("event_offsets").to_pylist(), batch.column("text").to_pylist()
        wanted = [i for i, name in enumerate(columns[2]) if options.texts == ("all",) or name in options.texts]
        tokenized = tokenize(model.tokenizer, [strings[i] for i in wanted])
        for i, tokens in zip(wanted, tokenized, strict=True):
            dataset, entity_id, variant, text_hash = (column[i] for column in columns)
            if key != (dataset, entity_id):
                if key is not None:
                    yield Entity(*key, tuple(found))
                key, found = (dataset, entity_id), []
            made = cut(tokens, offsets[i], counts[0][i], options.max_length, options.history)
            if not made.windows:
                raise DataError(f"the text {variant!r} of entity {entity_id!r} has no tokens: leave the entity out")
            found.append(Text(variant, text_hash, made, len(tokens.prefix), len(tokens.suffix), counts[1][i]))
    if key is not None:
        yield Entity(*key, tuple(found))


def _chunks(entities: Iterable[Entity], n_tokens: int) -> Iterator[list[Entity]]:
    """Entities in lists of about ``n_tokens`` tokens to read."""
    chunk: list[Entity] = []
    size = 0
    for entity in entities:
        chunk.append(entity)
        size += entity.n_tokens
        if size >= n_tokens:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _vectors(
    entities: Sequence[Entity], model: Model, options: EmbedOptions, report: Callable[[int], None]
) -> list[NDArray[np.float32]]:
    """Every layer's vector of every entity: E of (L, D). Windows run longest first and are put back here."""
    windows = [
        _Window(e, t, ids)
        for e, entity in enumerate(entities)
        for t, text in enumerate(entity.texts)
        for ids in text.cut.windows
    ]
    waiting = [sum(len(text.cut.windows) for text in entity.texts) for entity in entities]
    sums = [[np.zeros((model.ref.n_layers, model.ref.dim), np.float32) for _ in entity.texts] for entity in entities]
    counts = [[np.float32(0) for _ in entity.texts] for entity in entities]
    order = sorted(range(len(windows)), key=lambda i: (-len(windows[i].ids), i))
    # a text's windows are added up in their own order, so that batches do not decide how its sum is rounded
    parts: dict[int, tuple[NDArray[np.float32], np.float32]] = {}
    for indices in batches([len(windows[i].ids) for i in order], options.batch_tokens):
        chosen = [order[i] for i in indices]
        batch_sums, batch_counts = _forward([windows[i] for i in chosen], entities, model, options.pooling)
        for row, i in enumerate(chosen):
            parts[i] = batch_sums[:, row], batch_counts[row]  # (L, D), ()
            waiting[windows[i].entity] -= 1
        report(waiting.count(0))
    for i, window in enumerate(windows):
        sums[window.entity][window.text] += parts[i][0]  # (L, D)
        counts[window.entity][window.text] += parts[i][1]
    return [
        np.mean(
            [s / n for s, n in zip(sums[e], counts[e], strict=True)], axis=0, dtype=np.float32
        )  # (V, L, D) -> (L, D)
        for e in range(len(entities))
    ]


def batches(lengths: Sequence[int], budget: int) -> Iterator[range]:
    """Runs of consecutive windows (longest first) that take at most ``budget`` tokens, padding included."""
    start = 0
    while start < len(lengths):
        end = min(len(lengths), start + max(1, budget // lengths[start]))
        yield range(start, end)
        start = end


def _forward(
    windows: Sequence[_Window], entities: Sequence[Entity], model: Model, pooling: Pooling
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Summed states (L, B, D) and numbers of pooled tokens (B) of a batch; in halves where memory does not suffice."""
    first = entities[windows[0].entity].texts[windows[0].text]
    batch = collate([window.ids for window in windows], first.n_prefix, first.n_suffix, model.device)
    try:
        sums, counts = layer_sums(model.network, model.ref.n_layers, batch, pooling)
    except (torch.OutOfMemoryError, RuntimeError) as error:
        if not _out_of_memory(error):
            raise
        if len(windows) == 1:
            n_tokens, entity = len(windows[0].ids), entities[windows[0].entity].entity_id
            raise ModelError(
                f"out of memory on one window of {n_tokens} tokens (entity {entity!r}): lower --max-length"
            ) from error
    else:
        finite = torch.isfinite(sums).all(-1)  # (L, B)
        if not finite.all():
            layer, row = (int(i) for i in (~finite).nonzero()[0])
            text = entities[windows[row].entity]
            raise ModelError(
                f"layer {layer + 1} of {model.name} gave NaN or infinity on text "
                f"{text.texts[windows[row].text].variant!r} of entity {text.entity_id!r}: use --dtype float32"
            )
        return sums.cpu().numpy(), counts.cpu().numpy()
    if model.device.type == "cuda":
        torch.cuda.empty_cache()
    middle = len(windows) // 2
    halves = [_forward(half, entities, model, pooling) for half in (windows[:middle], windows[middle:])]
    return np.concatenate([half[0] for half in halves], axis=1), np.concatenate([half[1] for half in halves])


def _out_of_memory(error: Exception) -> bool:
    """Whether an error is a lack of memory, on a GPU or (by its text) on the CPU."""
    return isinstance(error, torch.OutOfMemoryError) or "not enough memory" in str(error)


def _rows(
    entities: Sequence[Entity], vectors: Sequence[NDArray[np.float32]], model: Model, options: EmbedOptions
) -> pa.RecordBatch:
    """One row an (entity, k)."""
    rows = []
    for entity, layers in zip(entities, vectors, strict=True):
        cuts = [text.cut for text in entity.texts]
        left_out = [_plus(text.n_events_left_out, text.cut.n_events_dropped) for text in entity.texts]
        for k in effective_k(options.k, model.ref.n_layers):
            rows.append(
                {
                    "dataset": entity.dataset,
                    "entity_id": entity.entity_id,
                    "model": model.name,
                    "k": k,
                    "pooling": options.pooling.value,
                    "texts": ",".join(options.texts),
                    "dim": model.ref.dim,
                    "vector": layers[-k:].mean(0, dtype=np.float32),  # (D)
                    "max_length": options.max_length,
                    "history": options.history.value,
                    "load_in": model.options.load_in.value,
                    "dtype": str(model.dtype).removeprefix("torch."),
                    "fingerprint": model.fingerprint,
                    "n_tokens": sum(made.n_tokens for made in cuts),
                    "n_tokens_dropped": sum(made.n_tokens_dropped for made in cuts),
                    # of several variants, the one that carries least
                    "n_events": _known(min, [made.n_events for made in cuts]),
                    "n_events_dropped": _known(max, left_out),
                    "n_windows": sum(len(made.windows) for made in cuts),
                    "source_hash": combined_hash([(text.variant, text.text_hash) for text in entity.texts]),
                }
            )
    return pa.RecordBatch.from_pylist(rows, schema=EMBEDDINGS)


def _plus(a: int | None, b: int | None) -> int | None:
    return None if a is None or b is None else a + b


def _known(choose: Callable[[list[int]], int], numbers: Sequence[int | None]) -> int | None:
    """The smallest or largest of the numbers that are known; None where none is."""
    known = [number for number in numbers if number is not None]
    return choose(known) if known else None
