"""Features and labels to evidence: metrics, predictions, comparisons."""

from .probe import probe

__all__ = ["probe"]
