"""Token states to one vector a layer, taken while the layer runs.

In: a network and a batch of windows. Out: for every window and every layer, the sum of its pooled tokens' states in
float32. Only these sums outlive a layer, so memory does not grow with the number of layers asked for. Knows neither
entities nor k.

States are Hugging Face's ``hidden_states[1:]``: the embeddings' output is left out, the last layer's state is taken
after the final norm.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import PreTrainedModel

from .config import Pooling
from .errors import ModelError

# B windows, T tokens, L layers, D width


@dataclass(frozen=True)
class Batch:
    """Windows side by side, padded on the right."""

    ids: Tensor  # (B, T)
    """Token ids; 0 where padded."""

    real: Tensor  # (B, T)
    """True for tokens, False for padding."""

    special: Tensor  # (B, T)
    """True for the special tokens that the tokenizer adds."""

    padded: bool
    """Whether there is any padding."""


WEIGHTS: dict[Pooling, Callable[[Batch], Tensor]] = {
    Pooling.MEAN: lambda batch: batch.real,  # (B, T)
    Pooling.LAST: lambda batch: batch.real & ~F.pad(batch.real[:, 1:], (0, 1)),  # (B, T)
    Pooling.CONTENT_MEAN: lambda batch: batch.real & ~batch.special,  # (B, T)
}
"""Which tokens count, one entry a pooling."""


def collate(windows: Sequence[Sequence[int]], n_prefix: int, n_suffix: int, device: torch.device) -> Batch:
    """Windows as one batch; the first ``n_prefix`` and last ``n_suffix`` tokens of each are the tokenizer's own."""
    lengths = torch.tensor([len(window) for window in windows])  # (B)
    longest = int(lengths.max())
    ids = torch.zeros(len(windows), longest, dtype=torch.long)  # (B, T)
    for row, window in enumerate(windows):
        ids[row, : len(window)] = torch.tensor(window)
    position = torch.arange(longest)[None, :]  # (1, T)
    real = position < lengths[:, None]  # (B, T)
    special = real & ((position < n_prefix) | (position >= lengths[:, None] - n_suffix))  # (B, T)
    return Batch(ids.to(device), real.to(device), special.to(device), padded=bool((lengths < longest).any()))


@torch.inference_mode()
def layer_sums(network: PreTrainedModel, n_layers: int, batch: Batch, pooling: Pooling) -> tuple[Tensor, Tensor]:
    """The pooled tokens' summed states of every layer, (L, B, D) in float32, and their number, (B)."""
    weights = WEIGHTS[pooling](batch).to(torch.float32)  # (B, T)
    decoder = network.base_model
    with _summing(decoder, n_layers, weights) as sums:
        # without a mask attention takes the kernels made for plain causal order
        mask = batch.real.to(torch.long) if batch.padded else None  # (B, T)
        out = decoder(input_ids=batch.ids, attention_mask=mask, use_cache=False)
    sums.append(_sum(out.last_hidden_state, weights))  # (B, D), after the final norm
    return torch.stack(sums), weights.sum(1)  # (L, B, D), (B)


def decoder_layers(decoder: nn.Module, n_layers: int) -> nn.ModuleList:
    """The module that holds the transformer layers."""
    for module in decoder.modules():
        if isinstance(module, nn.ModuleList) and len(module) == n_layers:
            return module
    raise ModelError(
        f"{type(decoder).__name__} keeps its {n_layers} layers in no list: this architecture cannot be read"
    )


@contextmanager
def _summing(decoder: nn.Module, n_layers: int, weights: Tensor) -> Iterator[list[Tensor]]:
    """While open, each layer but the last appends the sum of its states: the last one's comes after the final norm."""
    sums: list[Tensor] = []  # each (B, D)

    def take(_module: nn.Module, _arguments: Any, output: Any) -> None:
        state = output[0] if isinstance(output, tuple) else output  # (B, T, D)
        sums.append(_sum(state, weights))

    hooks = [layer.register_forward_hook(take) for layer in decoder_layers(decoder, n_layers)[:-1]]
    try:
        yield sums
    finally:
        for hook in hooks:
            hook.remove()


def _sum(state: Tensor, weights: Tensor) -> Tensor:
    """Weighted sum over tokens in float32: (B, T, D), (B, T) -> (B, D)."""
    return torch.bmm(weights[:, None, :], state.to(torch.float32))[:, 0]  # (B, D)
