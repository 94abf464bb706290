"""Sums over the tokens of each window that count.

In: the states of a layer, and where windows lie in them. Out: a sum a window in float32, the same in any company. Knows
no network.

B lines, T tokens of a line, C tokens that count, N windows, D width
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Place = tuple[int, int, int]
"""Where a window's counting tokens are: line, from, to."""


def sums_of(places: Sequence[Place], length: int, device: torch.device) -> Callable[[Tensor], Tensor]:
    """What turns states (B, T, D) into sums (N, D), for lines of ``length`` tokens; set up once for all layers."""
    if device.type != "cuda":
        return lambda state: window_by_window(state, places)
    tokens = [line * length + at for line, start, end in places for at in range(start, end)]
    lengths = [end - start for _, start, end in places]
    where = torch.tensor(tokens, device=device), torch.tensor(lengths, device=device)
    return lambda state: segmented(state, *where)


def window_by_window(state: Tensor, places: Sequence[Place]) -> Tensor:
    """Sums one by one: (B, T, D) -> (N, D). One product for all would round each sum by the company it is in."""
    return torch.stack([state[line, start:end].to(torch.float32).sum(0) for line, start, end in places])  # (N, D)


def segmented(state: Tensor, tokens: Tensor, lengths: Tensor) -> Tensor:
    """Sums on CUDA devices, (B, T, D) -> (N, D), in one reduction: each window's tokens are added in their order."""
    counting = state.flatten(0, 1).index_select(0, tokens.to(state.device)).to(torch.float32)  # (C, D)
    # unsafe: the lengths are known to add up, and a check would wait for the device
    return torch.segment_reduce(counting, "sum", lengths=lengths.to(state.device), axis=0, unsafe=True)  # (N, D)
