"""Texts to pieces: what a training step reads as one.

In: the texts table, a tokenizer, tokens a piece. Out: pieces: a whole text, or one window of a long one, cut between
events. Knows no model and no tensor. Texts are read in a seeded order and only as many as are wanted: a run of two
steps over millions of texts tokenizes a handful.
"""

import math
import random
from array import array
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Any

import pyarrow as pa

from ..core.errors import DataError
from ..core.schemas import EXPOSURES
from ..inputs.tokenize import tokenize
from ..inputs.windows import cut
from ..options import History

BATCH = 64
"""Texts that the tokenizer gets at once."""


@dataclass(frozen=True)
class Piece:
    """Tokens that are read together."""

    text: int
    """Row of the text in its table."""

    tokens: Sequence[int]
    """Token ids, special tokens included; an array, since Python's own numbers take eight times the memory."""


def chosen(texts: pa.Table, variants: Sequence[str]) -> pa.Table:
    """The rows whose variant was asked for, in an order that does not depend on how the table was read."""
    table = texts.sort_by([("entity_id", "ascending"), ("variant", "ascending")])
    if "all" in variants:
        return table
    wanted = set(variants)
    return table.filter(pa.array([variant in wanted for variant in table["variant"].to_pylist()], pa.bool_()))


def pieces(texts: pa.Table, tokenizer: Any, max_length: int, wanted: int | None, seed: int) -> list[Piece]:
    """Pieces of ``texts`` in a seeded order, until they hold ``wanted`` tokens; None takes all.

    First the newest window of each text, then each one's next: few tokens come from as many texts as they can. Once the
    newest windows suffice, no further text is read. A piece of one token teaches nothing and is left out.
    """
    order = list(range(len(texts)))
    random.Random(seed).shuffle(order)  # noqa: S311 (no secret is made of it)
    enough = math.inf if wanted is None else wanted
    read: list[list[Piece]] = []  # a text each, its newest window first
    size = 0
    for start in range(0, len(order), BATCH):
        part = order[start : start + BATCH]
        for text, windows in zip(part, _windows(texts.take(part), tokenizer, max_length), strict=True):
            read.append([Piece(text, array("i", window)) for window in reversed(windows) if len(window) > 1])
            size += len(read[-1][0].tokens) if read[-1] else 0
        if size >= enough:
            break
    made: list[Piece] = []
    for piece in filter(None, chain.from_iterable(zip_longest(*read))):
        if enough <= 0:
            break
        made.append(piece)
        enough -= len(piece.tokens)
    return made


def _windows(texts: pa.Table, tokenizer: Any, max_length: int) -> Iterator[tuple[tuple[int, ...], ...]]:
    """The windows of each text."""
    read = tokenize(tokenizer, texts["text"].to_pylist())
    for tokens, offsets, count in zip(
        read, texts["event_offsets"].to_pylist(), texts["n_events"].to_pylist(), strict=True
    ):
        yield cut(tokens, offsets, count, max_length, History.FULL).windows


def require(found: Sequence[Piece], texts: pa.Table, variants: Sequence[str]) -> None:
    """Raise where there is nothing to train on."""
    if not found:
        raise DataError(
            f"nothing to train on: {len(texts)} texts of variants {','.join(variants)} hold no two tokens in a row;"
            " give other --texts, or serialize entities of the train split first"
        )


def exposures_of(
    texts: pa.Table, read: Sequence[Piece], order: Sequence[Sequence[int]], role: str = "train"
) -> pa.Table:
    """Whose texts were read, how many of them, which, and what for."""
    seen: defaultdict[str, list[str]] = defaultdict(list)
    entities, hashes = texts["entity_id"].to_pylist(), texts["text_hash"].to_pylist()
    for text in sorted({read[index].text for row in order for index in row}):
        seen[entities[text]].append(hashes[text])
    rows = [
        {"entity_id": entity, "n_rows": len(found), "text_hashes": found, "role": role}
        for entity, found in sorted(seen.items())
    ]
    wanted = ("entity_id", "n_rows", "text_hashes", "role")
    return pa.Table.from_pylist(rows, schema=pa.schema([EXPOSURES.field(name) for name in wanted]))
