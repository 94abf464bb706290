"""How Parquet files are written: what is encoded, compressed and counted.

In: rows, or a table's columns. Out: properties of the ``deltalake`` library's writer, and the same for Arrow's.
"""

from collections.abc import Collection
from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from deltalake import ColumnProperties, WriterProperties

if TYPE_CHECKING:
    import pyarrow.parquet as pq

_WIDE_ROWS = 2**14
"""Rows in a group of a file whose rows carry lists: some 16 MiB of vectors of 256 numbers."""

_PLAIN_ROWS = 2**16
"""Rows in a group of a file without lists: whoever looks for a part of the entities leaves out the other groups."""

_DICTIONARY_BYTES = 2**19
"""Bytes of a dictionary: all 65,536 numbers of half precision, as float32, find room in it."""

_LOOKED_AT, _LOOKED_AT_BYTES = 2**14, 2**20
"""Rows that tell whether a column repeats, and bytes of them from which on fewer do."""

_REPEATED_BYTES = 8
"""Bytes a value below which texts of a file take their room as a dictionary: each is an id, or longer."""

_BELOW_HALF = np.uint32(2**13 - 1)
"""The bits of a float32 that a number of half precision leaves at zero."""


class Numbers(Enum):
    """What lists of numbers hold, and so how they are encoded."""

    ANY = "any"  # neither repeat nor shrink: no dictionary, no compression, which are half of the time to write
    HALF = "half"  # half precision as float32: of four bytes, each in a stream of its own, one is always zero
    REPEATING = "repeating"  # codes of eight bits: with a dictionary one byte each; half precision would take two


def properties(schema: pa.Schema, numbers: Numbers, distinct: Collection[str] = ()) -> WriterProperties:
    """How rows of a schema are written whose lists hold such numbers; lists get no statistics.

    Wide rows lie in groups of few: looking for one entity reads the group that may hold it, and no other's vectors.
    Columns that are ``distinct`` get no dictionary: it takes twice as long to make as the column to write.
    """
    half = numbers is Numbers.HALF
    encoded = {
        field.name: ColumnProperties(
            # under split streams the library takes no dictionary of texts: ZSTD serves for one
            dictionary_enabled=not half and field.name not in distinct,
            statistics_enabled="PAGE",
            encoding="PLAIN" if half else None,
        )
        for field in schema
        if not pa.types.is_nested(field.type)
    }
    wide = len(encoded) < len(schema)
    lists = ColumnProperties(
        dictionary_enabled=numbers is Numbers.REPEATING,
        statistics_enabled="NONE",
        encoding="BYTE_STREAM_SPLIT" if half else None,
    )
    return WriterProperties(
        compression="SNAPPY" if not wide else "ZSTD" if half else "UNCOMPRESSED",
        compression_level=1 if wide and half else None,
        default_column_properties=lists,
        column_properties=encoded,
        dictionary_page_size_limit=_DICTIONARY_BYTES if numbers is Numbers.REPEATING else None,
        max_row_group_size=rows_at_once(schema),
    )


def arrow_properties(
    schema: pa.Schema, numbers: Numbers, distinct: Collection[str] = (), sought: Collection[str] | None = None
) -> dict[str, Any]:
    """The same as ``properties`` for Arrow's own writer, which names a list's numbers by their path in the file.

    Of texts only those that rows are ``sought`` by get statistics, where that is given: theirs take longest.
    """
    half = numbers is Numbers.HALF
    plain = [field.name for field in schema if not pa.types.is_nested(field.type)]
    counted = [name for name in plain if sought is None or name in sought or not _is_text(schema.field(name).type)]
    lists = [f"{field.name}.list.element" for field in schema if pa.types.is_nested(field.type)]
    wide = bool(lists)
    return {
        "compression": "SNAPPY" if not wide else "ZSTD" if half else "NONE",
        "compression_level": 1 if wide and half else None,
        "use_dictionary": []
        if half
        else [*(name for name in plain if name not in distinct), *(lists if numbers is Numbers.REPEATING else [])],
        "dictionary_pagesize_limit": _DICTIONARY_BYTES if numbers is Numbers.REPEATING else None,
        "column_encoding": dict.fromkeys(lists, "BYTE_STREAM_SPLIT") if half else None,
        "write_statistics": counted,
        "write_page_index": True,
        "store_schema": False,
    }


def rows_at_once(schema: pa.Schema) -> int:
    """Rows in a group of a file."""
    return _WIDE_ROWS if any(pa.types.is_nested(field.type) for field in schema) else _PLAIN_ROWS


def distinct_in(rows: pa.Table) -> list[str]:
    """Columns of which the first rows say that most values stand there once: a dictionary would be as long as they."""
    return [
        field.name
        for field, column in zip(rows.schema, rows.columns, strict=True)
        if not (pa.types.is_nested(field.type) or pa.types.is_dictionary(field.type)) and _is_distinct(column)
    ]


def _is_distinct(column: pa.ChunkedArray) -> bool:
    at_once = _LOOKED_AT_BYTES * len(column) // max(1, column.nbytes)
    first = column.slice(0, min(_LOOKED_AT, at_once))
    return bool(2 * len(first.unique()) > len(first))


def repeated_in(file: "pq.FileMetaData", schema: pa.Schema) -> list[str]:
    """Texts that a file keeps as a dictionary, and that need not be spelled out to be written anew."""
    if not file.num_row_groups:
        return []
    group = file.row_group(0)
    chunks = {chunk.path_in_schema: chunk for chunk in map(group.column, range(group.num_columns))}
    texts = [chunks[field.name] for field in schema if pa.types.is_string(field.type)]
    return [text.path_in_schema for text in texts if text.total_uncompressed_size < _REPEATED_BYTES * group.num_rows]


def _is_text(type_: pa.DataType) -> bool:
    return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_dictionary(type_))


def numbers_of(rows: pa.Table) -> Numbers:
    """What the lists of these rows hold, where all of them hold such."""
    lists = [column for column in rows.columns if pa.types.is_list(column.type)]
    pieces = [piece.flatten() for column in lists for piece in column.chunks]
    held = {_held(numbers) for numbers in pieces if len(numbers)}
    return held.pop() if len(held) == 1 else Numbers.ANY


def numbers_in(schema: pa.Schema) -> Numbers:
    """What the lists of a whole table may hold: codes where it has a column of them."""
    codes = any(pa.types.is_list(field.type) and field.type.value_type == pa.int8() for field in schema)
    return Numbers.REPEATING if codes else Numbers.ANY


def _held(numbers: pa.Array) -> Numbers:
    if pa.types.is_int8(numbers.type):
        return Numbers.REPEATING
    if not pa.types.is_float32(numbers.type) or numbers.null_count:
        return Numbers.ANY
    return Numbers.ANY if (numbers.to_numpy().view(np.uint32) & _BELOW_HALF).any() else Numbers.HALF
