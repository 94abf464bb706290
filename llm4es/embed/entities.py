"""Texts to entities: tokenised, cut into windows, and an entity's variants together.

In: record batches of ``TEXTS``, an entity's variants adjacent; a tokenizer; options. Out: entities, in the order they
came in. Knows no network: what a window's tokens are worth is the model's business.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ..core.errors import DataError
from ..inputs.check_texts import check_texts
from ..inputs.tokenize import tokenize
from ..inputs.windows import Cut, Tokens, cut
from ..options import EmbedOptions

if TYPE_CHECKING:
    from .pooler import Pooler
    from .pooling import Span


@dataclass(frozen=True)
class EmbedText:
    """One variant of an entity, cut into windows."""

    variant: str
    text_hash: str
    cut: Cut

    spans: "tuple[Span, ...]"
    """The tokens of each window that count."""

    n_events_dropped: int | None
    """Events of the entity that are not in the windows, or were not in the text to begin with; None: unknown."""


@dataclass(frozen=True)
class Entity:
    """An entity and its texts."""

    dataset: str
    entity_id: str
    texts: tuple[EmbedText, ...]

    def named(self, text: EmbedText) -> str:
        """One of its texts, for messages."""
        return f"text {text.variant!r} of entity {self.entity_id!r}"

    @property
    def n_windows(self) -> int:
        """Windows that the model reads for it."""
        return sum(len(text.cut.windows) for text in self.texts)

    @property
    def n_tokens(self) -> int:
        """Tokens that the model reads for it."""
        return sum(text.cut.n_tokens for text in self.texts)


def entities(texts: Iterable[pa.RecordBatch], pooler: "Pooler", options: EmbedOptions) -> Iterator[Entity]:
    """Rows of texts as entities. Raises DataError where an entity's rows lie apart: it would get two vectors."""
    ended: set[int] = set()  # hashes of the keys: ids themselves would take the memory of everybody's ids
    key: tuple[str, str] | None = None
    variants: list[EmbedText] = []
    for batch in texts:
        rows = _rows(batch, options)
        texts_read = [row["text"] for row in rows]
        read = [tokenize(pooler.tokenizer, texts_read, *frame) for frame in pooler.frames]
        for row, *framed in zip(rows, *read, strict=True):
            if (row["dataset"], row["entity_id"]) != key:
                if key is not None:
                    yield Entity(*key, tuple(variants))
                    ended.add(hash(key))
                key, variants = (row["dataset"], row["entity_id"]), []
                if hash(key) in ended:
                    raise DataError(
                        f"embed: the texts of entity {key[1]!r} lie apart: sort the rows by dataset and entity_id"
                    )
            variants += [_text(row, tokens, pooler, options) for tokens in framed]
    if key is not None:
        yield Entity(*key, tuple(variants))


def chunks(entities: Iterable[Entity], n_tokens: int) -> Iterator[list[Entity]]:
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


def _rows(batch: pa.RecordBatch, options: EmbedOptions) -> list[dict[str, Any]]:
    """The rows of a batch whose variant was asked for."""
    if not isinstance(batch, pa.RecordBatch):
        raise DataError(f"embed: {type(batch).__name__} is no record batch: give table.to_batches()")
    check_texts("embed", batch)
    rows: list[dict[str, Any]] = batch.to_pylist()
    return rows if options.texts == ("all",) else [row for row in rows if row["variant"] in options.texts]


def _text(row: dict[str, Any], tokens: Tokens, pooler: "Pooler", options: EmbedOptions) -> EmbedText:
    """One row, cut."""
    windows = cut(tokens, row["event_offsets"], row["n_events"], options.max_length, options.history)
    if not windows.windows:
        raise DataError(
            f"the text {row['variant']!r} of entity {row['entity_id']!r} has no tokens: leave the entity out"
        )
    prefix, suffix = len(tokens.prefix), len(tokens.suffix)
    spans = tuple(pooler.span(len(window), prefix, suffix) for window in windows.windows)
    dropped = _plus(row["n_events_dropped"], windows.n_events_dropped)
    return EmbedText(row["variant"], row["text_hash"], windows, spans, dropped)


def _plus(a: int | None, b: int | None) -> int | None:
    """The sum of two counts; None where one of them is unknown."""
    return None if a is None or b is None else a + b
