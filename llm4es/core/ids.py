"""Ids as texts: one text an id, whatever the type that a file gives it.

In: Arrow arrays. Out: texts. 3, 3.0 and the decimal 3.00 are '3'; texts stay as they are written, so 003 is not 3,
unless a whole column of them are whole numbers of floats. The same rules as SQL are in ``recipes.keys``.
"""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from .decimals import plain_numbers

BIG = 2.0**53
"""Floats tell all whole numbers below it apart, and no others."""

MISSING = ("na", "n/a", "nan", "null", "none", "-")
"""What stands in columns of numbers where there is none, in lower case."""

WHOLE = r"^-?(0|[1-9][0-9]*)(\.0+)?$"
"""A whole number as a text, perhaps of a float."""


def id_texts(values: Any) -> Any:
    """Ids of any type that has texts as texts.

    Parameters
    ----------
    values : pyarrow.Array or ChunkedArray
        Of texts, whole numbers, floats (below 2**53, see ``are_told_apart``), decimals.

    Examples
    --------
    >>> id_texts(pa.array([3.0, 2.5])).to_pylist(), id_texts(pa.array(["7.0", "12"])).to_pylist()
    (['3', '2.5'], ['7', '12'])
    >>> id_texts(pa.array(["007", "7.0"])).to_pylist()
    ['007', '7.0']
    """
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if pa.types.is_floating(values.type):
        return plain_numbers(values.cast(pa.float64()))
    texts = values.cast(pa.string())
    if pa.types.is_decimal(values.type):
        return _short(texts)
    if not pa.types.is_string(values.type) and not pa.types.is_large_string(values.type):
        return texts
    if not pc.any(pc.ends_with(texts, ".0")).as_py():
        return texts
    return pc.replace_substring_regex(texts, r"\.0+$", "") if may_be_whole(texts) else texts


def may_be_whole(texts: pa.Array) -> bool:
    """Whether all texts are whole numbers, perhaps of floats, but for those that stand for none."""
    given = texts.filter(pc.invert(pc.is_in(pc.utf8_lower(texts), pa.array(["", None, *MISSING], texts.type))))
    return bool(pc.all(pc.match_substring_regex(given, WHOLE)).as_py())


def are_told_apart(values: Any) -> bool:
    """Whether no two different ids have become one float."""
    if not pa.types.is_floating(values.type):
        return True
    return bool(pc.all(pc.less(pc.abs(values), BIG)).as_py() is not False)


def _short(texts: pa.Array) -> pa.Array:
    """Decimals without the zeros at their end."""
    point = pc.match_substring(texts, ".")
    return pc.if_else(point, pc.utf8_rtrim(pc.utf8_rtrim(texts, "0"), "."), texts)
