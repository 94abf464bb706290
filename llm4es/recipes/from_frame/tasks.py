"""The tasks of a recipe for a frame: columns of the labels, and what each is.

In: an Arrow table of labels, and what the caller says of them. Out: values of a recipe, or one line that says what is
wrong with the labels.
"""

import logging
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ...core.errors import DataError
from ...core.tasks import Kind
from ..field_names import field_name
from ..init.draft_tasks import MANY_CLASSES
from .columns import is_whole, need, sql_of, texts_of, whole_sql

logger = logging.getLogger(__name__)


def frame_tasks(
    events: pa.Table, labels: pa.Table, entity: str, tasks: Mapping[str, str | Mapping[str, Any]] | None
) -> dict[str, dict[str, Any]]:
    """The tasks that the caller names, or one a column of the labels."""
    _check_ids(events, labels, entity)
    specs: dict[str, dict[str, Any]] = {}
    for column, given in (_found_tasks(labels, entity) if tasks is None else tasks).items():
        spec: dict[str, Any] = {"kind": given} if isinstance(given, str) else dict(given)
        label = spec.get("label", column)
        if label in labels.column_names or "label" not in spec:
            need(labels, label, "labels")
            _check_same(labels, entity, label)
            classes = spec.get("kind") != Kind.REGRESSION.value
            spec["label"] = whole_sql(labels, label) if classes else sql_of(label)
            spec.setdefault("kind", (kind_of(labels[label]) or Kind.MULTICLASS).value)
            if label in events.column_names:
                spec.setdefault("uses", [label])  # a text that shows it gives the label away
        spec = {"table": "labels", "entity": whole_sql(labels, entity), **spec}
        specs[field_name(column, specs)] = spec
    return specs


def kind_of(column: pa.ChunkedArray) -> Kind | None:
    """What a column of labels is: two values are classes, so are few; other numbers a regression. None: neither."""
    if pa.types.is_nested(column.type):
        return None
    distinct = pc.count_distinct(column, mode="only_valid").as_py()
    number = pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or pa.types.is_decimal(column.type)
    whole = pa.types.is_integer(column.type) or (pa.types.is_decimal(column.type) and column.type.scale == 0)
    classes = not number or whole or is_whole(column)
    if distinct <= 2:
        return Kind.BINARY if distinct == 2 else None
    if classes and distinct <= MANY_CLASSES:
        return Kind.MULTICLASS
    return Kind.REGRESSION if number else None


def _found_tasks(labels: pa.Table, entity: str) -> dict[str, str]:
    """A task for each column but the ids; what can be none is left out and told of."""
    tasks = {}
    for column in labels.column_names:
        if column == entity:
            continue
        if kind := kind_of(labels[column]):
            tasks[column] = kind.value
        else:
            logger.warning("labels: %r has one value, or too many for classes, and is left out", column)
    if not tasks:
        raise DataError(f"labels have no column with two values or more besides {entity!r}: give one, or no labels")
    return tasks


def _check_ids(events: pa.Table, labels: pa.Table, entity: str) -> None:
    """Some label is of somebody who has events."""
    known, labelled = texts_of(events[entity]), texts_of(labels[entity])
    if not pc.any(pc.is_in(labelled, value_set=known.unique())).as_py():
        raise DataError(
            f"labels: none of their {entity!r}, such as {labelled[0].as_py()!r}, is among those of the events, such as "
            f"{known[0].as_py()!r}: give labels of the same entities"
        )


def _check_same(labels: pa.Table, entity: str, column: str) -> None:
    """An entity has one label, however often it is there."""
    pairs = pa.table({"id": texts_of(labels[entity]), "label": labels[column]}).drop_null()
    counted = pairs.group_by("id", use_threads=False).aggregate([("label", "count_distinct")])
    torn = counted.filter(pc.greater(counted["label_count_distinct"], 1))["id"]
    if len(torn):
        raise DataError(f"labels: entity {torn[0].as_py()!r} has several different values of {column!r}: keep one row")
