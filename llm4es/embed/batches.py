"""Windows through the model, in passes that fill the memory and no more.

In: windows of tokens, with a word for whose they are. Out: after each pass, the summed states of every layer of the
windows that it has read. Windows of like length share a pass; a pass that does not fit in memory is halved. Knows
neither entities nor texts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ..core.errors import ModelError
from ..inputs.packing import Layout
from ..models.load import Model
from ..options import EmbedOptions
from .pooling import Span, Window, layer_sums

# N windows, L layers, D width


@dataclass(frozen=True)
class PooledWindow:
    """A window to read, and what of it counts."""

    ids: Window
    """Token ids, special tokens included."""

    span: Span
    """The tokens that count."""

    owner: str
    """Whose window it is, for messages."""


def window_sums(
    windows: Sequence[PooledWindow], model: Model, layout: Layout, budget: int, *, longest_first: bool = True
) -> Iterator[dict[int, NDArray[np.float32]]]:
    """After each pass, the (L, D) summed states of its windows, by their places in ``windows``.

    A pass holds the same windows whichever end comes first. The longest first show early whether memory suffices; the
    shortest first finish a text of many full windows and a rest as soon as its last full window is read.
    """
    order = sorted(range(len(windows)), key=lambda index: (-len(windows[index].ids), index))
    ranges = list(passes([len(windows[index].ids) for index in order], budget, layout))
    for places in ranges if longest_first else reversed(ranges):
        indices = order[places.start : places.stop]
        sums = _forward([windows[index] for index in indices], model, layout)  # (L, N, D)
        yield {index: sums[:, place] for place, index in enumerate(indices)}


def passes(lengths: Sequence[int], budget: int, layout: Layout = Layout.PADDED) -> Iterator[range]:
    """Runs of consecutive windows, longest first, that take at most ``budget`` tokens, padding included.

    Where ``layout`` takes no padding, windows of a run have one length; where it takes no company, a run is one window.
    """
    start = 0
    while start < len(lengths):
        most = 1 if layout == Layout.ALONE else max(1, budget // lengths[start])
        end = min(len(lengths), start + most)
        if layout == Layout.EQUAL:
            end = next((place for place in range(start, end) if lengths[place] != lengths[start]), end)
        yield range(start, end)
        start = end


def batch_tokens_within(seconds: float, tokens_per_second: float, options: EmbedOptions) -> int:
    """The largest halving of ``options.batch_tokens`` whose pass takes no longer than so many seconds.

    What a killed run loses is the pass it was in. ``embed`` reads no clock: whoever calls it measures.

    Parameters
    ----------
    seconds : float
        Seconds that a pass may take.
    tokens_per_second : float
        Tokens that the model reads in a second.
    options : EmbedOptions
        Where ``batch_tokens`` and ``max_length`` (tokens) come from.

    Returns
    -------
    int
        Tokens a pass, at least a window of ``max_length`` where ``batch_tokens`` is.

    Examples
    --------
    >>> from llm4es.options import EmbedOptions
    >>> options = EmbedOptions(max_length=512)
    >>> batch_tokens_within(10, 5000, options)  # 4096 tokens take less than a second
    4096
    >>> batch_tokens_within(10, 150, options)
    1024
    >>> batch_tokens_within(10, 1, options)  # a window is never read in parts
    512
    """
    tokens = options.batch_tokens
    while tokens > seconds * tokens_per_second and tokens // 2 >= options.max_length:
        tokens //= 2
    return tokens


def _forward(windows: Sequence[PooledWindow], model: Model, layout: Layout) -> NDArray[np.float32]:
    """Summed states of one pass, (L, N, D); in halves where memory does not suffice."""
    try:
        ids, spans = [window.ids for window in windows], [window.span for window in windows]
        sums = layer_sums(model.network, model.ref.n_layers, ids, spans, layout)  # (L, N, D)
        _check_finite(sums, windows, model)
        return sums.cpu().numpy()
    except RuntimeError as error:  # a lack of memory is one: on a GPU of its own kind, on a CPU known by its text
        if not isinstance(error, torch.OutOfMemoryError) and "not enough memory" not in str(error):
            raise
        if len(windows) == 1:
            raise ModelError(
                f"out of memory on one window of {len(windows[0].ids)} tokens ({windows[0].owner}): lower --max-length"
            ) from error
    if model.device.type == "cuda":
        torch.cuda.empty_cache()
    middle = len(windows) // 2
    halves = [_forward(half, model, layout) for half in (windows[:middle], windows[middle:])]
    return np.concatenate(halves, axis=1)  # (L, N, D)


def _check_finite(sums: torch.Tensor, windows: Sequence[PooledWindow], model: Model) -> None:
    """Raise at the first layer that gave what is no number."""
    finite = torch.isfinite(sums).all(-1)  # (L, N)
    if not finite.all():
        layer, place = (int(index) for index in (~finite).nonzero()[0])
        raise ModelError(
            f"layer {layer + 1} of {model.name} gave NaN or infinity on {windows[place].owner}: use --dtype float32"
        )
