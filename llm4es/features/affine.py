"""An affine map of vectors, ``(x - mean) @ matrix + offset``: what whitening and alignment are once they are fitted.

In: rows of numbers. Out: rows of float32, a block at a time, so that memory beyond the result is bounded. Knows no
events and not how it was learnt.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

ROWS_AT_ONCE = 8192
"""Vectors that are mapped in one product."""

# E vectors, D width of what comes in, C width of what goes out


@dataclass(frozen=True, eq=False)
class Affine:
    """``(x - mean) @ matrix + offset``, each row then to unit length where ``unit`` says so."""

    mean: Floats
    """(D,)"""

    matrix: Floats
    """(D, C)"""

    offset: Floats
    """(C,)"""

    unit: bool
    """Whether each row is divided by its length."""

    def __call__(self, vectors: NDArray[np.floating]) -> Floats:
        """(E, D) to (E, C)."""
        mapped = np.empty((len(vectors), self.matrix.shape[1]), np.float32)  # (E, C)
        for start in range(0, len(vectors), ROWS_AT_ONCE):
            rows = slice(start, start + ROWS_AT_ONCE)
            np.matmul(vectors[rows].astype(np.float32) - self.mean, self.matrix, out=mapped[rows])
            mapped[rows] += self.offset
            if self.unit:
                mapped[rows] /= np.maximum(np.linalg.norm(mapped[rows], axis=1, keepdims=True), 1e-12)
        return mapped

    def arrays(self) -> dict[str, Floats]:
        """What it holds."""
        return {"mean": self.mean, "matrix": self.matrix, "offset": self.offset}

    @classmethod
    def named(cls, name: str, arrays: Mapping[str, Floats], *, unit: bool) -> Self | None:
        """The map whose arrays were written down as 'name.mean' and so on; None where there is none."""
        if f"{name}.matrix" not in arrays:
            return None
        mean, matrix, offset = (arrays[f"{name}.{part}"] for part in ("mean", "matrix", "offset"))
        return cls(mean, matrix, offset, unit)
