"""Texts of train entities to a tuned model."""

from .finetune import finetune

__all__ = ["finetune"]
