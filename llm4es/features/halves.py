"""Feature sets of several sides at once: the same columns of events of some items, and of events of others.

In: feature sets whose ids bear the mark of a side in front. Out: those of one side. Knows no items and no store;
imports nothing heavy: planners read it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from .combined import CombinedFeatures
from .feature_set import FeatureSet

Features = FeatureSet | CombinedFeatures


class ItemSide(StrEnum):
    """Of which items an entity's row is made; stands in front of its id."""

    LEARNT = "1"  # those that are learnt from
    SCORED = "2"  # the others
    WITHIN_LEARNT = "3"  # a half of those learnt from: what is chosen inside a fold is learnt from these
    WITHIN_SCORED = "4"  # the other half of them: and is judged by these


@dataclass(frozen=True)
class HalvedFeatures:
    """What a probe of new items reads: in each repeat other items are learnt from."""

    name: str
    """What is probed, for people."""

    repeat: Callable[[int], Features]
    """Features of a repeat, in which each entity has a row a side."""

    source_hash: str = ""
    """Content of what they are made from; '' where nobody asks."""


def side(features: Features, of: ItemSide) -> Features:
    """The rows of one side, under plain ids.

    Parameters
    ----------
    features : FeatureSet or CombinedFeatures
        Ids with marks.
    of : ItemSide
        Whose rows.

    Returns
    -------
    FeatureSet or CombinedFeatures
        In the same order.

    Examples
    --------
    >>> import numpy as np
    >>> both = FeatureSet("tfidf", ["1a", "2a", "2b"], np.array([[3.0], [4.0], [5.0]]))
    >>> side(both, ItemSide.SCORED).entity_ids, side(both, ItemSide.SCORED).matrix.tolist()
    (['a', 'b'], [[4.0], [5.0]])
    """
    if isinstance(features, CombinedFeatures):
        return replace(features, parts=tuple(side(part, of) for part in features.parts))
    rows = [row for row, entity in enumerate(features.entity_ids) if entity.startswith(of)]
    ids = [features.entity_ids[row].removeprefix(of) for row in rows]
    return replace(features, entity_ids=ids, matrix=features.matrix[rows])
