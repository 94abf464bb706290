"""Which of a table's files may hold what: told by its log alone.

In: a table's snapshot, a scope, values. Out: the files that may hold such rows. Opens none of them.
"""

import urllib.parse
from bisect import bisect_left
from collections.abc import Collection, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from llm4es.core.sql import Scope

from .data_file import DataFile
from .delta import Table

_EACH = 2**16
"""Values that are looked for one by one; of more only the range is: ordering them would cost more than it saves."""

Bound = Any
"""Text, or a number; None: the log does not say."""


def files_that_may_hold(
    table: Table, scope: Scope, column: str | None = None, values: pa.Array | None = None
) -> list[DataFile]:
    """The files in which a row of the scope may be whose ``column`` has one of the values: what the log says of them.

    What it does not say of a file, such as a column's bounds, rules nothing out.
    """
    files = table.files()
    for name, value in scope.items():
        files = _within(files, name, pa.array([value]))
    if column is not None and values is not None:
        files = _within(files, column, values)
    return _described(files, table.partition_by)


def live_files(table: Table, paths: Collection[str]) -> list[DataFile]:
    """Those of the files, named as they are on disk, that are in the snapshot."""
    files, sought = table.files(), set(paths)
    there = [urllib.parse.unquote(path) in sought for path in files["path"].to_pylist()]
    return _described(files.filter(pa.array(there, pa.bool_())), table.partition_by)


def _within(files: pa.Table, column: str, values: pa.Array) -> pa.Table:
    """The files whose bounds of a column, or whose folder's value, leave room for one of these values."""
    if f"partition.{column}" in files.column_names:
        held = files[f"partition.{column}"].cast(pa.string())
        return files.filter(pc.is_in(held, value_set=values.cast(pa.string())))
    least, greatest = f"min.{column}", f"max.{column}"
    if least not in files.column_names or greatest not in files.column_names or not len(files):
        return files
    type_ = files.schema.field(least).type
    if len(values) > _EACH:
        ends = pc.min_max(values)
        sought = pa.array([ends["min"].as_py(), ends["max"].as_py()], type_)
    else:
        sought = pc.unique(values.drop_null()).cast(type_)
        sought = sought.take(pc.sort_indices(sought))  # (V,) ascending
    bounds = zip(files[least].to_pylist(), files[greatest].to_pylist(), strict=True)
    room = _meets if len(values) > _EACH else _has_room
    return files.filter(pa.array([room(low, high, sought) for low, high in bounds], pa.bool_()))


def _has_room(low: Bound, high: Bound, sought: pa.Array) -> bool:
    """Whether one of the ascending values lies within these bounds."""
    if low is None or high is None:
        return True
    first = bisect_left(sought, low, key=lambda value: value.as_py())
    return bool(first < len(sought) and sought[first].as_py() <= high)


def _meets(low: Bound, high: Bound, ends: pa.Array) -> bool:
    """Whether two ranges have anything in common."""
    least, greatest = ends.to_pylist()
    return low is None or high is None or (low <= greatest and least <= high)


def _described(files: pa.Table, partition_by: Sequence[str]) -> list[DataFile]:
    partitions = [f"partition.{column}" for column in partition_by]
    columns = ["path", "size_bytes", "num_records", *partitions]
    return [
        DataFile(
            path=urllib.parse.unquote(row["path"]),
            size=row["size_bytes"],
            rows=row["num_records"],
            partition={
                column: None if row[name] is None else str(row[name])
                for column, name in zip(partition_by, partitions, strict=True)
            },
        )
        for row in files.select(columns).to_pylist()
    ]
