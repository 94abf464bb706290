"""Values as a text has them: numbers without exponents or as the word of their bin, times, units, and escapes.

In: a column of events, the field that it is. Out: the column as text. Knows no line and no entity.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..core.decimals import fixed_point, plain_numbers
from ..core.entities import by_distinct
from ..recipes import FieldSpec
from ..recipes.bins import bin_words, edges_of
from .escaping import escape, escape_array


def values_of(column: pa.Array, field: FieldSpec) -> pa.Array:
    """A column as the field writes it: escaped, with its unit, and with something where there is nothing.

    Parameters
    ----------
    column : pyarrow.Array
        In the type of ``recipes.derive.events_schema``; that of a field with bins may hold their words already.
    field : FieldSpec
        Whose values they are; bins with their edges.

    Returns
    -------
    pyarrow.StringArray
        No nulls.

    Raises
    ------
    RecipeError
        The field has bins whose edges were not fitted.

    Examples
    --------
    >>> values_of(pa.array([3.5, None, 12.0]), FieldSpec(name="amount", type="number", unit="EUR", missing="none"))
    <pyarrow.lib.StringArray object at ...>
    [
      "3.5 EUR",
      "none",
      "12 EUR"
    ]
    >>> values_of(pa.array([3.5, 10.0, 12.0]), FieldSpec(name="amount", type="number", bins=[10, 100])).to_pylist()
    ['small', 'medium', 'medium']
    """
    if pa.types.is_string(column.type):
        text = escape_array(column)
    else:
        text = _written(column, field) if field.bins is None else _words(column, field)
    if field.unit and field.bins is None:
        text = pc.binary_join_element_wise(text, escape(field.unit), " ")
    return pc.fill_null(text, escape(field.missing)) if text.null_count else text


def _written(column: pa.Array, field: FieldSpec) -> pa.Array:
    """A column of numbers or times as text; none of its characters needs an escape."""
    if pa.types.is_floating(column.type):
        return plain_numbers(column) if field.decimals is None else fixed_point(column, field.decimals)
    if pa.types.is_timestamp(column.type):
        return column.cast(pa.timestamp("s"), safe=False).cast(pa.string())
    return by_distinct(column, lambda values: values.cast(pa.string()))


def _words(column: pa.Array, field: FieldSpec) -> pa.Array:
    """The word of each number's bin; a number on an edge is in the upper one."""
    edges = edges_of(field) or ()
    numbers = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    bins = np.searchsorted(np.array(edges, np.float64), numbers, side="right")
    words = pa.array(bin_words(len(edges) + 1), pa.string())
    missing = column.is_null().to_numpy(zero_copy_only=False) if column.null_count else None
    return words.take(pa.array(np.minimum(bins, len(edges)), pa.int32(), mask=missing))
