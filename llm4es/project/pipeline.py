"""The steps in order, and what each reads and writes: the one place that knows the way.

In: nothing. Out: the way. Knows no store and no stage's inside.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """One stage, by the name of its command and folder."""

    name: str
    """Command, function and folder alike."""
    reads: tuple[str, ...]
    """Tables it reads."""
    writes: tuple[str, ...]
    """Tables it writes."""
    sometimes: tuple[str, ...] = ()
    """Tables that it reads besides where what was asked for needs them: a run of it says so itself."""


STAGES = (
    Stage("serialize", (), ("recipes", "bins", "raw_rows", "events", "labels", "splits", "texts")),
    Stage("enrich", ("texts", "models"), ("texts",)),
    Stage("finetune", ("texts", "splits", "models"), ("models", "exposures")),
    Stage(
        "embed",
        ("texts", "models"),
        ("embeddings", "layers", "event_vectors", "event_fits", "canaries"),
        sometimes=("events", "splits"),
    ),
    Stage("probe", ("embeddings", "layers", "events", "labels", "splits", "exposures"), ("probes", "predictions")),
)
"""Every stage reads only what earlier ones, or it itself, have written. Those that write no row of a table in one run
write it in another: ``layers`` where they are kept, ``canaries`` at the first use of a model, ``bins`` where a recipe
asks for them."""

AFTER = (
    Stage("predict", ("embeddings", "layers", "events", "labels", "exposures", "predictors"), ("predictors", "scores")),
)
"""What is not on the way of `run`: what somebody asks for once they know what the features are worth."""
