"""What a training run reads: rows in their order, as tensors, shared out over processes.

In: rows of tokens and their layout. Out: what the network is called with, and the held-out loss. Knows no texts and no
optimizer.

Letters: T tokens of a row.
"""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.data import Dataset

from ..core.phases import phase, read
from ..inputs.on_device import on_device
from ..inputs.packing import IGNORED, LAYOUTS, Layout, Row, parts


@dataclass(frozen=True)
class TrainingRows:
    """What is read, in which order, and what it is measured on."""

    rows: Sequence[Row]
    """Rows in the order they are trained on; an empty row is nothing to do for one process of several."""

    held_out: Sequence[Row]
    """Rows that the loss is measured on and that are never trained on."""

    layout: Layout
    """How rows are laid out for the network."""

    steps: int
    """Optimizer steps. Each reads ``accumulate`` rows."""


class Rows(Dataset[dict[str, Any]]):
    """Rows as tensors, in the order given; with the longest piece as a number, so that no layer asks the device."""

    def __init__(self, rows: Sequence[Row], layout: Layout) -> None:
        self.rows, self.layout = rows, layout
        self.fetched: deque[int] = deque()  # tokens of each row that was given and not yet read

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, Any]:
        row = self.rows[index] or [[0]]  # nothing to do: one token, which as a piece's first has no label
        self.fetched.append(sum(map(len, row)))
        return on_device(LAYOUTS[self.layout].tensors(row), torch.device("cpu"))

    def was_read(self) -> int:
        """Tokens of the first row given, which a network has read now."""
        read(n := self.fetched.popleft())
        return n


def held_out_loss(network: Any, rows: Rows, when: str = "") -> float:
    """Nats a token over all labelled tokens of ``rows``; every process measures all of them, so all decide alike."""
    training, total, count = network.training, 0.0, 0
    network.eval()
    try:
        with torch.no_grad(), phase(f"measuring {when}".rstrip(), n_tokens(rows.rows), "tokens") as advance:
            for index in range(len(rows)):
                inputs = on_device(rows[index], network.device)
                n = int((inputs["labels"][:, 1:] != IGNORED).sum())
                total += float(network(**inputs).loss) * n
                count += n
                advance(rows.was_read())
    finally:
        network.train(training)
    return total / count


def n_tokens(rows: Sequence[Row]) -> int:
    """Tokens of all their pieces."""
    return sum(len(piece) for row in rows for piece in row)


def shared_out(rows: Sequence[Row], accumulate: int, processes: int) -> tuple[list[Row], int]:
    """Rows for all processes in turn, and how many each reads for a step.

    A step reads the same pieces however many processes share it.
    """
    count = processes // math.gcd(accumulate, processes)
    shared = [part for row in rows for part in (parts(row, count) if count > 1 else [row])]
    return shared, accumulate * count // processes
