"""Pieces that share a row and never see each other: attention by piece.

In: a network of transformers and a layout. Out: the network with the attention that the layout needs. Whether it then
gives the states of its own plain pass is tried in ``best_layout.py``. Knows no texts.

Attention by piece computes each piece's own triangle and nothing else; a mask over the row costs the square of the row.
On CUDA flash attention does the same with the same arguments, and is used where the network was loaded with it.

Letters: B rows (1), H heads, T tokens of a row, S pieces, D width of the states, W width of a head.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import torch
from torch import nn
from transformers import AttentionInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from .on_device import bounds_on_host
from .packing import Layout

BY_PIECE = "llm4es_by_piece"
"""Our name in transformers' registry of attention functions."""

UNSUPPORTED = ("softcap", "s_aux", "position_bias")
"""What some architectures ask of attention and torch's kernel does not have."""


def segment_attention(
    module: nn.Module,
    query: torch.Tensor,  # (B, H, T, W)
    key: torch.Tensor,  # (B, H or fewer, T, W)
    value: torch.Tensor,  # (B, H or fewer, T, W)
    attention_mask: torch.Tensor | None,
    cu_seq_lens_q: torch.Tensor | None = None,  # (S + 1,)
    sliding_window: int | None = None,
    is_causal: bool | None = None,
    **settings: Any,
) -> tuple[torch.Tensor, None]:
    """Attention within each piece of a row, as transformers' attention functions are called; causal where it says."""
    asked = [name for name in UNSUPPORTED if settings.get(name) is not None]
    if cu_seq_lens_q is None or asked:
        raise NotImplementedError(f"attention by piece without {asked or 'the places where pieces end'}")
    causal = getattr(module, "is_causal", True) if is_causal is None else is_causal
    bounds = bounds_on_host(cu_seq_lens_q)
    kept = {name: settings[name] for name in ("dropout", "scaling") if name in settings}
    outs = []
    for start, end in pairwise(bounds):
        q, k, v = (states[:, :, start:end] for states in (query, key, value))  # (B, H, t, W)
        mask = _band(end - start, sliding_window, causal, query.device)  # (t, t) or None
        out, _ = sdpa_attention_forward(module, q, k, v, mask, is_causal=causal and mask is None, **kept)
        outs.append(out)  # (B, t, H, W)
    return torch.cat(outs, dim=1), None  # (B, T, H, W)


def _band(length: int, window: int | None, causal: bool, device: torch.device) -> torch.Tensor | None:
    """The mask of a sliding window; None where the window holds the whole piece."""
    if window is None or length <= window:
        return None
    ages = torch.arange(length, device=device)[:, None] - torch.arange(length, device=device)[None, :]  # (t, t)
    return ((ages >= (0 if causal else 1 - window)) & (ages < window))[None, None]  # (1, 1, t, t)


AttentionInterface.register(BY_PIECE, segment_attention)


@contextmanager
def with_layout(network: PreTrainedModel, layout: Layout) -> Iterator[None]:
    """The network with the attention that ``layout`` needs; its own again afterwards."""
    own = network.config._attn_implementation
    try:
        if layout == Layout.SEGMENTS and not _flash(own):
            network.set_attn_implementation(BY_PIECE)
        yield
    finally:
        if network.config._attn_implementation != own:
            network.set_attn_implementation(own)


def _flash(implementation: str | None) -> bool:
    """Whether the network came with a kernel that takes pieces as they are."""
    return bool(implementation) and "flash" in str(implementation)
