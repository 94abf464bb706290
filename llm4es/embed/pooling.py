"""Token states to one vector a layer, taken while the layer runs.

In: a network, windows of tokens, and which tokens of each count. Out: for every layer and window, the sum of the
counting tokens' states in float32. Only these sums outlive a layer, so memory does not grow with the number of layers
asked for. Knows neither entities nor k.

States are Hugging Face's ``hidden_states[1:]``: the embeddings' output is left out, the last layer's state is taken
after the final norm. The head over the vocabulary never runs.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from ..core.errors import ModelError
from ..inputs.attention import best_layout, with_layout
from ..inputs.packing import LAYOUTS, Layout
from ..options import Pooling

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


def layout_for(network: PreTrainedModel) -> Layout:
    """Windows in one line, each with its own causal attention, where the network can; else side by side, padded.

    In one line no token is padding, and a window's states are the same in any company, up to the rounding of the
    kernels that a processor takes for lines of that length. A network that needs a mask over the whole line
    (``Layout.FLAT``) is padded instead: the mask costs the square of the line.
    """
    return Layout.SEGMENTS if best_layout(network) == Layout.SEGMENTS else Layout.PADDED


@torch.inference_mode()
def layer_sums(
    network: PreTrainedModel, n_layers: int, windows: Sequence[Window], spans: Sequence[Span], layout: Layout
) -> Tensor:
    """The counting tokens' summed states of every layer and window: (L, N, D) in float32, on the network's device."""
    inputs = LAYOUTS[layout].tensors(windows)
    del inputs["labels"]
    if layout == Layout.PADDED and bool(inputs["attention_mask"].all()):
        del inputs["attention_mask"]  # plain causal order has faster kernels than any mask
    places = _places(windows, spans, layout)
    decoder = network.base_model
    with with_layout(network, layout), _summing(decoder, n_layers, places) as sums:
        out = decoder(**{name: tensor.to(network.device) for name, tensor in inputs.items()}, use_cache=False)
        sums.append(_sum(out.last_hidden_state, places))  # (N, D), after the final norm
    return torch.stack(sums)  # (L, N, D)


def decoder_layers(decoder: nn.Module, n_layers: int) -> nn.ModuleList:
    """The module that holds the transformer layers."""
    for module in decoder.modules():
        if isinstance(module, nn.ModuleList) and len(module) == n_layers:
            return module
    raise ModelError(
        f"{type(decoder).__name__} keeps its {n_layers} layers in no list: this architecture cannot be read"
    )


@contextmanager
def _summing(decoder: nn.Module, n_layers: int, places: Sequence[tuple[int, int, int]]) -> Iterator[list[Tensor]]:
    """While open, each layer but the last appends the sums of its states: the last one's come after the final norm."""
    sums: list[Tensor] = []  # each (N, D)

    def take(_module: nn.Module, _arguments: Any, output: Any) -> None:
        state = output[0] if isinstance(output, tuple) else output  # (B, T, D)
        sums.append(_sum(state, places))

    hooks = [layer.register_forward_hook(take) for layer in decoder_layers(decoder, n_layers)[:-1]]
    try:
        yield sums
    finally:
        for hook in hooks:
            hook.remove()


def _places(windows: Sequence[Window], spans: Sequence[Span], layout: Layout) -> list[tuple[int, int, int]]:
    """Where the counting tokens of each window are: line, from, to."""
    if layout == Layout.PADDED:  # a line a window
        return [(line, start, end) for line, (start, end) in enumerate(spans)]
    before = accumulate(map(len, windows), initial=0)
    return [(0, first + start, first + end) for first, (start, end) in zip(before, spans, strict=False)]


def _sum(state: Tensor, places: Sequence[tuple[int, int, int]]) -> Tensor:
    """Sums over the counting tokens in float32: (B, T, D) -> (N, D).

    Window by window: one product for all of them would round each sum by the company it is in.
    """
    return torch.stack([state[line, start:end].to(torch.float32).sum(0) for line, start, end in places])  # (N, D)
