"""Texts and events to vectors, all k from one forward pass.

Importing it loads no torch: a server's vectors need none.
"""

from .embed import embed, embed_layers
from .events import read_events

__all__ = ["embed", "embed_layers", "read_events"]
