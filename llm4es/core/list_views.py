"""Arrow's list views as plain lists: their own cast makes arrays that are not valid.

In: an array. Out: the same lists. Knows nothing of what they hold.
"""

import pyarrow as pa
import pyarrow.compute as pc


def is_list_view(type: pa.DataType) -> bool:
    """Whether a type is one of the list views."""
    return bool(pa.types.is_list_view(type) or pa.types.is_large_list_view(type))


def as_lists(values: pa.Array) -> pa.Array:
    """A list view as lists; anything else as it is.

    Examples
    --------
    >>> as_lists(pa.array([[1, 2], None, [3]], pa.list_view(pa.int64()))).type
    ListType(list<item: int64>)
    """
    if not is_list_view(values.type):
        return values
    lengths = pc.fill_null(pc.list_value_length(values), 0).cast(pa.int64())
    offsets = pa.concat_arrays([pa.array([0], pa.int64()), pc.cumulative_sum(lengths)])
    missing = values.is_null() if values.null_count else None
    large = pa.LargeListArray.from_arrays(offsets, pc.list_flatten(values), mask=missing)
    return large.cast(pa.list_(values.type.value_type))
