"""Token states to one vector a layer, taken while the layer runs.

In: a network, windows of tokens, and which tokens of each count. Out: for every layer and window, the sum of the
counting tokens' states in float32. Only these sums outlive a layer, so memory does not grow with the number of layers
asked for. Knows neither entities nor k.

States are Hugging Face's ``hidden_states[1:]``: see ``inputs.states``. The head over the vocabulary never runs.
"""

from collections.abc import Callable, Sequence
from itertools import accumulate

import torch
from torch import Tensor
from transformers import PreTrainedModel

from ..core.input_device import input_device
from ..inputs.attention import with_layout
from ..inputs.best_layout import best_layout
from ..inputs.packing import LAYOUTS, Layout, beginning, shared
from ..inputs.states import each_layer, layers_to_hook
from ..options import Pooling
from .sums import Place, sums_of

# N windows, B lines of a pass, T tokens of a line, L layers, D width

Window = Sequence[int]
"""Token ids, special tokens included."""

Span = tuple[int, int]
"""The tokens of a window that count: from, to."""

SPANS: dict[Pooling, Callable[[int, int, int], Span]] = {
    Pooling.MEAN: lambda length, prefix, suffix: (0, length),
    Pooling.LAST: lambda length, prefix, suffix: (length - 1, length),
    Pooling.CONTENT_MEAN: lambda length, prefix, suffix: (prefix, length - suffix),
}
"""Which tokens count, by a window's length and the numbers of special tokens around it: one entry a pooling."""


def layout_for(
    network: PreTrainedModel, n_layers: int, longest: int, batch_tokens: int, *, shared: bool = False
) -> Layout:
    """Windows in one line, each with its own attention, where that gives the plain pass's states; else side by side.

    In one line no token is padding, and a window's states are the same in any company, up to the rounding of the
    kernels that a processor takes for lines of that length. A network that needs a mask over the whole line
    (``Layout.FLAT``) is padded instead: the mask costs the square of the line. ``shared``: windows begin alike, and
    what they begin with is read once a line where that is right, too.
    """
    left_out = {Layout.FLAT} if shared else {Layout.FLAT, Layout.SHARED}
    return best_layout(network, n_layers, longest, batch_tokens, [each for each in Layout if each not in left_out])


@torch.inference_mode()
def layer_sums(
    network: PreTrainedModel, n_layers: int, windows: Sequence[Window], spans: Sequence[Span], layout: Layout
) -> Tensor:
    """The counting tokens' summed states of every layer and window: (L, N, D) in float32, on the network's device."""
    inputs, places = laid_out(windows, spans, layout)
    layers = layers_to_hook(network, n_layers)
    summed = sums_of(places, inputs["input_ids"].shape[1], input_device(network))
    sums: list[Tensor] = []  # each (N, D)
    with with_layout(network, layout):
        each_layer(network, layers, inputs, lambda state: sums.append(summed(state)))
    return torch.stack([each.to(sums[-1].device) for each in sums])  # (L, N, D)


def laid_out(windows: Sequence[Window], spans: Sequence[Span], layout: Layout) -> tuple[dict[str, Tensor], list[Place]]:
    """What the network is called with, and where the counting tokens of each window are: line, from, to."""
    common = 0
    if layout == Layout.SHARED:
        common = beginning(windows, min(start for start, _ in spans))  # what counts is each window's own
        inputs = shared(windows, common)
    else:
        inputs = LAYOUTS[layout].tensors(windows)
    del inputs["labels"]
    if layout == Layout.PADDED and bool(inputs["attention_mask"].all()):
        del inputs["attention_mask"]  # plain causal order has faster kernels than any mask
    if layout in (Layout.PADDED, Layout.EQUAL, Layout.ALONE):  # a line a window
        return inputs, [(line, start, end) for line, (start, end) in enumerate(spans)]
    before = accumulate((len(window) - common for window in windows), initial=0)  # of each, less what it shares
    return inputs, [(0, first + start, first + end) for first, (start, end) in zip(before, spans, strict=False)]
