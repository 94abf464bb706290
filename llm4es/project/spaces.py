"""The space that a model's vectors live in: its name in the tables, and whether the name was another's.

In: a context, a model, how it is loaded. Out: a ``Space``. Reads the store, writes nothing.
"""

from dataclasses import dataclass

from ..models.ref import ModelRef, load_fingerprint, space_fingerprint, space_name
from ..options import LoadOptions
from .context import Context
from .stored_models import stored_models


@dataclass(frozen=True)
class Space:
    """The space that a model's vectors live in, and what it means for the vectors that are there."""

    name: str
    """What tables call it."""

    fingerprint: str
    """Of weights, number format and quantization."""

    moved: bool
    """Whether the name stood for other weights until now: two spaces never live under one name."""


def space_of(context: Context, ref: ModelRef, load: LoadOptions) -> Space:
    """The space of a model's vectors, and whether its name was another's."""
    rows = context.store.sql("SELECT DISTINCT dataset, model, fingerprint FROM embeddings").fetchall()
    fingerprint, former = space_fingerprint(ref, load), load_fingerprint(ref, load)
    # A model of the store keeps its name when it is tuned anew; another folder of the same name is another model.
    others = {model: other for _, model, other in rows if other != former}
    name = space_name(ref, load, None if ref.name in stored_models(context.store) else others)
    if "#" in name and name not in {model for _, model, _ in rows}:
        usual = name.partition("#")[0]
        context.observer.say(f"embed: {usual} stands for other weights in this store: those of {ref.folder} are {name}")
    here = {other for dataset, model, other in rows if (dataset, model) == (context.dataset, name)}
    if former in here - {fingerprint}:
        were = "were read in one direction" if ref.was_read_causally else "depended on the batch that read them"
        context.observer.say(f"embed: vectors of {name} {were}: they are computed anew")
    return Space(name, fingerprint, moved=bool(here - {fingerprint}))
