"""export: feature sets -> one table for other tools.

In: feature sets. Out: a table, wide (one row an entity, one column a number) or long (one row an entity and feature
set). Knows no file and no store.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from ..options.export import TableLayout
from .feature_set import FeatureSet


def to_table(features: Sequence[FeatureSet], layout: TableLayout) -> pa.Table:
    """The features as one table, entities sorted by id."""
    return _ARRANGED[TableLayout(layout)](features)


def _wide(features: Sequence[FeatureSet]) -> pa.Table:
    ids = sorted({entity for each in features for entity in each.entity_ids})
    columns: dict[str, Any] = {"entity_id": pa.array(ids, pa.string())}
    for each in features:
        place = {entity: i for i, entity in enumerate(each.entity_ids)}
        at = np.array([place.get(entity, -1) for entity in ids])  # (N,)
        missing = at < 0
        dense = _dense(each)[at]  # (N, D); row -1 where missing, masked below
        digits = len(str(max(each.width - 1, 0)))
        for j in range(each.width):
            columns[f"{each.name}_{j:0{digits}d}"] = pa.array(dense[:, j], mask=missing)
    return pa.table(columns)


def _long(features: Sequence[FeatureSet]) -> pa.Table:
    parts = []
    for each in features:
        order = np.argsort(np.asarray(each.entity_ids, dtype=object))
        dense = _dense(each)[order]  # (N, D)
        offsets = np.arange(0, dense.size + 1, each.width, dtype=np.int64)
        parts.append(
            pa.table(
                {
                    "entity_id": pa.array([each.entity_ids[i] for i in order], pa.string()),
                    "features": pa.array([each.name] * len(order), pa.string()),
                    "vector": pa.LargeListArray.from_arrays(offsets, pa.array(dense.ravel())).cast(
                        pa.list_(pa.float32())
                    ),
                }
            )
        )
    return pa.concat_tables(parts)


def _dense(features: FeatureSet) -> Any:
    """(N, D) single precision."""
    matrix = features.matrix.toarray() if hasattr(features.matrix, "tocsr") else features.matrix
    return np.ascontiguousarray(matrix, dtype=np.float32)


_ARRANGED: dict[TableLayout, Callable[[Sequence[FeatureSet]], pa.Table]] = {
    TableLayout.WIDE: _wide,
    TableLayout.LONG: _long,
}
