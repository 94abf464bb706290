"""How Parquet files are written: what is encoded, compressed and counted.

In: rows, or a table's columns. Out: properties of the ``deltalake`` library's writer, and the same for Arrow's.
"""

from enum import Enum
from typing import Any

import numpy as np
import pyarrow as pa
from deltalake import ColumnProperties, WriterProperties

_WIDE_ROWS = 2**14
"""Rows in a group of a file whose rows carry lists: some 16 MiB of vectors of 256 numbers."""

_PLAIN_ROWS = 2**16
"""Rows in a group of a file without lists: whoever looks for a part of the entities leaves out the other groups."""

_DICTIONARY_BYTES = 2**19
"""Bytes of a dictionary: all 65,536 numbers of half precision, as float32, find room in it."""

_BELOW_HALF = np.uint32(2**13 - 1)
"""The bits of a float32 that a number of half precision leaves at zero."""


class Numbers(Enum):
    """What lists of numbers hold, and so how they are encoded."""

    ANY = "any"  # neither repeat nor shrink: no dictionary, no compression, which are half of the time to write
    HALF = "half"  # half precision as float32: of four bytes, each in a stream of its own, one is always zero
    REPEATING = "repeating"  # codes of eight bits: with a dictionary one byte each; half precision would take two


def properties(schema: pa.Schema, numbers: Numbers) -> WriterProperties:
    """How rows of a schema are written whose lists hold such numbers; lists get no statistics.

    Wide rows lie in groups of few: looking for one entity reads the group that may hold it, and no other's vectors.
    """
    half = numbers is Numbers.HALF
    looked_up = ColumnProperties(  # under split streams the library takes no dictionary of texts: ZSTD serves for one
        dictionary_enabled=not half, statistics_enabled="PAGE", encoding="PLAIN" if half else None
    )
    encoded = {field.name: looked_up for field in schema if not pa.types.is_nested(field.type)}
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


def arrow_properties(schema: pa.Schema, numbers: Numbers) -> dict[str, Any]:
    """The same as ``properties`` for Arrow's own writer, which names a list's numbers by their path in the file."""
    half = numbers is Numbers.HALF
    plain = [field.name for field in schema if not pa.types.is_nested(field.type)]
    lists = [f"{field.name}.list.element" for field in schema if pa.types.is_nested(field.type)]
    wide = bool(lists)
    return {
        "compression": "SNAPPY" if not wide else "ZSTD" if half else "NONE",
        "compression_level": 1 if wide and half else None,
        "use_dictionary": [] if half else [*plain, *(lists if numbers is Numbers.REPEATING else [])],
        "dictionary_pagesize_limit": _DICTIONARY_BYTES if numbers is Numbers.REPEATING else None,
        "column_encoding": dict.fromkeys(lists, "BYTE_STREAM_SPLIT") if half else None,
        "write_statistics": plain,
        "write_page_index": True,
        "store_schema": False,
    }


def rows_at_once(schema: pa.Schema) -> int:
    """Rows in a group of a file."""
    return _WIDE_ROWS if any(pa.types.is_nested(field.type) for field in schema) else _PLAIN_ROWS


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
