"""The first dimensions of a vector, as models trained for it (Matryoshka) have them.

In: a vector. Out: a shorter one, at length 1. Knows no model.
"""

import numpy as np
from numpy.typing import NDArray


def shortened(vector: NDArray[np.float32], dims: int | None) -> NDArray[np.float32]:
    """The first ``dims`` dimensions at length 1; as it is where none were asked for.

    Examples
    --------
    >>> shortened(np.array([3.0, 4.0, 12.0], np.float32), 2).tolist()
    [0.6000000238418579, 0.800000011920929]
    """
    if dims is None:
        return vector
    kept = vector[:dims]  # (dims)
    return np.asarray(kept / (np.linalg.norm(kept) or 1), np.float32)
