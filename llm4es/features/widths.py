"""How many numbers an entity has in a baseline, before anybody counts.

In: how many amounts, and the categories' codes. Out: widths. Imports nothing heavy: whoever shows costs reads it.
"""

from collections.abc import Mapping

RECENCY_WIDTH = 3
"""Columns of ``recency``: days since the last event, since the first, and events a day."""


def aggregates_width(amounts: int, categories: Mapping[str, int]) -> int:
    """Columns of ``aggregates``: of so many amounts, and of categories (column -> number of codes).

    1 for the number of events; sum, mean and standard deviation of each amount, over all and by code; a number of
    distinct codes a category.

    >>> aggregates_width(1, {"mcc": 100, "channel_type": 4, "currency": 4, "trx_category": 10})  # Rosbank, as published
    362
    """
    return 1 + amounts * (3 + 3 * sum(categories.values())) + len(categories)


def counts_width(columns: int) -> int:
    """Columns of ``counts``: events, and distinct values of each of so many columns.

    >>> counts_width(2)
    3
    """
    return 1 + columns
