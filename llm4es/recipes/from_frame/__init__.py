"""Recipes for frames that are in memory: what their columns are, and the Parquet files that they are kept in."""

from .keep import keep_frames
from .recipe import recipe_from_frame

__all__ = ["keep_frames", "recipe_from_frame"]
