"""Pieces of text to the rows that a training step reads, with next to nothing in them but text.

In: pieces (a text, or one window of a long text, as tokens) and a number of tokens a row. Out: rows (pieces that share
a row), and the tensors of a row. Knows no texts and no model: which layout a network understands is decided in
``best_layout.py``.

A packed row is one line of several pieces; each keeps its own positions, attends to itself alone, and its first token
is predicted from nothing, so a piece in company has the loss that it has alone. Rows are filled by best-fit
decreasing (arXiv 2404.10830, section 3).

Letters: B rows of a batch, T tokens of a row, S pieces of a row.
"""

import bisect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import torch

IGNORED = -100
"""Label of a token that nothing is learned from: torch's and transformers' own convention."""

Row = Sequence[Sequence[int]]
"""Pieces that share a row: their tokens, one sequence a piece."""


class Layout(StrEnum):
    """How the pieces of a row are laid out for the network."""

    SHARED = "shared"  # as segments, and what all pieces begin with stands in the line once, before them
    SEGMENTS = "segments"  # one line, attention computed piece by piece: nothing is computed that is thrown away
    FLAT = "flat"  # one line, pieces kept apart by a mask that the network makes from the positions
    PADDED = "padded"  # one line a piece, padded to the longest; rows hold pieces of like length
    EQUAL = "equal"  # one line a piece, rows hold pieces of one length: for networks that do not see what is padding
    ALONE = "alone"  # a row is one piece: for networks in which the lines of a pass act on each other


def best_fit(lengths: Sequence[int], capacity: int) -> list[list[int]]:
    """Indices of lengths in rows of at most ``capacity``: the longest first, each where the least room is left.

    Parameters
    ----------
    lengths : sequence of int
        Tokens of each piece.
    capacity : int
        Tokens of a row. A length above it gets a row of its own.

    Returns
    -------
    list of list of int
        Places in ``lengths``, each in one row.

    Examples
    --------
    >>> best_fit([3, 7, 2, 6, 4], capacity=10)
    [[1, 0], [3, 4], [2]]
    """
    rows: list[list[int]] = []
    room: list[tuple[int, int]] = []  # (tokens left, row), sorted
    for index in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        place = bisect.bisect_left(room, (lengths[index], -1))
        if place == len(room):
            rows.append([])
            left, row = capacity, len(rows) - 1
        else:
            left, row = room.pop(place)
        rows[row].append(index)
        bisect.insort(room, (left - lengths[index], row))
    return rows


def by_length(lengths: Sequence[int], capacity: int) -> list[list[int]]:
    """Indices of ``lengths`` in rows of like length whose padded size is at most ``capacity``."""
    rows: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        if rows and (len(rows[-1]) + 1) * lengths[rows[-1][0]] <= capacity:
            rows[-1].append(index)
        else:
            rows.append([index])
    return rows


def by_equal_length(lengths: Sequence[int], capacity: int) -> list[list[int]]:
    """Indices of ``lengths`` in rows of one length and of at most ``capacity`` tokens."""
    rows: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        length = lengths[index]
        if rows and lengths[rows[-1][0]] == length and (len(rows[-1]) + 1) * length <= capacity:
            rows[-1].append(index)
        else:
            rows.append([index])
    return rows


def one_each(lengths: Sequence[int], capacity: int) -> list[list[int]]:
    """Indices of ``lengths``, the longest first, each a row of its own."""
    return [[index] for index in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))]


def parts(row: Row, count: int) -> list[Row]:
    """The pieces of ``row`` shared out over ``count`` rows, about as many tokens to each; some may stay empty."""
    shares: list[list[Sequence[int]]] = [[] for _ in range(count)]
    for piece in sorted(row, key=len, reverse=True):
        min(shares, key=lambda share: sum(map(len, share))).append(piece)
    return list(shares)


def flat(row: Row) -> dict[str, torch.Tensor]:
    """One line of all pieces. No attention mask: its absence makes transformers read the pieces off the positions."""
    tokens = [token for piece in row for token in piece]
    positions = [position for piece in row for position in range(len(piece))]
    labels = [label for piece in row for label in (IGNORED, *piece[1:])]
    return {
        "input_ids": torch.tensor([tokens]),  # (1, T)
        "position_ids": torch.tensor([positions]),  # (1, T)
        "labels": torch.tensor([labels]),  # (1, T)
    }


def segments(row: Row) -> dict[str, torch.Tensor]:
    """One line of all pieces, with the places where pieces end under the names that attention kernels use."""
    ends = [0]
    for piece in row:
        ends.append(ends[-1] + len(piece))
    bounds = torch.tensor(ends, dtype=torch.int32)  # (S + 1,)
    return {**flat(row), "cu_seq_lens_q": bounds, "cu_seq_lens_k": bounds}


def beginning(row: Row, most: int | None = None) -> int:
    """How many tokens all pieces begin with, ``most`` at most; each keeps one of its own.

    Examples
    --------
    >>> beginning([(7, 8, 1, 2), (7, 8, 1), (7, 8, 3)])
    2
    >>> beginning([(7, 8)])
    1
    """
    low, high = min(map(tuple, row)), max(map(tuple, row))
    same = next((place for place, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), len(low))
    room = min(map(len, row)) - 1
    return min(same, room if most is None else min(room, most))


def shared(row: Row, most: int | None = None) -> dict[str, torch.Tensor]:
    """One line of what all pieces begin with and of the rest of each; positions go on from there.

    The rest of a piece has keys before it that its queries are not of: the bounds of keys are the pieces' lengths.
    """
    common = beginning(row, most)
    rests = [row[0][:common], *(piece[common:] for piece in row)]
    made = segments(rests)
    positions = [*range(common), *(position for piece in row for position in range(common, len(piece)))]
    ends = torch.tensor([0, common, *map(len, row)], dtype=torch.int32).cumsum(0, dtype=torch.int32)  # (S + 2,)
    return {**made, "position_ids": torch.tensor([positions]), "cu_seq_lens_k": ends}


def padded(row: Row) -> dict[str, torch.Tensor]:
    """One line a piece, filled up on the right. The filling is never attended to, and never a label."""
    longest = max(len(piece) for piece in row)
    tokens = [[*piece, *[piece[-1]] * (longest - len(piece))] for piece in row]
    labels = [[IGNORED, *piece[1:], *[IGNORED] * (longest - len(piece))] for piece in row]
    mask = [[1] * len(piece) + [0] * (longest - len(piece)) for piece in row]
    return {
        "input_ids": torch.tensor(tokens),  # (B, T)
        "attention_mask": torch.tensor(mask),  # (B, T)
        "labels": torch.tensor(labels),  # (B, T)
    }


def unpadded(row: Row) -> dict[str, torch.Tensor]:
    """One line a piece, all of one length, and no mask."""
    return {
        "input_ids": torch.tensor([list(piece) for piece in row]),  # (B, T)
        "labels": torch.tensor([[IGNORED, *piece[1:]] for piece in row]),  # (B, T)
    }


@dataclass(frozen=True)
class LayoutOps:
    """What a layout is made of."""

    fill: Callable[[Sequence[int], int], list[list[int]]]
    """Lengths and capacity to rows of indices."""

    tensors: Callable[[Row], dict[str, torch.Tensor]]
    """A row's pieces to what the network is called with, labels included."""

    size: Callable[[Row], int]
    """Tokens that the network computes for a row."""


LAYOUTS = {
    Layout.SHARED: LayoutOps(best_fit, shared, lambda row: sum(map(len, row)) - (len(row) - 1) * beginning(row)),
    Layout.SEGMENTS: LayoutOps(best_fit, segments, lambda row: sum(map(len, row))),
    Layout.FLAT: LayoutOps(best_fit, flat, lambda row: sum(map(len, row))),
    Layout.PADDED: LayoutOps(by_length, padded, lambda row: max(map(len, row)) * len(row)),
    Layout.EQUAL: LayoutOps(by_equal_length, unpadded, lambda row: sum(map(len, row))),
    Layout.ALONE: LayoutOps(one_each, unpadded, lambda row: sum(map(len, row))),
}
"""A new layout is one entry here."""


def real_share(rows: Iterable[Row], layout: Layout) -> float:
    """Share of the tokens that a network computes which are text, 0..1."""
    sizes = [(sum(map(len, row)), LAYOUTS[layout].size(row)) for row in rows if row]
    return sum(real for real, _ in sizes) / sum(computed for _, computed in sizes)
