"""Kinds of events, where an entity's vector is made of them inside the folds of a probe.

In: vectors or words of distinct events, their items, a reading. Out: one value beside a block of counts. Knows no
entity and no fold; imports nothing heavy: planners read it.
"""

from dataclasses import dataclass
from typing import Any, Self

from .event_reading import EventReading

# E kinds, D width of a vector, V words


@dataclass(frozen=True, eq=False)
class Kinds:
    """What the columns of a block of counts stand for: a distinct event each.

    The block is (N, E), events of each entity by kind; or (N, 2 E), where what they weigh on their own (an amount, an
    age) stands behind how many they are.
    """

    vectors: Any
    """(E, D) ``numpy.ndarray`` of each kind's vector, or (E, V) scipy sparse counts of its words."""

    items: Any
    """(E,) integer codes of each kind's item, below 0 where it has none; None: there are no items."""

    reading: EventReading
    """Weights, whitening and alignment, learnt of the training part; no wider than that carries."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Itself: scikit-learn copies the parameters of whatever stands in a ColumnTransformer."""
        return self
