"""Feature sets -> one table for other tools.

In: feature sets. Out: a table, wide (one row an entity, one column a number) or long (one row an entity and feature
set). Knows no file and no store.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from ..core.errors import OptionError, ProbeError
from ..options.export import TableLayout
from .column_names import column_names
from .feature_set import FeatureSet


def to_table(features: Sequence[FeatureSet], layout: TableLayout | str) -> pa.Table:
    """Feature sets as one table for other tools, entities sorted by id.

    Parameters
    ----------
    features : sequence of FeatureSet
        One or more, each under a name of its own.
    layout : TableLayout, or its name
        'wide': entity_id and one float32 column a number, named by ``column_names``, null where an entity lacks the
        features. 'long': entity_id, features (the name), vector (list of float32), one row an entity and feature set.

    Returns
    -------
    pyarrow.Table
        One row an entity, or one an entity and feature set.

    Raises
    ------
    OptionError
        For a layout that there is none of.
    ProbeError
        Without features, or for two of one name.

    Examples
    --------
    >>> features = FeatureSet("m@8", ["b", "a"], np.array([[1.0, 2.0], [3.0, 4.0]]))
    >>> to_table([features], "wide").to_pylist()
    [{'entity_id': 'a', 'm_k8_000': 3.0, 'm_k8_001': 4.0}, {'entity_id': 'b', 'm_k8_000': 1.0, 'm_k8_001': 2.0}]
    >>> to_table([features], "long").to_pylist()[0]
    {'entity_id': 'a', 'features': 'm@8', 'vector': [3.0, 4.0]}
    """
    if layout not in list(TableLayout):
        raise OptionError(f"layout {layout!r} is unknown: choose one of {', '.join(TableLayout)}")
    names = [part.name for part in features]
    if len(set(names)) != len(names) or not names:
        raise ProbeError(f"a table needs features, each of another name, and was given {', '.join(names) or 'none'}")
    return _LAYOUTS[TableLayout(layout)](features)


def _wide(features: Sequence[FeatureSet]) -> pa.Table:
    ids = sorted({entity for part in features for entity in part.entity_ids})
    columns: dict[str, Any] = {"entity_id": pa.array(ids, pa.string())}
    names = iter(column_names(features))
    for part in features:
        place = {entity: i for i, entity in enumerate(part.entity_ids)}
        at = np.array([place.get(entity, -1) for entity in ids], np.int64)  # (N,)
        missing = at < 0
        dense = np.zeros((len(ids), part.width), np.float32)  # (N, D)
        dense[~missing] = _dense(part)[at[~missing]]
        for j in range(part.width):
            columns[next(names).name] = pa.array(dense[:, j], mask=missing)
    return pa.table(columns)


def _long(features: Sequence[FeatureSet]) -> pa.Table:
    parts = []
    for part in features:
        order = np.argsort(np.asarray(part.entity_ids, dtype=object))
        dense = _dense(part)[order]  # (N, D)
        offsets = np.arange(0, dense.size + 1, part.width, dtype=np.int64)
        parts.append(
            pa.table(
                {
                    "entity_id": pa.array([part.entity_ids[i] for i in order], pa.string()),
                    "features": pa.array([part.name] * len(order), pa.string()),
                    "vector": pa.LargeListArray.from_arrays(offsets, pa.array(dense.ravel())).cast(
                        pa.list_(pa.float32())
                    ),
                }
            )
        )
    return pa.concat_tables(parts)


def _dense(features: FeatureSet) -> Any:
    """(N, D) single precision."""
    return np.ascontiguousarray(features.dense(), dtype=np.float32)


_LAYOUTS: dict[TableLayout, Callable[[Sequence[FeatureSet]], pa.Table]] = {
    TableLayout.WIDE: _wide,
    TableLayout.LONG: _long,
}
