"""Which version imported vectors are: the one that is there, brought up to date, or a new one in another space.

In: a context, vectors, their name. Out: what tables call them. Nobody knows what made imported vectors, so they are
asked themselves: where most entities have the vector that they had, some have changed; where most have another, the
maker has changed, and the two sets are not to be mixed.
"""

from dataclasses import dataclass

import pyarrow as pa

from ..core.limits import LEAN
from ..core.sql import where
from ..core.versions import kept_name, version_of
from ..features.import_vectors import IMPORTED
from .context import Context

SAME = 0.5
"""Share of the common entities whose vectors are what they were, from which they are the same space."""


@dataclass(frozen=True)
class ImportVersion:
    """What imported vectors are called."""

    name: str
    """What tables call them."""

    before: str = ""
    """The version that stays beside them; '': they are of the one that is there, or the first."""

    why: str = ""
    """In what they differ from it."""


def import_version(context: Context, name: str, keys: pa.Table, width: int) -> ImportVersion:
    """The version that vectors of this name are.

    Parameters
    ----------
    context : Context
        Dataset and store.
    name : str
        As it was typed.
    keys : pyarrow.Table
        ``entity_id`` and ``source_hash`` (of the vector).
    width : int
        Numbers a vector.

    Returns
    -------
    ImportVersion
        The newest one where most of the common entities have the vectors that they had, else the next.

    Examples
    --------
    >>> import_version(context, "coles", pa.table({"entity_id": ["c0"], "source_hash": ["h"]}), 2)
    ImportVersion(name='coles', before='', why='')
    """
    chosen = where({"dataset": context.dataset, "pooling": IMPORTED})
    names = [each for (each,) in context.store.sql(f"SELECT DISTINCT model FROM embeddings WHERE {chosen}").fetchall()]
    there = sorted(version_of(each) for each in names if version_of(each).family == name)
    if not there:
        return ImportVersion(name)
    newest = there[-1].number
    before = kept_name(name, newest)
    content = "entity_id, hash(source_hash) AS content"  # an eighth of what it stands for
    live = f"SELECT {content}, dim FROM embeddings WHERE {chosen} AND {where({'model': before})}"
    with context.store.connect(limits=LEAN) as connection:
        connection.register("keys", keys)
        query = f"""SELECT count(*), count(*) FILTER (given.content = live.content), max(live.dim)
            FROM ({live}) live JOIN (SELECT {content} FROM keys) given USING (entity_id)"""
        ((common, same, before_width),) = connection.sql(query).fetchall()
    if not common or (before_width == width and same >= SAME * common):
        return ImportVersion(before)
    why = (
        f"{width} dimensions in place of {before_width}"
        if before_width != width
        else f"{common - same} of {common} vectors are others"
    )
    return ImportVersion(kept_name(name, newest + 1), before, why)
