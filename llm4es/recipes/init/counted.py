"""What baselines count: the item, the amount and the categories of events that nobody has described.

In: profiles of the columns that could be, and how their values come again. Out: names of columns, the likeliest first.
A weak choice here is a weak baseline, and vectors that beat it have beaten nothing: names, types, and repetition with
users and values decide, never the mere number of different values.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .column_profile import ColumnProfile
from .column_words import amount_score, is_counted_by, thing_score
from .repetition import Repetition

CODES = 200
"""Different values that a categorical field has at most by default: the commonest ones and one for all rarer."""

OFTEN = 5
"""Rows a value that a column has on average where its values are worth counting."""

_FEW_ROWS = 100
"""Rows below which the shares of repetition say little."""

_UNKNOWN = Repetition(shared=1.0, varies=1.0, rising=False)


@dataclass(frozen=True)
class Counted:
    """The choice, by names of columns."""

    items: tuple[str, ...]
    """What an event may be about, the likeliest first."""

    amounts: tuple[str, ...]
    """What may be added up, the likeliest first."""

    categories: Mapping[str, int]
    """Columns of few values that come again, and the codes kept of each."""


def choose(columns: Sequence[ColumnProfile], repeated: Mapping[str, Repetition]) -> Counted:
    """What may be counted among these columns; neither the user's id nor the time should be among them."""
    rated = [(column, repeated.get(column.name, _UNKNOWN)) for column in columns]
    items = [(_item_score(column, how), column.name) for column, how in rated if _is_word(column, how)]
    amounts = [(_sum_score(column, how), column.name) for column, how in rated if _is_sum(column, how)]
    return Counted(
        items=tuple(name for score, name in sorted(items, key=lambda each: -each[0]) if score > -2),
        amounts=tuple(name for score, name in sorted(amounts, key=lambda each: -each[0]) if score > -2),
        categories={
            column.name: codes_of(column)
            for column, how in rated
            if _is_word(column, how) and column.distinct < CODES and is_counted_by(column.name)
        },
    )


def codes_of(column: ColumnProfile) -> int:
    """Codes of a categorical column: one a value, and one for those that come later."""
    return min(column.distinct + 1, CODES)


def is_measured(column: ColumnProfile) -> bool:
    """Whether its numbers are measured or paid, and no names of something."""
    if not column.numeric or column.numbered:
        return False
    if column.decimals or column.commas:
        return True
    return not column.is_id and thing_score(column.name) <= 0 and (column.is_amount or amount_score(column.name) > 0)


def is_somebodys_own(column: ColumnProfile, how: Repetition) -> bool:
    """Whether each of its values is of one user: the number of a basket, a session, a row."""
    return column.rows >= _FEW_ROWS and how.shared < 0.2 and column.distinct > 1


def _is_word(column: ColumnProfile, how: Repetition) -> bool:
    """Whether users can be told apart by which of its values they have."""
    if column.distinct < 2 or column.unique or how.rising or column.time is not None or column.clock:
        return False
    if column.missing > 0.95 or is_measured(column) or column.decimals:
        return False
    return column.rows < _FEW_ROWS or how.shared >= 0.5


def _item_score(column: ColumnProfile, how: Repetition) -> float:
    """Things before kinds before the unknown; many values, but such that come often; what changes with events."""
    often = column.distinct * OFTEN <= column.rows
    textual = not column.numeric or column.is_id
    own = column.rows >= _FEW_ROWS and how.varies < 0.1  # a user's own: the postal code of a home
    return thing_score(column.name) + often + 0.5 * textual + min(math.log10(column.distinct), 3.0) - 3.0 * own


def _is_sum(column: ColumnProfile, how: Repetition) -> bool:
    """Whether a sum of its numbers means something: not a user's age, not the number of a row."""
    if not is_measured(column) or column.distinct < 2 or column.time is not None:
        return False
    if how.rising and not column.decimals:
        return False
    return column.rows < _FEW_ROWS or how.varies >= 0.1


def _sum_score(column: ColumnProfile, how: Repetition) -> float:
    return amount_score(column.name) + (column.decimals > 0) + min(how.varies, 1.0) - column.missing
