"""Entities whose vectors were made when control tokens in their texts were still read as such.

In: a store, the rows of a configuration, the texts and the model. Out: entities. Computes nothing, drops nothing.
Vectors of a run that says ``control_tokens`` in its record are right; so are all once such a run has seen everybody.
"""

import re

import pyarrow as pa
import pyarrow.compute as pc

from ..core.sql import Scope, literal, where
from ..models.control_strings import control_strings
from ..models.ref import ModelRef
from .context import Context
from .recorded import runs_of
from .selection import Texts

RECORDED = "control_tokens"
"""What a run's record says of it."""

EVERYBODY, SOME = "text", "text, of some"
"""How control tokens in data are read, and whether all entities were looked at."""


def read_as_control(context: Context, scope: Scope, chosen: Texts, entities: str, ref: ModelRef) -> pa.Array:
    """Of some ``entities`` (a SELECT) those whose vectors of this configuration are to be made anew: it is said."""
    nobody = pa.array([], pa.string())
    store = context.store
    right = []
    for run in runs_of(store, context.dataset, "embed"):
        everybody = run.status == "done" and run.config.get(RECORDED) == EVERYBODY
        if everybody and run.config["config_id"] == scope["config_id"]:
            return nobody
        if RECORDED in run.config:
            right.append(run.run_id)
    names = control_strings(ref.folder)
    if not names:
        return nobody
    of_right = f" AND run_id NOT IN ({', '.join(map(literal, right))})" if right else ""
    before = f"SELECT entity_id FROM embeddings WHERE {where(scope)}{of_right}"
    pattern = literal("|".join(map(re.escape, names)))
    found = store.sql(
        f"""SELECT entity_id, min(regexp_extract(text, {pattern})) AS token FROM texts
        WHERE {chosen.condition} AND entity_id IN ({entities}) AND entity_id IN ({before})
        AND regexp_matches(text, {pattern}) GROUP BY entity_id ORDER BY entity_id"""
    ).to_arrow_table()
    if n := len(found):
        them = "1 entity" if n == 1 else f"{n} entities"
        context.observer.say(
            f"embed: {found['token'][0]} in texts of {them} was read as a control token, and is text: their vectors are"
            " computed anew"
        )
    return found["entity_id"].combine_chunks()


SPELLED = " spelled"
"""Behind the content of vectors that are to be made anew."""


def as_made(hashes: pa.ChunkedArray) -> pa.ChunkedArray:
    """Content as rows bear it once they are made, of content as ``outdated`` marks it."""
    return pc.replace_substring(hashes, SPELLED, "")


def outdated(hashes: pa.Table, entities: pa.Array) -> pa.Table:
    """(entity_id, source_hash) in which these entities have other content than their vectors were made of."""
    of_them = pc.is_in(hashes["entity_id"], entities)
    hashed = hashes["source_hash"]
    marked = pc.if_else(of_them, pc.binary_join_element_wise(hashed, SPELLED, ""), hashed)
    return hashes.set_column(hashes.schema.get_field_index("source_hash"), "source_hash", marked)
