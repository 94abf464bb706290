"""Pieces that share a row and never see each other: which layout a network understands, and attention by piece.

In: a network of transformers. Out: the best ``Layout`` that gives the states it gives to each piece alone, found by
trying, so that an architecture which ignores positions (or keeps a running state) is never packed. Knows no texts.

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

from .packing import LAYOUTS, Layout, Row

BY_PIECE = "llm4es_by_piece"
"""Our name in transformers' registry of attention functions."""

TOLERANCE = {torch.float32: 1e-3, torch.bfloat16: 5e-2, torch.float16: 1e-2}
"""Largest difference between a piece alone and in company, as a share of the largest state: rounding, not leakage."""

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
    **settings: Any,
) -> tuple[torch.Tensor, None]:
    """Causal attention within each piece of a row, as transformers' attention functions are called."""
    asked = [name for name in UNSUPPORTED if settings.get(name) is not None]
    if cu_seq_lens_q is None or asked:
        raise NotImplementedError(f"attention by piece without {asked or 'the places where pieces end'}")
    bounds = cu_seq_lens_q.tolist()
    kept = {name: settings[name] for name in ("dropout", "scaling") if name in settings}
    outs = []
    for start, end in pairwise(bounds):
        q, k, v = (states[:, :, start:end] for states in (query, key, value))  # (B, H, t, W)
        mask = _band(end - start, sliding_window, query.device)  # (t, t) or None
        out, _ = sdpa_attention_forward(module, q, k, v, mask, is_causal=mask is None, **kept)
        outs.append(out)  # (B, t, H, W)
    return torch.cat(outs, dim=1), None  # (B, T, H, W)


def _band(length: int, window: int | None, device: torch.device) -> torch.Tensor | None:
    """The causal mask of a sliding window; None where the window holds the whole piece."""
    if window is None or length <= window:
        return None
    ages = torch.arange(length, device=device)[:, None] - torch.arange(length, device=device)[None, :]  # (t, t)
    return ((ages >= 0) & (ages < window))[None, None]  # (1, 1, t, t)


AttentionInterface.register(BY_PIECE, segment_attention)


@contextmanager
def with_layout(network: PreTrainedModel, layout: Layout) -> Iterator[None]:
    """The network with the attention that ``layout`` needs; its own again afterwards."""
    own = network.config._attn_implementation
    if layout == Layout.SEGMENTS and not _flash(own):
        network.set_attn_implementation(BY_PIECE)
    try:
        yield
    finally:
        if network.config._attn_implementation != own:
            network.set_attn_implementation(own)


def best_layout(network: PreTrainedModel) -> Layout:
    """The first layout, best first, in which two pieces in company have the states that each has alone."""
    for layout in (Layout.SEGMENTS, Layout.FLAT):
        with with_layout(network, layout):
            if _same_in_company(network, layout):
                return layout
    return Layout.PADDED


def _flash(implementation: str | None) -> bool:
    """Whether the network came with a kernel that takes pieces as they are."""
    return bool(implementation) and "flash" in str(implementation)


def _same_in_company(network: PreTrainedModel, layout: Layout) -> bool:
    """Whether a row of two pieces gives the states of two rows of one."""
    vocabulary = int(network.config.get_text_config().vocab_size)
    pieces = [[(7 * i + 3) % vocabulary for i in range(9)], [(5 * i + 1) % vocabulary for i in range(6)]]
    training = network.training
    network.eval()  # dropout would tell the two apart
    try:
        with torch.no_grad():
            together = _states(network, layout, pieces)[0]  # (T, D)
            alone = torch.cat([_states(network, layout, [piece])[0] for piece in pieces])  # (T, D)
    except (NotImplementedError, TypeError, ValueError):
        return False  # an architecture that does not take the arguments
    finally:
        network.train(training)
    limit = TOLERANCE.get(together.dtype, TOLERANCE[torch.bfloat16]) * float(alone.abs().max())
    return bool((together - alone).abs().max() <= limit)


def _states(network: PreTrainedModel, layout: Layout, row: Row) -> torch.Tensor:
    """Last states of a row."""
    inputs = LAYOUTS[layout].tensors(row)
    del inputs["labels"]
    moved = {name: tensor.to(network.device) for name, tensor in inputs.items()}
    states: torch.Tensor = network.base_model(**moved, use_cache=False).last_hidden_state  # (1, T, D)
    return states
