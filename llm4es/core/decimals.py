"""Numbers as people write them: no exponent, no digit that the number does not have, halves away from zero.

In: Arrow arrays of floats. Out: arrays of texts. The decimal number that a float stands for is the shortest one that
is read as that float again, which is what Python's ``repr`` writes. Knows no table.
"""

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

EXACT = 1e14
"""Counts of last digits below it are computed in floats without error: a further digit is exact too."""

CLOSE = 0.02
"""More than the error of such a count: only nearer to a half is it asked on which side a number is."""

SHORT = 6
"""Digits behind the point up to which Arrow writes every decimal number without an exponent."""

_WIDE = Context(prec=400, rounding=ROUND_HALF_UP)
"""As many digits as the largest float has."""


def plain_numbers(numbers: pa.Array) -> pa.Array:
    """Each number in as few digits as tell it from all others, without an exponent; whole ones without a point.

    Examples
    --------
    >>> plain_numbers(pa.array([3.0, 0.1 + 0.2, 2e36, 1e-7, None])).to_pylist()
    ['3', '0.30000000000000004', '2000000000000000000000000000000000000', '0.0000001', None]
    """
    texts = numbers.cast(pa.string())
    return _replaced(texts, pc.match_substring(texts, "e"), texts, lambda text: format(Decimal(text), "f"))


def fixed_point(numbers: pa.Array, decimals: int) -> pa.Array:
    """Each number with that many digits behind the point, halves rounded away from zero.

    Examples
    --------
    >>> fixed_point(pa.array([1.005, -2.675, 0.0, None]), 2).to_pylist()
    ['1.01', '-2.68', '0.00', None]
    >>> fixed_point(pa.array([1e-8, 1e15]), 8).to_pylist()
    ['0.00000001', '1000000000000000.00000000']
    """
    values = numbers.to_numpy(zero_copy_only=False)
    size = np.abs(values)
    with np.errstate(over="ignore"):
        scaled = size * 10.0**decimals
    exact = scaled < EXACT  # not where there is none, or no number
    if not exact.all():
        scaled = np.where(exact, scaled, 0.0)
    below = np.floor(scaled)
    rest = scaled - below
    near = np.flatnonzero(np.abs(rest - 0.5) < CLOSE)
    half = (10 * below[near] + 5) / 10.0 ** (decimals + 1)  # the floats of the decimal numbers half way to the next
    up = rest >= 0.5
    up[near] = size[near] >= half
    count = below.astype(np.int64) + up
    if decimals > SHORT:
        exact &= count >= 10 ** (decimals - SHORT)
    words = np.empty((len(count), 2), np.int64)  # of 128 bits, the lower half first
    below_zero = values < 0
    words[:, 0] = np.where(below_zero, -count, count) if below_zero.any() else count
    words[:, 1] = words[:, 0] >> 63
    type = pa.decimal128(38, decimals)
    texts = pa.Array.from_buffers(type, len(count), [None, pa.py_buffer(words)]).cast(pa.string())
    if numbers.null_count:
        texts = pc.if_else(numbers.is_valid(), texts, None)
    inexact = pc.and_(pa.array(~exact), numbers.is_valid())
    return _replaced(texts, inexact, numbers, lambda number: _rounded(number, decimals))


def _rounded(number: float, decimals: int) -> str:
    value = Decimal(repr(number))
    rounded = value.quantize(Decimal(1).scaleb(-decimals), context=_WIDE) if value.is_finite() else value
    return format(rounded if rounded else abs(rounded), "f")


def _replaced(texts: pa.Array, where: pa.Array, values: pa.Array, write: Callable[..., str]) -> pa.Array:
    """The texts, but another one for each distinct value of those that are marked."""
    if not pc.any(where).as_py():
        return texts
    distinct = values.filter(where).dictionary_encode()
    written = pa.array([write(value) for value in distinct.dictionary.to_pylist()], pa.string())
    return pc.replace_with_mask(texts, where, written.take(distinct.indices))
