"""Whether rows are what a stage reads: its columns, of the right kinds, none of them empty where it needs a value.

In: Arrow rows, and the schema that a stage asks for. Out: nothing, or one line that says which column of what is wrong.
Kinds are broad on purpose: any width of number, any form of text. Knows no stage.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds

from .errors import DataError, Llm4esError

_KINDS: dict[str, Callable[[pa.DataType], bool]] = {
    "text": lambda type_: (
        kinds.is_string(type_)
        or kinds.is_large_string(type_)
        or kinds.is_string_view(type_)
        or (kinds.is_dictionary(type_) and _is_a(type_.value_type, "text"))
    ),
    "whole numbers": kinds.is_integer,
    "numbers": lambda type_: kinds.is_integer(type_) or kinds.is_floating(type_) or kinds.is_decimal(type_),
    "lists": lambda type_: (
        kinds.is_list(type_)
        or kinds.is_large_list(type_)
        or kinds.is_fixed_size_list(type_)
        or kinds.is_list_view(type_)
    ),
    "yes and no": kinds.is_boolean,
    "times": kinds.is_timestamp,
}
"""What people call a column's type, the narrower first."""


def batches_of(rows: Any, what: str, error: type[Llm4esError] = DataError) -> Iterator[pa.RecordBatch]:
    """Record batches of record batches, of a table, or of anything that hands out an Arrow stream."""
    if hasattr(rows, "__arrow_c_stream__"):
        yield from pa.RecordBatchReader.from_stream(rows)
        return
    if not isinstance(rows, Iterable) or isinstance(rows, str | bytes):
        raise error(f"{what} are {type(rows).__name__}, not rows: give a pyarrow table or record batches")
    for batch in rows:
        if not isinstance(batch, pa.RecordBatch):
            raise error(f"{what} hold {type(batch).__name__}, not rows: give a pyarrow table or record batches")
        yield batch


def check_columns(
    rows: pa.Table | pa.RecordBatch, wanted: pa.Schema, what: str, error: type[Llm4esError] = DataError
) -> None:
    """Raise where a column of ``wanted`` is missing, of another kind, or empty in a row though it is not nullable."""
    for field in wanted:
        if field.name not in rows.schema.names:
            known = ", ".join(rows.schema.names) or "none"
            raise error(f"{what} have no column '{field.name}': give {', '.join(wanted.names)}; there are {known}")
        found = rows.schema.field(field.name).type
        kind = next((kind for kind in _KINDS if _is_a(field.type, kind)), str(field.type))
        if not (kinds.is_null(found) or (_is_a(found, kind) if kind in _KINDS else found == field.type)):
            raise error(f"{what} have the column '{field.name}' as {found}: make it {kind}")
        if not field.nullable and rows[field.name].null_count:
            at = pc.index(rows[field.name].is_null(), True).as_py()
            raise error(f"{what} have nothing in column '{field.name}' of row {at + 1}: fill it, or leave the row out")


def _is_a(type_: pa.DataType, kind: str) -> bool:
    return bool(_KINDS[kind](type_))
