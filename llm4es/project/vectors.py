"""Vectors of a store as a matrix, by a model's name and a k as people give them.

In: a context, a model, a k. Out: ids and a matrix. Writes nothing.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from ..core.errors import StoreError, nearest
from ..core.sql import literal, where
from ..options import SimilarOptions
from .context import Context
from .live_texts import live_rows
from .named_version import meant
from .space_versions import versions_only
from .tuned_versions import tuned_names

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def vectors(
    context: Context, model: str, k: int | str, config_id: str | None, at: int | str | None
) -> "tuple[pa.StringArray, NDArray[np.float32]]":
    """The (N,) ids and the (N, D) matrix of a model's vectors.

    Parameters
    ----------
    context : Context
        Dataset and store.
    model : str
        A model's or imported vectors' name, the newest version's where it says none, or the folder of a model.
    k : int or "all"
        Last layers averaged; "all" is the deepest that there is. Imported vectors have none.
    config_id : str or None
        The configuration, where several are live.
    at : int, str or None
        The store as it was; None: now.

    Raises
    ------
    StoreError
        Where there are none, naming what there is, or several configurations and none was chosen.

    Examples
    --------
    >>> ids, matrix = vectors(context, "model", "all", None, None)
    >>> matrix.shape
    (20, 32)
    """
    of_dataset = where({"dataset": context.dataset})
    rows = context.store.sql(f"SELECT DISTINCT model, k FROM embeddings WHERE {of_dataset}", at).fetchall()
    depths: dict[str, set[int]] = {}
    for name, depth in rows:
        depths.setdefault(name, set()).add(depth)
    versions = versions_only(depths, tuned_names(context.store))
    name = meant(model if meant(model, versions) in depths else Path(model).name, versions)
    if name not in depths:
        hint = nearest(model, sorted(depths)) if depths else "embed first"
        raise StoreError(f"no vectors of {model!r} in {context.dataset!r}: {hint}")
    asked = SimilarOptions.of(k=k).k or max(depths[name])
    depth = 0 if depths[name] == {0} else asked
    if depth not in depths[name]:
        there = ", ".join(map(str, sorted(depths[name])))
        raise StoreError(f"no vectors of {name!r} with k {depth}: there are k {there}, or embed with this k")
    if config_id is None and at is None:
        config_id = _only_one(context, name, depth)
    ids, matrix = context.store.matrix(context.dataset, model=name, k=depth, config_id=config_id, at=at)
    if at is not None:  # as it was then, whatever has changed since
        return ids, matrix
    stale = stale_entities(context, name, depth, config_id)
    if not stale:
        return ids, matrix
    context.observer.warn(
        f"{name}@{depth}: vectors of {len(stale)} entities are stale and left out, their texts have changed or "
        "vanished; `llm4es embed` (after `enrich`, where it reads enriched texts) makes them anew"
    )
    kept = pc.invert(pc.is_in(ids, pa.array(stale, ids.type)))
    return ids.filter(kept), matrix[kept.to_numpy(zero_copy_only=False)]


def _only_one(context: Context, model: str, k: int) -> str | None:
    """The one configuration whose histories end as the texts do; None: there are several, or none."""
    chosen = where({"model": model, "k": k})
    try:
        plain = "aligned_to IS NULL"  # turned ones are chosen by their config_id
        query = f"SELECT DISTINCT config_id FROM embeddings WHERE {chosen} AND {plain} AND {context.beside}"
    except StoreError:
        return None  # imported vectors, and no texts
    found = context.store.sql(query).fetchall()
    return str(found[0][0]) if len(found) == 1 else None


def stale_entities(context: Context, model: str, k: int, config_id: str | None) -> list[str]:
    """Entities whose vectors were made of texts that have changed or vanished.

    Parameters
    ----------
    context : Context
        Dataset and store.
    model : str
        Whose vectors.
    k : int
        Last layers averaged.
    config_id : str or None
        The configuration; None: any.

    Returns
    -------
    list of str
        Ids, in no order.

    Examples
    --------
    >>> stale_entities(context, "model", 1, None)
    []
    """
    live = live_rows(context)
    chosen = where({"dataset": context.dataset, "model": model, "k": k})
    config = "" if config_id is None else f" AND config_id = {literal(config_id)}"
    query = f"""SELECT entity_id FROM (FROM embeddings WHERE {chosen}{config}) made {live.join}
        WHERE NOT {live.condition}"""
    return [entity for (entity,) in context.store.sql(query).fetchall()]
