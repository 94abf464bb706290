"""Raw events to one text an entity."""

from .serialize import serialize, serialize_whole

__all__ = ["serialize", "serialize_whole"]
