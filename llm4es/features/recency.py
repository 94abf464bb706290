"""When an entity's history begins and ends, and how dense it is: the baseline that knows time and nothing else.

In: events with their times, and perhaps each entity's cut-off. Out: three numbers an entity. What beats every other
baseline on churn beats nothing where it only shows whose history stopped: this one says how far that alone goes.
Knows no labels and no scaling.
"""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from ..core.errors import ProbeError
from ..core.hashing import canonical_json, text_hash
from ..core.sql import identifier
from .events_table import loaded
from .feature_set import FeatureSet

_DAYS = """SELECT entity_id, n, greatest(0, reference - last) / 86400 AS since_last,
    greatest(0, reference - first) / 86400 AS since_first
    FROM (SELECT *, coalesce(cutoff, {latest}, max(last) OVER ()) AS reference
          FROM (SELECT entity_id, count(*) AS n, epoch(min(event_time)) AS first, epoch(max(event_time)) AS last,
                    epoch(max({cutoff})) AS cutoff FROM events GROUP BY entity_id)) ORDER BY entity_id"""


def recency(events: Iterable[pa.RecordBatch], cutoff: str | None = None, latest: float | None = None) -> FeatureSet:
    """How long ago each entity's history ended and began, and its events a day, as logarithms.

    Parameters
    ----------
    events : iterable of pyarrow.RecordBatch, or pyarrow.Table
        ``entity_id`` and ``event_time``, one row an event, in any order.
    cutoff : str, default None
        Column of the moment that an entity is looked at, the same in each of its events. None, or where it is null:
        the last event of all.
    latest : float, default None
        Where that event is in seconds since 1970, if others than these have it.

    Returns
    -------
    FeatureSet
        'recency': an (N, 3) matrix of float64, entities sorted by id: ln(1 + days since the last event), ln(1 + days
        since the first), ln(1 + events a day since the first, which counts as one day at least).

    Raises
    ------
    ProbeError
        Without events, for events without times, or for an event without an entity or a time.

    Examples
    --------
    >>> from datetime import datetime
    >>> days = [datetime(2026, 1, day) for day in (1, 9, 11)]
    >>> features = recency(pa.table({"entity_id": ["a", "a", "b"], "event_time": days}))
    >>> np.expm1(features.matrix).round(6).tolist()  # a: 2 and 10 days before the 11th, 2 events in 10 days
    [[2.0, 10.0, 0.2], [0.0, 0.0, 1.0]]
    """
    with loaded(events, ["event_time", *([cutoff] if cutoff else [])]) as connection:
        for (entity,) in connection.sql(
            "SELECT entity_id FROM events WHERE event_time IS NULL ORDER BY entity_id LIMIT 1"
        ).fetchall():
            raise ProbeError(f"events of entity '{entity}' have no time: recency needs one of each event")
        moment = identifier(cutoff) if cutoff else "NULL::TIMESTAMP"
        table = connection.sql(
            _DAYS.format(cutoff=moment, latest="NULL" if latest is None else float(latest))
        ).to_arrow_table()
    n, last, first = (table[name].to_numpy().astype(float) for name in ("n", "since_last", "since_first"))
    matrix = np.log1p(np.stack([last, first, n / np.maximum(first, 1.0)], axis=1))  # (N, 3)
    ids = table["entity_id"].to_pylist()
    return FeatureSet(
        name="recency",
        entity_ids=ids,
        matrix=matrix,
        model=None,
        k=None,
        seen=frozenset(),
        source_hash=text_hash(canonical_json([ids, matrix.tolist()])),
        columns=("days since last", "days since first", "events a day"),
    )
