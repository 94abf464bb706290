"""Texts to more texts: other formats, or a language model's rewriting, checked."""

from .enrich import enrich

__all__ = ["enrich"]
