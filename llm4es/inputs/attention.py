"""Pieces that share a row and never see each other: attention by piece.

In: a network of transformers and a layout. Out: the network with the attention that the layout needs. Whether it then
gives the states of its own plain pass is tried in ``best_layout.py``. Knows no texts.

Attention by piece computes each piece's own triangle and nothing else; a mask over the row costs the square of the row.
On CUDA flash attention does the same with the same arguments, and is used where the network was loaded with it.

Letters: B rows (1), H heads, T tokens of a row, S pieces, D width of the states, W width of a head.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby, pairwise
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
    cu_seq_lens_k: torch.Tensor | None = None,  # (S + 1,)
    sliding_window: int | None = None,
    is_causal: bool | None = None,
    **settings: Any,
) -> tuple[torch.Tensor, None]:
    """Attention within each piece of a row, as transformers' attention functions are called; causal where it says.

    Neighbours of one length are computed at once. A piece with more keys than queries sees as many tokens of the line's
    beginning before its own.
    """
    asked = [name for name in UNSUPPORTED if settings.get(name) is not None]
    if cu_seq_lens_q is None or asked:
        raise NotImplementedError(f"attention by piece without {asked or 'the places where pieces end'}")
    causal = getattr(module, "is_causal", True) if is_causal is None else is_causal
    kept = {name: settings[name] for name in ("dropout", "scaling") if name in settings}
    outs = []
    for start, count, length, before in _runs(cu_seq_lens_q, cu_seq_lens_k):
        if before and not causal:
            raise NotImplementedError("tokens that all pieces begin with, where tokens see what follows")
        q, k, v = (_pieces(states, start, count, length) for states in (query, key, value))  # (S, H, t, W)
        if before:
            k, v = (
                torch.cat([states[:, :, :before].expand(count, -1, -1, -1), own], dim=2)
                for states, own in ((key, k), (value, v))
            )
        mask = _band(length, before, sliding_window, causal, query.device)  # (1, 1, t, before + t) or None
        out, _ = sdpa_attention_forward(module, q, k, v, mask, is_causal=causal and mask is None, **kept)
        outs.append(out.flatten(0, 1))  # (S * t, H, W)
    return torch.cat(outs)[None], None  # (B, T, H, W)


def _runs(queries: torch.Tensor, keys: torch.Tensor | None) -> Iterator[tuple[int, int, int, int]]:
    """Neighbours of one length: where they start, how many, how long, and how many keys each has before its own."""
    lengths = [(end - start) for start, end in pairwise(bounds_on_host(queries))]
    wider = lengths if keys is None else [(end - start) for start, end in pairwise(bounds_on_host(keys))]
    start = 0
    for (length, width), run in groupby(zip(lengths, wider, strict=True)):
        count = sum(1 for _ in run)
        if length:
            yield start, count, length, width - length
        start += count * length


def _pieces(states: torch.Tensor, start: int, count: int, length: int) -> torch.Tensor:
    """So many pieces of a line, each for itself: (1, H, T, W) -> (S, H, t, W)."""
    line = states[0, :, start : start + count * length]  # (H, S * t, W)
    return line.reshape(len(line), count, length, -1).transpose(0, 1)


def _band(length: int, before: int, window: int | None, causal: bool, device: torch.device) -> torch.Tensor | None:
    """What tokens see; None where that is all that is causal, or all, of a piece that begins with itself."""
    wide = window is None or before + length <= window
    if wide and (not before or length == 1):
        return None
    places = torch.arange(before + length, device=device)
    ages = places[before:, None] - places[None, :]  # (t, before + t)
    most = before + length if window is None else window
    return ((ages >= (0 if causal else 1 - most)) & (ages < most))[None, None]  # (1, 1, t, before + t)


AttentionInterface.register(BY_PIECE, segment_attention)


@contextmanager
def with_layout(network: PreTrainedModel, layout: Layout) -> Iterator[None]:
    """The network with the attention that ``layout`` needs; its own again afterwards."""
    own = network.config._attn_implementation
    try:
        if layout == Layout.SHARED or (layout == Layout.SEGMENTS and not _flash(own)):
            network.set_attn_implementation(BY_PIECE)
        yield
    finally:
        if network.config._attn_implementation != own:
            network.set_attn_implementation(own)


def _flash(implementation: str | None) -> bool:
    """Whether the network came with a kernel that takes pieces as they are."""
    return bool(implementation) and "flash" in str(implementation)
