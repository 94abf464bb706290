"""Vectors that were made before a network's states were held against its own forward pass, and differed from it.

In: a store, the rows of a configuration, the model. Out: entities whose vectors are to be made anew. Computes
nothing, drops nothing. Vectors of a run that says ``states`` in its record are right.
"""

import json

import pyarrow as pa

from ..core.sql import Scope, literal, where
from ..models.ref import ModelRef
from ..models.wrong_before import wrong_before
from .context import Context

RECORDED, PLAIN = "states", "plain"
"""What a run's record says of the states that its vectors are means of: those of the plain forward pass."""


def read_anew(context: Context, scope: Scope, ref: ModelRef, max_length: int) -> pa.Array:
    """The entities with vectors of this configuration that were wrong and are to be made anew: it is said."""
    wrong = wrong_before(ref.folder, max_length)
    if wrong is None or context.store.table("embeddings") is None:
        return pa.array([], pa.string())
    runs = context.store.record().select(["run_id", "stage", "config"]).to_pylist()
    right = [row["run_id"] for row in runs if row["stage"] == "embed" and RECORDED in json.loads(row["config"])]
    of_right = f" AND run_id NOT IN ({', '.join(map(literal, right))})" if right else ""
    entities = context.store.sql(
        f"SELECT DISTINCT entity_id FROM embeddings WHERE {where(scope)} AND k >= {wrong.from_k}{of_right}"
    ).to_arrow_table()["entity_id"]
    if len(entities):
        depth = f" from k = {wrong.from_k} on" if wrong.from_k > 1 else ""
        context.observer.say(
            f"embed: vectors of {ref.name}{depth} were not those of its own forward pass ({wrong.why}): those of"
            f" {len(entities)} entities are computed anew"
        )
    return entities.combine_chunks()
