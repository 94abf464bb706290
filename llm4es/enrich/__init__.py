"""Texts to more texts: other formats, or a language model's rewriting, checked."""

from .enrich import enrich
from .open_engine import open_engine

__all__ = ["enrich", "open_engine"]
