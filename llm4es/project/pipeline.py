"""The stages in order, and what each reads and writes: the one place that knows the way.

In: nothing. Out: the way. Knows no store and no stage's inside.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """One stage, by the name of its command and module."""

    name: str
    """Command, function and module alike."""
    reads: tuple[str, ...]
    """Tables it reads."""
    writes: tuple[str, ...]
    """Tables it writes."""


STAGES = (
    Stage("serialize", (), ("events", "labels", "splits", "texts")),
    Stage("enrich", ("texts",), ("texts",)),
    Stage("finetune", ("texts", "splits"), ("models", "exposures")),
    Stage("embed", ("texts", "models"), ("embeddings",)),
    Stage("probe", ("embeddings", "events", "labels", "splits", "exposures"), ("probes", "predictions")),
)
"""Every stage reads only what earlier ones, or it itself, have written."""
