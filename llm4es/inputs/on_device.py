"""What a network is called with, on its device, in a way that nothing has to be read back from there.

In: tensors on the host. Out: the same on a device, and what kernels of variable length want to know beside: the longest
piece of a line. Without it transformers works it out of the positions, in every layer. Knows no network.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

BOUNDS, KEY_BOUNDS, LONGEST = "cu_seq_lens_q", "cu_seq_lens_k", ("max_length_q", "max_length_k")
"""Transformers' names for the places where pieces end, and their keys, and for the longest piece."""

_ON_HOST = "llm4es_on_host"


def on_device(inputs: Mapping[str, Any], device: torch.device) -> dict[str, Any]:
    """The inputs on ``device``; where they say where pieces end, also how long the longest is, as a number.

    Examples
    --------
    >>> bounds = torch.tensor([0, 3, 5], dtype=torch.int32)
    >>> moved = on_device({"cu_seq_lens_q": bounds}, torch.device("cpu"))
    >>> moved["max_length_q"], moved["max_length_k"]
    (3, 3)
    """
    moved: dict[str, Any] = {name: _moved(tensor, device) for name, tensor in inputs.items()}
    if BOUNDS in inputs:
        for name in (BOUNDS, KEY_BOUNDS):
            if name in inputs:
                setattr(moved[name], _ON_HOST, bounds_on_host(inputs[name]))
        bounds = bounds_on_host(inputs[BOUNDS])
        longest = max(end - start for start, end in pairwise(bounds))
        moved |= dict.fromkeys(LONGEST, longest)
    return moved


def bounds_on_host(bounds: Tensor) -> list[int]:
    """The places where pieces end as numbers: read from the device once a pass at most, not once a layer."""
    kept: list[int] | None = getattr(bounds, _ON_HOST, None)
    if kept is None:
        kept = bounds.tolist()
        setattr(bounds, _ON_HOST, kept)
    return kept


def _moved(tensor: Any, device: torch.device) -> Any:
    if not isinstance(tensor, Tensor):  # such as the longest piece, told before
        return tensor
    if device.type != "cuda" or tensor.device.type != "cpu":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)
