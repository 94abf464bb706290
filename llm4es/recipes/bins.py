"""Numbers shown as words: 'very small' to 'very large', by edges that the recipe gives or that were fitted once.

In: fields of a recipe, edges. Out: the word of each bin, and fields that know their edges. Knows no data: ``bin_edges``
fits them.
"""

from collections.abc import Mapping, Sequence

from ..core.errors import RecipeError
from .model import FieldSpec, Recipe

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


def with_edges(recipe: Recipe, edges: Mapping[str, Sequence[float]]) -> Recipe:
    """The recipe, its fields' numbers of bins replaced by edges.

    Parameters
    ----------
    recipe : Recipe
        Some of its fields may have ``bins = 5``.
    edges : mapping of str to sequence of float
        Of each such field by name, rising; none: all values are in one bin.

    Returns
    -------
    Recipe
        The pure stages read it; what it says is kept and hashed as the other one.

    Examples
    --------
    >>> from llm4es.recipes import recipe_from_frame
    >>> shop = {"user": ["a"], "amount": [1.5]}
    >>> recipe = recipe_from_frame("shop", shop, entity="user", fields=[{"name": "amount", "bins": 3}])
    >>> with_edges(recipe, {"amount": [5.0, 20.0]}).fields[0].bins
    (5.0, 20.0)
    """
    fields = tuple(
        field.model_copy(update={"bins": tuple(edges[field.name])}) if field.name in edges else field
        for field in recipe.fields
    )
    return recipe.model_copy(update={"fields": fields})
