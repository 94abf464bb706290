"""Numbers shown as words: 'very small' to 'very large', by edges that the recipe gives or that were fitted once.

In: a field of a recipe. Out: the word of each bin, and where they meet. Knows no data: ``bin_edges`` fits edges.
"""

from ..core.errors import RecipeError
from .model import FieldSpec

_WORDS = {
    1: ("medium",),
    2: ("small", "large"),
    3: ("small", "medium", "large"),
    4: ("very small", "small", "large", "very large"),
    5: ("very small", "small", "medium", "large", "very large"),
    6: ("extremely small", "very small", "small", "large", "very large", "extremely large"),
    7: ("extremely small", "very small", "small", "medium", "large", "very large", "extremely large"),
}
"""What so many bins are called, the lowest first."""


def bin_words(n_bins: int) -> tuple[str, ...]:
    """What the bins of a number are called, the lowest first.

    Parameters
    ----------
    n_bins : int
        How many there are; above 7 they are counted.

    Returns
    -------
    tuple of str
        As many.

    Examples
    --------
    >>> bin_words(3), bin_words(10)[0]
    (('small', 'medium', 'large'), 'level 1 of 10')
    """
    return _WORDS.get(n_bins) or tuple(f"level {level} of {n_bins}" for level in range(1, n_bins + 1))


def edges_of(field: FieldSpec) -> tuple[float, ...] | None:
    """Where the bins of a field meet; a value on an edge is in the upper one. None: the field has no bins.

    Parameters
    ----------
    field : FieldSpec
        Of a recipe.

    Returns
    -------
    tuple of float or None
        Rising, one fewer than there are bins.

    Raises
    ------
    RecipeError
        The recipe asks for a number of bins, and their edges were not fitted.

    Examples
    --------
    >>> edges_of(FieldSpec(name="amount", type="number", bins=[10, 100]))
    (10.0, 100.0)
    """
    if isinstance(field.bins, int):
        raise RecipeError(
            f"field {field.name!r}: the edges of bins = {field.bins} are not fitted yet: serialize fits them in a "
            "store; without one give edges, such as bins = [10.0, 100.0]"
        )
    return field.bins
