"""Vectors that were made before a network's states were held against its own forward pass, and differed from it.

In: a store, the rows of a configuration, the model. Out: entities whose vectors are to be made anew. Computes
nothing, drops nothing. Vectors of a run that says ``states`` in its record are right.
"""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from ..core.sql import Scope, literal, where
from ..models.ref import ModelRef
from ..models.wrong_before import Wrong
from .context import Context
from .recorded import runs_of

RECORDED, PLAIN = "states", "plain"
"""What a run's record says of the states that its vectors are means of: those of the plain forward pass."""


def read_anew(context: Context, scope: Scope, ref: ModelRef, wrong: Wrong | None, depths: Sequence[int]) -> pa.Array:
    """The entities with vectors of this configuration that were wrong and are to be made anew: it is said.

    ``wrong`` is what ``wrong_before`` says of the model. Of ``depths``, the k that are asked for now. That those of
    another k were wrong is said too: they stay until then.
    """
    if wrong is None:
        return pa.array([], pa.string())
    right = runs_that_read_plainly(context)
    of_right = f" AND run_id NOT IN ({', '.join(map(literal, right))})" if right else ""
    found = context.store.sql(
        f"SELECT DISTINCT entity_id, k FROM embeddings WHERE {where(scope)} AND k >= {wrong.from_k}"
        f" AND n_tokens > {wrong.above}{of_right}"
    ).to_arrow_table()
    asked = pc.is_in(found["k"], pa.array(depths, pa.int32()))
    entities = found.filter(asked)["entity_id"].unique()
    were = f"were not those of its own forward pass ({wrong.why})"
    if len(entities):
        depth = f" from k = {wrong.from_k} on" if wrong.from_k > 1 else ""
        context.observer.say(
            f"embed: vectors of {ref.name}{depth} {were}: those of {len(entities)} entities are computed anew"
        )
    if left := sorted(set(found.filter(pc.invert(asked))["k"].unique().to_pylist())):
        words = ",".join(map(str, left))
        context.observer.warn(f"vectors of {ref.name} at k = {words} {were}: embed with --k {words} to make them anew")
    return entities


def runs_that_read_plainly(context: Context) -> list[str]:
    """The runs of ``embed``, of whichever dataset, whose vectors are means of the plain forward pass's states."""
    datasets = context.store.datasets()
    runs = [run for dataset in datasets for run in runs_of(context.store, dataset, "embed")]
    return [run.run_id for run in runs if RECORDED in run.config]
