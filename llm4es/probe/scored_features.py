"""Which feature sets are compared, and on which entities.

In: rows of ``probes`` and ``predictions``. Out: one ``ScoredFeatures`` a feature set and probe, all scored on the same
entities. Knows no metric.
"""

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..core.errors import ProbeError
from .predictions import Scored, scored


@dataclass(frozen=True)
class ScoredFeatures:
    """One feature set under one probe."""

    features: str
    probe: str
    model: str | None
    k: int | None
    scored: Scored
    chosen: str | None = None
    """What a choice took in how many folds; None: nothing is chosen."""


def scored_features(
    probes: pa.Table, predictions: pa.Table, regression: bool, positive: str | None = None
) -> list[ScoredFeatures]:
    """One a feature set and probe, in the order of their names; of two classes ``positive`` is the second."""
    columns = [name for name in ("features", "probe", "model", "k", "chosen") if name in probes.column_names]
    named = {(row["features"], row["probe"]): row for row in probes.select(columns).to_pylist()}
    compared = []
    for (features, probe), row in sorted(named.items()):
        rows = predictions.filter(
            pc.and_(pc.equal(predictions["features"], features), pc.equal(predictions["probe"], probe))
        )
        if not rows.num_rows:
            raise ProbeError(f"features '{features}' have metrics and no predictions: probe them again")
        mine = scored(rows, regression).with_positive(positive)
        compared.append(ScoredFeatures(features, probe, row["model"], row["k"], mine, row.get("chosen")))
    return compared


def on_same_entities(compared: list[ScoredFeatures], common: bool) -> list[ScoredFeatures]:
    """The feature sets, all scored on the same entities."""
    everybody = [frozenset(one.scored.entity_ids) for one in compared]
    shared = frozenset.intersection(*everybody)
    odd = next((i for i, entities in enumerate(everybody) if entities != everybody[0]), None)
    if odd is None:
        return compared
    if not common:
        raise ProbeError(
            f"'{compared[0].features}' and '{compared[odd].features}' were scored on different entities "
            f"({len(everybody[0])} and {len(everybody[odd])}, {len(shared)} in all feature sets): "
            "probe the same entities, or cut to the common ones with --common"
        )
    if not shared:
        raise ProbeError(f"the {len(compared)} feature sets have no entity in common: probe the same entities")
    return [cut(one, shared) for one in compared]


def on_unseen(compared: list[ScoredFeatures]) -> list[ScoredFeatures]:
    """The feature sets on the entities that none of their models was trained on."""
    seen = np.logical_or.reduce([one.scored.seen for one in compared])
    if seen.all():
        raise ProbeError(
            f"all {len(seen)} entities were seen in tuning by one of the models: leave out --unseen-only, "
            "or compare on a split that fine-tuning left alone"
        )
    kept = frozenset(np.array(compared[0].scored.entity_ids)[~seen].tolist())
    return [cut(one, kept) for one in compared]


def cut(one: ScoredFeatures, kept: frozenset[str]) -> ScoredFeatures:
    """A feature set on the entities of ``kept``."""
    mask = np.array([entity in kept for entity in one.scored.entity_ids], dtype=bool)
    return replace(one, scored=one.scored.only(mask))
