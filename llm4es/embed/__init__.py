"""Texts to vectors, all k from one forward pass."""

from .embed import embed

__all__ = ["embed"]
