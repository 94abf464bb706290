"""How much of a sequence stands in order.

In: positions. Out: the length of the longest run with gaps that rises. Knows no events.
"""

from bisect import bisect_left
from collections.abc import Sequence


def longest_rising(positions: Sequence[int]) -> int:
    """How many positions stand in order.

    Examples
    --------
    >>> longest_rising([0, 3, 1, 2])
    3
    """
    ends: list[int] = []
    for position in positions:
        at = bisect_left(ends, position)
        ends[at : at + 1] = [position]
    return len(ends)
