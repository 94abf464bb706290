"""A network whose layers are compiled by torch, where that gives the same states.

In: a loaded model and the options that it reads texts with. Out: its layers compiled in place, or why they were
left as they are. Knows no texts.

Layers are compiled one by one and beneath their hooks, which take their states; attention by piece stays as it is, for
its pieces are others in every pass.
"""

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, PreTrainedModel

from ..core.errors import one_line
from ..inputs.attention import BY_PIECE, segment_attention
from ..inputs.best_layout import EXACT, ROUNDING
from ..inputs.packing import Layout
from ..inputs.states import layers_to_hook, plain_tokens
from ..models.load import Model
from ..options import EmbedOptions
from .pooling import layer_sums, layout_for

BACKEND = "inductor"
"""Torch's own: it needs a C++ compiler on a CPU, and triton on CUDA."""

TRIED = (40, 25, 9)
"""Tokens of the windows on which it is held against what it was."""

_known: "WeakKeyDictionary[PreTrainedModel, str]" = WeakKeyDictionary()
"""Of each network that was to be compiled, why it is not: empty where it is."""


def compile_layers(model: Model, options: EmbedOptions) -> str:
    """Compile the layers of a model in place; once.

    Returns
    -------
    str
        Empty, or why the layers were left as they were.
    """
    if model.network not in _known:
        layout = layout_for(model.network, model.ref.n_layers, options.max_length, options.batch_tokens)
        _known[model.network] = _compiled(model.network, model.ref.n_layers, layout)
    return _known[model.network]


def _compiled(network: PreTrainedModel, n_layers: int, layout: Layout) -> str:
    layers = layers_to_hook(network, n_layers)
    if layers is None:
        return f"the layers of a {network.config.model_type} model give no states one by one"
    before = _sums(network, n_layers, layout)  # (L, N, D)
    own = [_own(layer) for layer in layers]
    why = ""
    try:
        for layer, forward in zip(layers, own, strict=True):
            _put(layer, torch.compile(forward, dynamic=True, backend=BACKEND))
        uncompiled = torch.compiler.disable(segment_attention)  # type: ignore[no-untyped-call]
        AttentionInterface.register(BY_PIECE, uncompiled)
        after = _sums(network, n_layers, layout)  # (L, N, D)
        apart = float((after - before).norm(dim=-1).max() / before.norm(dim=-1).mean())
        if not apart <= ROUNDING.get(network.dtype, EXACT):
            why = f"compiled layers differ by {apart:.1%}"
    except Exception as error:  # compilers fail in ways of their own; the plain layers just worked
        why = one_line(error, 160)
    if why:
        for layer, forward in zip(layers, own, strict=True):
            _put(layer, forward)
        AttentionInterface.register(BY_PIECE, segment_attention)
    return why


def _sums(network: PreTrainedModel, n_layers: int, layout: Layout) -> Tensor:
    """The layers' sums of some windows that share a pass: (L, N, D)."""
    count = 1 if layout == Layout.ALONE else len(TRIED)
    lengths = [TRIED[0]] * count if layout == Layout.EQUAL else TRIED[:count]
    windows = [plain_tokens(network, length, 5 + place) for place, length in enumerate(lengths)]
    return layer_sums(network, n_layers, windows, [(0, length) for length in lengths], layout)


def _own(layer: nn.Module) -> Callable[..., Any]:
    """A layer's own function, beneath what accelerate put around it."""
    return layer._old_forward if hasattr(layer, "_old_forward") else layer.forward  # type: ignore[return-value]


def _put(layer: nn.Module, forward: Callable[..., Any]) -> None:
    """Another function in the place of a layer's own."""
    setattr(layer, "_old_forward" if hasattr(layer, "_old_forward") else "forward", forward)
