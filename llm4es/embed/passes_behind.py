"""Sums of a pass on their way from the device, while the next pass is computed there.

In: sums on a device. Out: the same on the host, as numbers that are numbers. Knows no windows' texts.
"""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

# L layers, N windows, D width

PASSES_BEHIND = {"cuda": 1}
"""Passes by which results come out late, by the kind of device; else none: what a kill in the next pass would lose."""


def copied(sums: Tensor) -> Callable[[], NDArray[np.float32]]:
    """Begin to copy (L, N, D) to the host; what comes back waits for it."""
    if sums.device.type != "cuda":
        return lambda: np.asarray(sums.cpu().numpy(), np.float32)
    host = torch.empty(sums.shape, dtype=sums.dtype, pin_memory=True)
    host.copy_(sums, non_blocking=True)
    done = torch.cuda.Event()  # type: ignore[no-untyped-call]
    done.record(torch.cuda.current_stream(sums.device))

    def wait() -> NDArray[np.float32]:
        done.synchronize()
        return host.numpy().copy()  # pinned memory is scarce

    return wait


def not_finite(sums: NDArray[np.float32]) -> tuple[int, int] | None:
    """The first layer and window (from 0) of (L, N, D) whose sum is no number; None: all are. One look a pass."""
    if np.isfinite(sums).all():
        return None
    layer, place = (int(index) for index in np.argwhere(~np.isfinite(sums).all(-1))[0])
    return layer, place
