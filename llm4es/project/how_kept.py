"""What smaller vectors are worth, in a sentence: how near they are to those that were computed, and their bytes.

In: a store, the rows of one configuration. Out: a sentence, or none where vectors are kept as they were computed.
"""

from typing import TYPE_CHECKING

from ..core.sql import Scope, where
from ..options import EmbedOptions, StoreAs

if TYPE_CHECKING:
    from llm4es_store import Store

_BYTES = {"float16": 2, "int8": 1}
"""Bytes of a number; int8 has besides one float32 a vector."""


def how_kept(store: "Store", scope: Scope, options: EmbedOptions) -> list[str]:
    """A sentence about the scope's vectors, where they are smaller than those that were computed.

    Parameters
    ----------
    store : Store
        Where they are.
    scope : mapping of str to str or int
        Which they are: dataset, model, configuration.
    options : EmbedOptions
        How they are kept.

    Returns
    -------
    list of str
        One sentence, or none.

    Examples
    --------
    >>> how_kept(project.store, {"dataset": "shop", "model": "model"}, EmbedOptions())  # float32: nothing to say
    []
    """
    if options.store_as is StoreAs.FLOAT32:
        return []
    rows = store.sql(
        f"""SELECT stored_as, min(stored_cosine), any_value(dim) FROM embeddings
        WHERE {where(scope)} AND stored_as IS NOT NULL GROUP BY stored_as"""
    ).fetchall()
    return [
        f"kept as {kept}: cosine to float32 {_floor(cosine)} or more, "
        f"{(_BYTES[kept] * dim + (4 if kept == 'int8' else 0)) / (4 * dim):.0%} of the bytes"
        for kept, cosine, dim in rows
    ]


def _floor(cosine: float) -> str:
    """So many nines as are true: 0.9999436 is 0.9999 or more, not 1."""
    digits = 4
    while digits < 7 and cosine > 1 - 10**-digits:
        digits += 1
    return f"{int(cosine * 10**digits) / 10**digits:.{digits}f}"
