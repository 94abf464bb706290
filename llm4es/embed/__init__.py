"""Texts to vectors, all k from one forward pass."""

from .batches import batch_tokens_within
from .embed import embed, embed_layers

__all__ = ["batch_tokens_within", "embed", "embed_layers"]
