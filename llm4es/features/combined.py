"""Feature sets whose probes are combined: what ``probe`` reads of ``vote(...)``, ``stack(...)`` or ``best(...)``.

In: feature sets, and what becomes of their probes. Out: one ``CombinedFeatures``. Knows no labels, no probe and no
store; imports nothing heavy: planners read it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from ..core.errors import ProbeError
from ..core.hashing import canonical_json, text_hash
from .expressions import Combination, combined_name
from .feature_set import FeatureSet


@dataclass(frozen=True)
class CombinedFeatures:
    """Feature sets whose probes are combined, for the entities that all of them have.

    Raises
    ------
    ProbeError
        For one part alone, two parts of one name, and parts without an entity in common.

    Examples
    --------
    >>> import numpy as np
    >>> one = FeatureSet("m@8", ["a", "b"], np.array([[1.0], [2.0]]), model="m", k=8)
    >>> two = FeatureSet("counts", ["b", "c"], np.array([[5.0], [6.0]]))
    >>> both = CombinedFeatures(Combination.VOTE, (one, two))
    >>> both.name, both.entity_ids, both.model
    ('vote(m@8, counts)', ['b'], 'm')
    """

    how: Combination
    """What becomes of the parts' probes."""

    parts: tuple["FeatureSet | CombinedFeatures", ...]
    """Two or more."""

    label: str = ""
    """Another name than that made of the parts' names, such as one with a pattern."""

    def __post_init__(self) -> None:
        if len(self.parts) < 2:
            raise ProbeError(f"features '{self.name}' have {len(self.parts)} part: give two or more")
        if len({part.name for part in self.parts}) < len(self.parts):
            raise ProbeError(f"features '{self.name}' have a part twice: name each once")
        if not self.entity_ids:
            raise ProbeError(f"features '{self.name}' have no entity in common: embed the same entities for each part")

    @property
    def name(self) -> str:
        """What is probed, for people."""
        return self.label or combined_name(self.how, (part.name for part in self.parts))

    @cached_property
    def entity_ids(self) -> Sequence[str]:
        """Those that all parts have, in the first one's order."""
        others = [frozenset(part.entity_ids) for part in self.parts[1:]]
        return [entity for entity in self.parts[0].entity_ids if all(entity in other for other in others)]

    @property
    def leaves(self) -> dict[str, FeatureSet]:
        """The feature sets themselves by name, each once."""
        return {leaf.name: leaf for part in self.parts for leaf in leaves_of(part).values()}

    @property
    def model(self) -> str | None:
        """The models behind it; None: baselines only."""
        models = dict.fromkeys(leaf.model for leaf in self.leaves.values() if leaf.model is not None)
        return "+".join(models) or None

    @property
    def k(self) -> None:
        """Of several there is no depth."""

    @property
    def seen(self) -> frozenset[str]:
        """Entities that a model in the lineage of any part was trained on."""
        return frozenset().union(*(part.seen for part in self.parts))

    @property
    def source_hash(self) -> str:
        """Content of all parts."""
        return text_hash(canonical_json([self.how, *([part.name, part.source_hash] for part in self.parts)]))


def leaves_of(features: "FeatureSet | CombinedFeatures") -> dict[str, FeatureSet]:
    """The feature sets that have numbers of their own, by name.

    Examples
    --------
    >>> import numpy as np
    >>> list(leaves_of(FeatureSet("counts", ["b"], np.array([[5.0]]))))
    ['counts']
    """
    return features.leaves if isinstance(features, CombinedFeatures) else {features.name: features}


def inside(features: "FeatureSet | CombinedFeatures") -> Iterator[CombinedFeatures]:
    """Every combination in a tree, the outermost first.

    Examples
    --------
    >>> import numpy as np
    >>> list(inside(FeatureSet("counts", ["b"], np.array([[5.0]]))))
    []
    """
    if isinstance(features, CombinedFeatures):
        yield features
        for part in features.parts:
            yield from inside(part)
