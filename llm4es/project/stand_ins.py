"""What rows say that stand in a rehearsal for vectors: all that names and later plans look at.

In: options of an embedding. Out: columns with one value each.
"""

from typing import Any

from ..models.devices import number_format
from ..options import EmbedOptions, LoadOptions, StoreAs


def of_embeddings(options: EmbedOptions, load: LoadOptions, fingerprint: str, dim: int, **more: Any) -> dict[str, Any]:
    """Columns of ``EMBEDDINGS`` but for whose vector it is, of what, and the vector.

    Parameters
    ----------
    options, load
        How the vectors will be made.
    fingerprint : str
        Of the space.
    dim : int
        Numbers of a vector, where they are not cut.
    **more
        Other columns.

    Returns
    -------
    dict
        Column -> value.

    Examples
    --------
    >>> of_embeddings(EmbedOptions(), LoadOptions(device="cpu"), "f", 576)["max_length"]
    512
    """
    kept = {} if options.store_as is StoreAs.FLOAT32 else {"stored_as": options.store_as.value}
    return {
        "pooling": options.pooling.value,
        "texts": ",".join(options.texts),
        "dim": options.dims or dim,
        "max_length": options.max_length,
        "history": options.history.value,
        "load_in": load.load_in.value,
        "dtype": number_format(load),
        "fingerprint": fingerprint,
        **kept,
        **more,
    }
