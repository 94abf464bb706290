"""Raw events to one text an entity."""

from .serialize import serialize

__all__ = ["serialize"]
