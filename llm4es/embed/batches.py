"""Windows through the model, in passes that fill the memory and no more.

In: windows of tokens, with a word for whose they are. Out: after each pass, the summed states of every layer of the
windows that it has read. Windows of like length share a pass; a pass that does not fit in memory is halved. Knows
neither entities nor texts.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import PreTrainedModel

from ..core.errors import ModelError
from ..core.phases import read
from ..inputs.packing import LAYOUTS, Layout
from ..models.load import Model
from ..options import EmbedOptions
from .passes_behind import PASSES_BEHIND, copied, not_finite
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


Sums = Callable[[PreTrainedModel, int, Sequence[Window], Sequence[Span], Layout], Tensor]
"""What is kept of a pass: a network, its layers, windows and what of them counts, laid out so, to (L, N, D)."""


def window_sums(
    windows: Sequence[PooledWindow],
    model: Model,
    layout: Layout,
    budget: int,
    *,
    longest_first: bool = True,
    sums: Sums = layer_sums,
) -> Iterator[dict[int, NDArray[np.float32]]]:
    """After each pass, the (L, D) summed states of its windows, by their places in ``windows``.

    A pass holds the same windows whichever end comes first. The longest first show early whether memory suffices; the
    shortest first finish a text of many full windows and a rest as soon as its last full window is read.
    """
    order = sorted(range(len(windows)), key=lambda index: (-len(windows[index].ids), index))
    ranges = list(passes([len(windows[index].ids) for index in order], budget, layout))
    behind = PASSES_BEHIND.get(model.device.type, 0)
    waiting: deque[tuple[list[int], list[_Begun]]] = deque()
    for places in ranges if longest_first else reversed(ranges):
        indices = order[places.start : places.stop]
        waiting.append((indices, _begun([windows[index] for index in indices], model, layout, sums)))
        if len(waiting) > behind:
            yield _ended(*waiting.popleft(), model)
    while waiting:
        yield _ended(*waiting.popleft(), model)


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


_Begun = tuple[Sequence[PooledWindow], Callable[[], NDArray[np.float32]]]
"""Windows, and what waits for their sums (L, N, D)."""

_fits: "WeakKeyDictionary[PreTrainedModel, int]" = WeakKeyDictionary()
"""Tokens of a pass of each network that once had not enough memory: a half of the pass that was too much."""


def _begun(windows: Sequence[PooledWindow], model: Model, layout: Layout, sums: Sums) -> list[_Begun]:
    """A pass through the model; in halves where memory does not suffice, or did not for as much before."""
    ids, spans = [window.ids for window in windows], [window.span for window in windows]
    size, network = LAYOUTS[layout].size(ids), model.network
    middle = len(windows) // 2
    if not middle or size <= _fits.get(network, size):
        try:
            return [(windows, copied(sums(network, model.ref.n_layers, ids, spans, layout)))]
        except RuntimeError as error:  # a lack of memory is one: on a GPU of its own kind, on a CPU known by its text
            if not isinstance(error, torch.OutOfMemoryError) and "not enough memory" not in str(error):
                raise
            if not middle:
                raise ModelError(
                    f"out of memory on one window of {len(ids[0])} tokens ({windows[0].owner}): lower --max-length"
                ) from error
        _fits[network] = max(LAYOUTS[layout].size(half) for half in (ids[:middle], ids[middle:]))
        if model.device.type == "cuda":
            torch.cuda.empty_cache()
    return [part for half in (windows[:middle], windows[middle:]) for part in _begun(half, model, layout, sums)]


def _ended(indices: Sequence[int], parts: Sequence[_Begun], model: Model) -> dict[int, NDArray[np.float32]]:
    """The (L, D) sums of a pass by its windows' places. Raises at the first layer that gave what is no number."""
    found: list[NDArray[np.float32]] = []  # each (L, D)
    for windows, wait in parts:
        made = wait()  # (L, N, D)
        read(sum(len(window.ids) for window in windows))
        wrong = not_finite(made)
        if wrong is not None:
            layer, place = wrong
            raise ModelError(
                f"layer {layer + 1} of {model.name} gave NaN or infinity on {windows[place].owner}: use --dtype float32"
            )
        found += [made[:, place] for place in range(len(windows))]
    return dict(zip(indices, found, strict=True))
