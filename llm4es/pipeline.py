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
    counts: str
    """The table whose rows, or where it replaces them whose commits, are what a run of it has computed."""


STAGES = (
    Stage("serialize", (), ("events", "labels", "splits", "texts"), "texts"),
    Stage("enrich", ("texts",), ("texts",), "texts"),
    Stage("finetune", ("texts", "splits"), ("models", "exposures"), "models"),
    Stage("embed", ("texts", "models"), ("embeddings",), "embeddings"),
    Stage("probe", ("embeddings", "events", "labels", "splits", "exposures"), ("probes", "predictions"), "probes"),
)
"""Every stage reads only what earlier ones, or it itself, have written."""
