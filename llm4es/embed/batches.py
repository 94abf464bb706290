"""Windows through the model, in passes that fill the memory and no more.

In: windows of tokens, with a word for whose they are. Out: for each, the summed states of every layer, in the order the
windows came in. Long windows run first; a pass that does not fit in memory is halved. Knows neither entities nor texts.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ..core.errors import ModelError
from ..inputs.packing import Layout
from ..models.load import Model
from .pooling import Span, Window, layer_sums

# N windows, L layers, D width


@dataclass(frozen=True)
class Job:
    """A window to run."""

    ids: Window
    """Token ids, special tokens included."""

    span: Span
    """The tokens that count."""

    owner: str
    """Whose window it is, for messages."""


def run(
    jobs: Sequence[Job], model: Model, layout: Layout, budget: int, report: Callable[[Sequence[int]], None]
) -> list[NDArray[np.float32]]:
    """N of (L, D): the summed states of every job. ``report`` is told the indices that each pass has finished."""
    made: dict[int, NDArray[np.float32]] = {}
    order = sorted(range(len(jobs)), key=lambda index: (-len(jobs[index].ids), index))
    for places in passes([len(jobs[index].ids) for index in order], budget):
        indices = [order[place] for place in places]
        sums = _forward([jobs[index] for index in indices], model, layout)  # (L, N, D)
        made.update((index, sums[:, place]) for place, index in enumerate(indices))
        report(indices)
    return [made[index] for index in range(len(jobs))]


def passes(lengths: Sequence[int], budget: int) -> Iterator[range]:
    """Runs of consecutive windows, longest first, that take at most ``budget`` tokens, padding included."""
    start = 0
    while start < len(lengths):
        end = min(len(lengths), start + max(1, budget // lengths[start]))
        yield range(start, end)
        start = end


def _forward(jobs: Sequence[Job], model: Model, layout: Layout) -> NDArray[np.float32]:
    """Summed states of one pass, (L, N, D); in halves where memory does not suffice."""
    try:
        windows, spans = [job.ids for job in jobs], [job.span for job in jobs]
        sums = layer_sums(model.network, model.ref.n_layers, windows, spans, layout)  # (L, N, D)
        _check_finite(sums, jobs, model)
        return sums.cpu().numpy()
    except RuntimeError as error:  # a lack of memory is one: on a GPU of its own kind, on a CPU known by its text
        if not isinstance(error, torch.OutOfMemoryError) and "not enough memory" not in str(error):
            raise
        if len(jobs) == 1:
            raise ModelError(
                f"out of memory on one window of {len(jobs[0].ids)} tokens ({jobs[0].owner}): lower --max-length"
            ) from error
    if model.device.type == "cuda":
        torch.cuda.empty_cache()
    middle = len(jobs) // 2
    halves = [_forward(half, model, layout) for half in (jobs[:middle], jobs[middle:])]
    return np.concatenate(halves, axis=1)  # (L, N, D)


def _check_finite(sums: torch.Tensor, jobs: Sequence[Job], model: Model) -> None:
    """Raise at the first layer that gave what is no number."""
    finite = torch.isfinite(sums).all(-1)  # (L, N)
    if not finite.all():
        layer, place = (int(index) for index in (~finite).nonzero()[0])
        raise ModelError(
            f"layer {layer + 1} of {model.name} gave NaN or infinity on {jobs[place].owner}: use --dtype float32"
        )
