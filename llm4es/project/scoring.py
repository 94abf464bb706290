"""Scoring: entities' features to scores, a batch of entities at a time, by a predictor of the store.

In: a predictor, feature sources, batches of ids. Out: rows of ``scores``. Fits nothing and commits nothing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ..core.schemas import SCORES
from ..core.sql import literal
from .executor import Increment, TableRows, Work
from .feature_source import FeatureSource
from .observer import Advance
from .predictors import Predictor

if TYPE_CHECKING:
    from ..features.feature_set import FeatureSet

BATCH = 20_000
"""Entities whose features lie in memory at a time."""

_ROW = pa.schema([field for field in SCORES if field.name not in ("dataset", "task", "features")])


def hashes_sql(origins: Sequence[FeatureSource]) -> str:
    """SELECT of ``entity_id`` and ``source_hash`` of everybody who has all of some feature sets.

    Parameters
    ----------
    origins : sequence of FeatureSource
        Each is made of no others; one that comes twice counts once.

    Returns
    -------
    str
        SQL, in no order.
    """
    parts = [origin.hashes() for origin in {each.name: each for each in origins}.values() if origin.hashes is not None]
    if len(parts) == 1:
        return f"SELECT entity_id, source_hash FROM ({parts[0]})"
    joined = " JOIN ".join(f"({part}) AS p{i}" + (" USING (entity_id)" if i else "") for i, part in enumerate(parts))
    content = " || ' ' || ".join(f"p{i}.source_hash" for i in range(len(parts)))
    return f"SELECT entity_id, sha256({content}) AS source_hash FROM {joined}"


def scoring(predictor: Predictor, sources: Mapping[str, FeatureSource], everybody: pa.Array) -> Work:
    """What scores batches of ``entity_id``, ``source_hash`` and ``as_of``.

    Parameters
    ----------
    predictor : Predictor
        By which.
    sources : mapping of str to FeatureSource
        What it reads, by its names.
    everybody : pyarrow.Array
        Sorted ids of those who have the features.

    Returns
    -------
    callable
        Batches to increments.
    """
    import numpy as np

    from ..core.tasks import Kind
    from ..probe.calibration import Calibration
    from ..probe.written_down import from_bytes

    row, inputs = predictor.row, predictor.inputs
    fitted, kind, classes = from_bytes(row["fitted"]), Kind(row["kind"]), np.array(row["classes"])
    calibration = None if kind is Kind.REGRESSION else Calibration.of_json(row["calibration"])
    column = 0 if kind is Kind.REGRESSION else predictor.classes.index(row["positive"]) if row["positive"] else None
    trained = pa.array(row["entity_ids"], pa.string())

    def work(batches: Iterable[pa.RecordBatch], advance: Advance) -> Iterator[Increment]:
        """Read the features of a batch, score it, hand it over."""
        for batch in batches:
            condition = _among(batch["entity_id"], everybody)
            read = {name: _part(source, condition, inputs[name]["columns"]) for name, source in sources.items()}
            batch, numbers = _aligned(batch, read)
            if not len(batch):
                continue
            scores = fitted.scores(numbers, kind, classes)  # (N, C)
            scores = scores if calibration is None else calibration(scores)
            yield [TableRows("scores", _rows(batch, scores, column, trained, predictor.version), ("entity_id",))]
            advance(len(batch))

    return work


def _part(source: FeatureSource, condition: str, learnt: Mapping[str, Any]) -> "FeatureSet":
    from ..features.feature_set import check_finite

    features = source.read(condition, learnt)
    check_finite(features.name, features.matrix, features.entity_ids)
    return features


def _among(ids: pa.Array, everybody: pa.Array) -> str:
    """An SQL condition that is true of these sorted ids, and of few others; its bounds spare reading files of others.

    Thousands of ids in a condition take longer to read than those between them, where these are as many.
    """
    import pyarrow.compute as pc

    first, last = ids[0], ids[-1]
    between = pc.sum(pc.and_(pc.greater_equal(everybody, first), pc.less_equal(everybody, last))).as_py()
    condition = f"entity_id BETWEEN {literal(first.as_py())} AND {literal(last.as_py())}"
    if between <= 2 * len(ids):
        return condition
    return f"{condition} AND entity_id IN ({', '.join(map(literal, ids.to_pylist()))})"


def _aligned(batch: pa.RecordBatch, read: "Mapping[str, FeatureSet]") -> tuple[pa.RecordBatch, dict[str, Any]]:
    """The rows of a batch that all features have, and (N, D) numbers of each in their order."""
    import numpy as np
    import pyarrow.compute as pc

    place = {name: pa.array(features.entity_ids, pa.string()) for name, features in read.items()}
    at = {name: pc.index_in(batch["entity_id"], value_set=ids) for name, ids in place.items()}
    there = np.logical_and.reduce([np.asarray(rows.is_valid()) for rows in at.values()])
    kept = batch.filter(pa.array(there))
    return kept, {name: read[name].matrix[rows.filter(pa.array(there)).to_numpy()] for name, rows in at.items()}


def _rows(batch: pa.RecordBatch, scores: Any, column: int | None, trained: pa.Array, version: int) -> pa.Table:
    """Rows of ``scores``."""
    import numpy as np
    import pyarrow.compute as pc

    n, width = scores.shape
    offsets = pa.array(np.arange(0, n * width + 1, width), pa.int32())
    value = pa.nulls(n, pa.float32()) if column is None else pa.array(scores[:, column].astype(np.float32))
    columns = {
        "entity_id": batch["entity_id"],
        "score": pa.ListArray.from_arrays(offsets, pa.array(scores.ravel().astype(np.float32))),
        "value": value,
        "trained": pc.is_in(batch["entity_id"], value_set=trained),
        "as_of": batch["as_of"].cast(SCORES.field("as_of").type),
        "model_version": pa.array(np.full(n, version, np.int32)),
        "source_hash": batch["source_hash"],
    }
    return pa.table(columns, schema=_ROW)
