"""Texts to pieces: what a training step reads as one.

In: the texts table, a tokenizer, tokens a piece. Out: pieces: a whole text, or one window of a long one, cut between
events. Knows no model and no tensor. Texts are read in a seeded order and only as many as are wanted: a run of two
steps over millions of texts tokenizes a handful.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from .config import History
from .errors import DataError
from .windows import Tokens, cut

BATCH = 64
"""Texts that the tokenizer gets at once."""


@dataclass(frozen=True)
class Piece:
    """Tokens that are read together."""

    text: int
    """Row of the text in its table."""

    tokens: tuple[int, ...]
    """Token ids, special tokens included."""


def chosen(texts: pa.Table, variants: Sequence[str]) -> pa.Table:
    """The rows whose variant was asked for, in an order that does not depend on how the table was read."""
    table = texts.sort_by([("entity_id", "ascending"), ("variant", "ascending")])
    if "all" in variants:
        return table
    wanted = set(variants)
    return table.filter(pa.array([variant in wanted for variant in table["variant"].to_pylist()], pa.bool_()))


def pieces(texts: pa.Table, tokenizer: Any, max_length: int, wanted: int | None, seed: int) -> list[Piece]:
    """Pieces of ``texts`` in a seeded order, until they hold ``wanted`` tokens; None takes all texts.

    A piece of one token teaches nothing and is left out.
    """
    order = list(range(len(texts)))
    random.Random(seed).shuffle(order)  # noqa: S311 (no secret is made of it)
    made: list[Piece] = []
    size = 0
    for start in range(0, len(order), BATCH):
        part = order[start : start + BATCH]
        for text, windows in zip(part, _windows(texts.take(part), tokenizer, max_length), strict=True):
            if wanted is not None and size >= wanted:
                return made
            kept = [Piece(text, window) for window in windows if len(window) > 1]
            made.extend(kept)
            size += sum(len(piece.tokens) for piece in kept)
    return made


def _windows(texts: pa.Table, tokenizer: Any, max_length: int) -> Iterator[tuple[tuple[int, ...], ...]]:
    """The windows of each text."""
    encoded = tokenizer(
        texts["text"].to_pylist(),
        return_offsets_mapping=True,
        return_special_tokens_mask=True,
        return_attention_mask=False,
        verbose=False,  # transformers warns of texts longer than the context: they are cut here
    )
    offsets, counts = texts["event_offsets"].to_pylist(), texts["n_events"].to_pylist()
    for row in range(len(texts)):
        tokens = _tokens({name: encoded[name][row] for name in encoded})
        yield cut(tokens, offsets[row], counts[row], max_length, History.FULL).windows


def _tokens(encoded: Mapping[str, Any]) -> Tokens:
    """A text's own tokens, and the special ones around them."""
    ids, special = encoded["input_ids"], encoded["special_tokens_mask"]
    start, end = 0, len(ids)
    while start < end and special[start]:
        start += 1
    while end > start and special[end - 1]:
        end -= 1
    starts = [span[0] for span in encoded["offset_mapping"][start:end]]
    return Tokens(ids[start:end], starts, tuple(ids[:start]), tuple(ids[end:]))


def require(found: Sequence[Piece], texts: pa.Table, variants: Sequence[str]) -> None:
    """Raise where there is nothing to train on."""
    if not found:
        raise DataError(
            f"nothing to train on: {len(texts)} texts of variants {','.join(variants)} hold no two tokens in a row;"
            " give other --texts, or serialize entities of the train split first"
        )
