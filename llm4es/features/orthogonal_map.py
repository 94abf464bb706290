"""One space turned into another: orthogonal Procrustes (Schoenemann, Psychometrika 1966), and how far off it is.

In: vectors of the same entities in two spaces. Out: a rotation, perhaps with a reflection, and its errors. Lengths and
cosines between vectors of the turned space stay what they were. Knows no store and no labels.

Letters: N entities fitted, M held out, D width.
"""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ..core.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class MapErrors:
    """How far turned vectors are from where they should be: 0 is exact."""

    residual: float
    """|X R - Y| / |Y| over the entities that the map was fitted on."""

    spread: float
    """|X R - Y| / |Y - mean(Y)| over them: 1 is no better than one vector for everybody."""

    n_held_out: int
    """Common entities that the map was not fitted on."""

    residual_held_out: float | None
    """As ``residual`` over these; None: there are none."""

    spread_held_out: float | None
    """As ``spread`` over these, about the mean of those that were fitted."""

    def as_dict(self) -> dict[str, Any]:
        """As JSON can carry it."""
        return asdict(self)


def fit_map(
    vectors: "NDArray[np.float32]",
    target: "NDArray[np.float32]",
    held_out: "NDArray[np.float32]",
    held_out_target: "NDArray[np.float32]",
) -> "tuple[NDArray[np.float32], MapErrors]":
    """The orthogonal map that brings vectors nearest to those of the same entities in another space.

    Parameters
    ----------
    vectors, target : numpy.ndarray of float32, (N, D)
        The same entities in both spaces.
    held_out, held_out_target : numpy.ndarray of float32, (M, D)
        Others, to measure on; may have no rows.

    Returns
    -------
    matrix : numpy.ndarray of float32, (D, D)
        ``vectors @ matrix`` is near ``target``.
    MapErrors
        How near.

    Raises
    ------
    DataError
        For other widths, and fewer entities than dimensions: the map would be arbitrary in what they leave open.

    Examples
    --------
    >>> import numpy as np
    >>> target = np.eye(2, dtype=np.float32)
    >>> matrix, errors = fit_map(target[:, ::-1], target, target[:0], target[:0])
    >>> matrix.round().tolist(), round(errors.residual, 6), errors.residual_held_out
    ([[0.0, 1.0], [1.0, 0.0]], 0.0, None)
    """
    import numpy as np
    from scipy.linalg import orthogonal_procrustes

    (n, width), other = vectors.shape, target.shape[1]
    if width != other:
        raise DataError(
            f"vectors of {width} dimensions cannot be turned onto vectors of {other}: the widths must be one"
        )
    if n < width:
        raise DataError(
            f"{n} entities have vectors of both versions, and a map of {width} dimensions needs as many at least"
        )
    matrix, _ = orthogonal_procrustes(vectors.astype(np.float64), target.astype(np.float64))  # (D, D)
    turned = np.asarray(matrix, np.float32)
    centre = target.mean(0, dtype=np.float64)  # (D,)
    fitted = _errors(vectors, target, turned, centre)
    others = _errors(held_out, held_out_target, turned, centre) if len(held_out) else (None, None)
    return turned, MapErrors(float(fitted[0] or 0), float(fitted[1] or 0), len(held_out), *others)


def _errors(
    vectors: "NDArray[np.float32]",
    target: "NDArray[np.float32]",
    matrix: "NDArray[np.float32]",
    centre: "NDArray[np.float64]",
) -> tuple[float | None, float | None]:
    """What is left of the vectors, and of what they differ by."""
    import numpy as np

    left = np.linalg.norm(vectors @ matrix - target)
    whole, spread = np.linalg.norm(target), np.linalg.norm(target - centre)
    return (float(left / whole) if whole else None), (float(left / spread) if spread else None)
