"""Features and labels to the entities that have both.

In: a feature set, labels, the kind of task. Out: a ``Cohort`` and its features, sorted by id, so that the order of rows
decides nothing. ProbeError where they cannot carry the task. Knows no folds.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.types as kinds
from numpy.typing import NDArray

from ..core.errors import ProbeError
from ..core.tasks import Kind
from ..features.feature_set import FeatureSet, check_finite
from .metrics import Ints


@dataclass(frozen=True)
class Cohort:
    """The entities that a probe can use, sorted by id."""

    entity_ids: tuple[str, ...]
    """Sorted as text."""

    y: NDArray[Any]
    """(N,) class names, or numbers for a regression."""

    classes: bool
    """Labels are classes, whose shares every part keeps."""

    file_row: Ints
    """(N,) each entity's row in the label file."""


def as_text(labels: pa.Table) -> pa.Table:
    """Labels with their ids and values as text, as the store keeps them. ProbeError for columns that cannot be."""
    columns = {}
    for name in ("entity_id", "label"):
        if name not in labels.column_names:
            raise ProbeError(f"labels have no column '{name}': there are {', '.join(labels.column_names) or 'none'}")
        type_ = labels[name].type
        if kinds.is_nested(type_) or kinds.is_temporal(type_) or kinds.is_binary(type_):
            raise ProbeError(f"labels have the column '{name}' as {type_}: make it text, or numbers")
        columns[name] = labels[name].cast(pa.string())
    if columns["entity_id"].null_count:
        raise ProbeError("labels have a row without an entity_id: give each label its entity")
    return pa.table(columns)


def align(features: FeatureSet, labels: pa.Table, task: str, kind: Kind) -> tuple[Cohort, Any]:
    """The entities that have both features and a label (text, see ``as_text``), and their features (N, D)."""
    in_file = {entity: row for row, entity in enumerate(labels["entity_id"].to_pylist())}
    if len(in_file) < len(labels):
        ids = labels["entity_id"].to_pylist()
        twice = next(entity for row, entity in enumerate(ids) if in_file[entity] != row)
        raise ProbeError(f"task '{task}' has two labels for entity '{twice}': give one label an entity")
    values = labels["label"].to_pylist()
    named = {entity: value for entity, value in zip(in_file, values, strict=True) if value is not None}
    rows = sorted((entity, row) for row, entity in enumerate(features.entity_ids) if entity in named)
    if not rows:
        raise ProbeError(
            f"no entity has both features '{features.name}' ({len(features.entity_ids)} entities) and a label of task "
            f"'{task}' ({len(named)}): check that both come from one dataset"
        )
    ids = tuple(entity for entity, _ in rows)
    x = _rows_of(features.matrix, [row for _, row in rows])  # (N, D)
    check_finite(features.name, x, ids)
    cohort = cohort_of(ids, named, in_file, task, kind)
    classes = len(np.unique(cohort.y))
    if classes < 2:
        raise ProbeError(
            f"task '{task}' has one label only, '{named[ids[0]]}', among {len(rows)} entities: a probe needs two"
        )
    if kind is Kind.BINARY and classes > 2:
        raise ProbeError(f"task '{task}' is binary and has {classes} classes: make it multiclass, or group them")
    return cohort, x


def _rows_of(matrix: Any, rows: Sequence[int]) -> Any:
    """Some rows in this order; the matrix itself where that is all of them as they stand."""
    return matrix if len(rows) == matrix.shape[0] and rows == list(range(len(rows))) else matrix[rows]


def everybody(cohort: Cohort, labels: pa.Table, entities: Collection[str], task: str, kind: Kind) -> Cohort:
    """The cohort and the labelled ones of ``entities`` that lack the features; the same cohort where nobody does."""
    ids = labels["entity_id"].to_pylist()
    named = {e: value for e, value in zip(ids, labels["label"].to_pylist(), strict=True) if value is not None}
    whole = sorted({*cohort.entity_ids, *(entity for entity in entities if entity in named)})
    if len(whole) == len(cohort.entity_ids):
        return cohort
    return cohort_of(tuple(whole), named, {entity: row for row, entity in enumerate(ids)}, task, kind)


def cohort_of(
    ids: tuple[str, ...], named: Mapping[str, str], in_file: Mapping[str, int], task: str, kind: Kind
) -> Cohort:
    """Ids with their labels."""
    texts = [named[entity] for entity in ids]
    y = _numbers(texts, ids, task) if kind is Kind.REGRESSION else np.array(texts)  # (N,)
    file_row = np.array([in_file[entity] for entity in ids], dtype=np.int64)
    return Cohort(ids, y, kind is not Kind.REGRESSION, file_row)


def _numbers(texts: Sequence[str], ids: Sequence[str], task: str) -> NDArray[np.float64]:
    """Labels of a regression."""
    numbers = []
    for text, entity in zip(texts, ids, strict=True):
        try:
            numbers.append(float(text))
        except ValueError:
            numbers.append(float("nan"))
        if not np.isfinite(numbers[-1]):
            raise ProbeError(
                f"task '{task}' is a regression and entity '{entity}' has the label '{text}': give finite numbers, "
                "or make the task binary or multiclass"
            )
    return np.array(numbers)
