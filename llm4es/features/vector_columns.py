"""Where ids and vectors stand in rows that somebody else made.

In: a record batch, and what the user named. Out: ids as text, and vectors as a matrix; DataError that names the row or
the column where there are none. Knows no name of vectors and no table.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..core.errors import DataError
from ..core.frames import plain_type
from ..core.ids import are_told_apart, id_texts
from ..core.list_views import as_lists, is_list_view
from ..options import ImportOptions

_ID_NAMES = ("entity_id", "id", "user_id", "client_id", "customer_id", "uid")
_VECTOR_NAMES = ("vector", "embedding", "embeddings")


def ids_of(batch: pa.RecordBatch, options: ImportOptions, row: int) -> pa.Array:
    """(N,) the entities' ids as text; whole numbers written without a point."""
    column = id_column(batch.schema, options)
    values = _plain(batch.column(column))
    is_text, is_whole = pa.types.is_string(values.type), is_whole_numbers(values)
    if not (is_text or is_whole or pa.types.is_integer(values.type)):
        raise DataError(f"column {column!r} holds {values.type}, not ids: make it text or whole numbers")
    values = pc.if_else(pc.equal(values, ""), None, values) if is_text else values
    if values.null_count:
        at = pc.index(values.is_null(), True).as_py()
        raise DataError(f"row {row + at + 1}: column {column!r} is empty: give every vector an id")
    return values.cast(pa.string()) if is_text else id_texts(values)


def id_column(schema: pa.Schema, options: ImportOptions) -> str:
    """The column of ids: the one named, or the first usual name."""
    usual = (options.id,) if options.id else (*_ID_NAMES, f"{options.dataset}_id")
    column = next((name for name in usual if name in schema.names), None)
    if column is None:
        raise DataError(
            f"no column {options.id or _ID_NAMES[0]!r}: name the ids' column with --id, one of {_some(schema.names)}"
        )
    return column


def matrix_of(batch: pa.RecordBatch, options: ImportOptions, row: int) -> NDArray[np.float32]:
    """(N, D) the vectors of a batch."""
    name = _list_column(batch.schema, options)
    if name is not None:
        return _from_lists(as_lists(batch.column(name)), name, row)
    id_ = id_column(batch.schema, options)
    numeric = [f.name for f in batch.schema if f.name != id_ and _is_number(f.type)]
    other = [f.name for f in batch.schema if f.name != id_ and not _is_number(f.type)]
    if not numeric or other:
        raise DataError(
            f"column {other[0]!r} is neither a list nor a number: leave it out, or name the lists with --vector"
            if other
            else "no column of vectors and none of numbers: name the vectors' column with --vector"
        )
    for column in numeric:
        if batch.column(column).null_count:
            at = pc.index(batch.column(column).is_null(), True).as_py()
            raise DataError(f"row {row + at + 1}: column {column!r} is empty: fill it or leave the row out")
    columns = [batch.column(c).cast(pa.float32(), safe=False).to_numpy(zero_copy_only=False) for c in numeric]
    return np.column_stack(columns).astype(np.float32, copy=False)  # (N, D)


def is_whole_numbers(values: Any) -> bool:
    """Whether ids are whole numbers that missing values or other tools have made floats or decimals."""
    type = values.type
    if pa.types.is_decimal(type):
        return not pc.any(pc.match_substring_regex(values.cast(pa.string()), r"\.\d*[1-9]")).as_py()
    if not pa.types.is_floating(type) or not are_told_apart(values):
        return False
    return bool(pc.all(pc.equal(pc.floor(values), values)).as_py() is not False)


def _plain(values: Any) -> Any:
    """Ids without dictionaries, views and large types; bytes as text where they are."""
    if pa.types.is_dictionary(values.type):
        values = values.dictionary.cast(plain_type(values.type.value_type)).take(values.indices)  # views have no take
    try:
        values = values.cast(plain_type(values.type))
        return values.cast(pa.string()) if pa.types.is_binary(values.type) else values
    except pa.ArrowInvalid:
        return values


def _list_column(schema: pa.Schema, options: ImportOptions) -> str | None:
    """The column of lists: the one named, a usual name, or the only one; None: the numbers stand side by side."""
    lists = [f.name for f in schema if _is_list(f.type)]
    if options.vector is not None:
        if options.vector not in lists:
            raise DataError(f"--vector {options.vector!r} is no column of lists: there are {_some(lists) or 'none'}")
        return options.vector
    usual = [name for name in _VECTOR_NAMES if name in lists] or lists
    if len(usual) > 1:
        raise DataError(f"columns {_some(usual)} all hold lists: name the vectors' one with --vector")
    return usual[0] if usual else None


def _from_lists(values: Any, name: str, row: int) -> NDArray[np.float32]:
    """(N, D) from a list column whose lists are all of one length."""
    if values.null_count:
        at = pc.index(values.is_null(), True).as_py()
        raise DataError(f"row {row + at + 1}: column {name!r} is empty: give every entity a vector")
    if not (_is_number(values.type.value_type) or pa.types.is_null(values.type.value_type)):
        raise DataError(
            f"column {name!r} holds lists of {values.type.value_type}, not of numbers: name another --vector"
        )
    if not len(values):
        return np.zeros((0, 0), dtype=np.float32)
    lengths = pc.list_value_length(values).to_numpy(zero_copy_only=False)  # (N,)
    if (lengths != lengths[0]).any() or lengths[0] == 0:
        at = int((lengths != lengths[0]).argmax())
        raise DataError(
            f"row {row + at + 1}: a vector of {lengths[at]} dimensions after some of {lengths[0]}: give all one length"
            if lengths[0]
            else f"row {row + 1}: an empty vector: give every entity a vector"
        )
    flat = pc.list_flatten(values)
    if flat.null_count:
        at = pc.index(flat.is_null(), True).as_py() // int(lengths[0])
        raise DataError(f"row {row + at + 1}: a vector holds a null: mend it or leave the row out")
    numbers = flat.cast(pa.float32(), safe=False).to_numpy(zero_copy_only=False)
    return np.asarray(numbers, dtype=np.float32).reshape(len(values), int(lengths[0]))  # (N, D)


def _is_list(type_: pa.DataType) -> bool:
    plain = pa.types.is_list(type_) or pa.types.is_large_list(type_) or pa.types.is_fixed_size_list(type_)
    return bool(plain or is_list_view(type_))


def _is_number(type_: pa.DataType) -> bool:
    return bool(pa.types.is_integer(type_) or pa.types.is_floating(type_) or pa.types.is_decimal(type_))


def _some(names: Iterable[str]) -> str:
    """The first few of many names."""
    listed = list(names)
    return ", ".join(listed[:8]) + (", ..." if len(listed) > 8 else "")
