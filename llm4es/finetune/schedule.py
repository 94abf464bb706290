"""How much is read, and in which order.

In: lengths of pieces, how rows are laid out, options. Out: numbers of tokens, and rows of pieces by their places, in
the order of the steps. Knows no tokens and no network.
"""

import math
import random
from collections.abc import Sequence

from ..inputs.packing import LAYOUTS, Layout, Row
from ..options import HELD_OUT_TOKENS, FinetuneOptions
from .examples import Piece


def wanted_tokens(options: FinetuneOptions) -> int | None:
    """Tokens that all steps read; None: those of all texts."""
    return None if options.steps is None else options.steps * options.accumulate * capacity(options)


def capacity(options: FinetuneOptions) -> int:
    """Tokens of a row."""
    return options.row_tokens


def in_order(lengths: Sequence[int], layout: Layout, options: FinetuneOptions) -> tuple[int, list[list[int]]]:
    """Steps, and the rows of all of them in order: every pass over the texts in a new seeded order."""
    filled = LAYOUTS[layout].fill(lengths, capacity(options))
    rows = options.epochs * len(filled) if options.steps is None else options.steps * options.accumulate
    steps = max(1, math.ceil(rows / options.accumulate))
    if options.steps is not None:  # as many texts were read as fill these rows: leave out the leavings
        filled = sorted(filled, key=lambda row: -sum(lengths[i] for i in row))[: int(rows)]
    order: list[list[int]] = []
    shuffled = random.Random(options.seed)  # noqa: S311 (no secret is made of it)
    while len(order) < rows:
        order += shuffled.sample(filled, len(filled))
    order = order[: max(1, round(rows))]
    return steps, order + [[]] * (steps * options.accumulate - len(order))


def held_out_tokens(rows: Sequence[Row], options: FinetuneOptions) -> int:
    """Tokens to measure the held-out loss on: what was asked for, else by what ``rows`` train on, at least a piece."""
    trained = sum(len(piece) for row in rows for piece in row)
    return options.held_out_tokens or max(options.max_length, min(HELD_OUT_TOKENS, trained // 4))


def held_out_rows(pieces: Sequence[Piece], layout: Layout, options: FinetuneOptions) -> list[Row]:
    """Rows of the held-out pieces."""
    filled = LAYOUTS[layout].fill([len(piece.tokens) for piece in pieces], capacity(options))
    return [[pieces[i].tokens for i in row] for row in filled]
