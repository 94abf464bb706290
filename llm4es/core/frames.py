"""Frames of any kind to Arrow tables of plain types, and back.

In: a pandas or Polars frame, an Arrow table, batch or reader, a DuckDB relation, whatever speaks Arrow's PyCapsule
interface or the dataframe interchange protocol, a list of dicts, or a dict of columns. Out: an Arrow table. Imports
none of these libraries: a frame brings its own. Knows nothing of what the columns mean.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc

from .errors import DataError, one_line
from .list_views import as_lists, is_list_view

TAKEN = "a pandas or Polars frame, an Arrow table, a DuckDB relation, a list of dicts, or a dict of columns"
"""What is read as a frame, in words."""

CHUNK_ROWS = 1 << 20
"""Rows a chunk: 32-bit offsets of texts then hold up to 2 kB a value."""

UNPRINTABLE = r"[\x00-\x08\x0e-\x1f]"
"""Characters that no text has: bytes with them are a number or a digest, even where they happen to be UTF-8."""


def to_arrow(frame: Any, what: str = "events") -> pa.Table:
    """A frame of any kind as an Arrow table of plain types.

    Parameters
    ----------
    frame : pandas.DataFrame, polars.DataFrame or LazyFrame, pyarrow Table, RecordBatch or RecordBatchReader, \
duckdb.DuckDBPyRelation, any object with ``__arrow_c_stream__``, ``__arrow_c_array__`` or ``__dataframe__``, \
list of dict, or dict of columns
        One row an event, or one a label. A pandas index that has a name of its own becomes a column, any other is left
        out, and so is a column without a name: an index that was written to a file.
    what : str, default "events"
        What the frame is called in messages.

    Returns
    -------
    pyarrow.Table
        Dictionaries, views and large types are written out as plain ones, columns of mixed types as text, UUIDs,
        periods, intervals and bytes that are UTF-8 as text, durations as seconds, NaN as null. No metadata.

    Raises
    ------
    DataError
        The frame is of another kind, its columns are of several lengths, or two columns have one name.

    Examples
    --------
    >>> to_arrow([{"user": "a", "x": 1}, {"user": "b", "x": "one"}]).to_pydict()
    {'user': ['a', 'b'], 'x': ['1', 'one']}
    >>> to_arrow({"user": ["a", "b"], "x": [1.5, None]}).schema.types
    [DataType(string), DataType(double)]
    """
    try:
        columns = _read(frame, what)
        columns = [(str(name), values) for name, values in columns if str(name)]
        names = [name for name, _ in columns]
        if twice := [name for name in names if names.count(name) > 1]:
            raise DataError(f"{what} have two columns called {twice[0]!r}: rename one of them")
        return _plain(pa.Table.from_arrays([values for _, values in columns], names=names))
    except (pa.ArrowException, ValueError) as error:
        raise DataError(f"cannot read the {what}: {one_line(error)}") from error


def like(frame: Any, table: pa.Table) -> Any:
    """An Arrow table as the kind of frame that came in.

    Parameters
    ----------
    frame : any frame that ``to_arrow`` takes
        What came in.
    table : pyarrow.Table
        What goes out.

    Returns
    -------
    pandas.DataFrame, polars.DataFrame, polars.LazyFrame or pyarrow.Table
        pandas for pandas, Polars for Polars, Arrow for all else.

    Examples
    --------
    >>> like([{"user": "a"}], pa.table({"user": ["a"]})).num_rows
    1
    """
    if _is(frame, "pandas", "DataFrame"):
        return table.to_pandas()
    if _is(frame, "polars", "DataFrame", "LazyFrame"):
        polars = sys.modules["polars"].from_arrow(table)
        return polars.lazy() if _is(frame, "polars", "LazyFrame") else polars
    return table


Columns = list[tuple[Any, Any]]
"""Names and Arrow arrays."""


def _read(frame: Any, what: str) -> Columns:
    """The columns of a frame, whatever its kind."""
    if _is(frame, "pandas", "Series") or _is(frame, "polars", "Series"):  # they stream too, and have no columns
        raise DataError(f"{what} are one column: give {TAKEN}")
    if _is(frame, "pandas", "DataFrame"):
        return _pandas(frame)
    if _is(frame, "polars", "LazyFrame"):
        frame = frame.collect()
    if _is(frame, "polars", "DataFrame"):
        frame = _polars(frame)
    if isinstance(frame, pa.RecordBatchReader):
        return _columns(frame.read_all())
    if isinstance(frame, pa.Table | pa.RecordBatch) or hasattr(frame, "__arrow_c_stream__"):
        return _columns(pa.table(frame))
    if hasattr(frame, "__arrow_c_array__"):
        return _columns(pa.record_batch(frame))
    if hasattr(frame, "__dataframe__"):
        from pyarrow.interchange import from_dataframe

        return _columns(from_dataframe(frame))
    if isinstance(frame, Mapping):
        return [(name, _array(values)) for name, values in frame.items()]
    if isinstance(frame, list | tuple) and all(isinstance(row, Mapping) for row in frame):
        names = dict.fromkeys(name for row in frame for name in row)
        return [(name, _array([row.get(name) for row in frame])) for name in names]
    raise DataError(f"{what} are a {type(frame).__name__}: give {TAKEN}")


def _is(frame: Any, library: str, *kinds: str) -> bool:
    """Whether a frame is of a library that, if so, somebody has imported."""
    module = sys.modules.get(library)
    return module is not None and any(isinstance(frame, getattr(module, kind, ())) for kind in kinds)


def _columns(table: pa.Table | pa.RecordBatch) -> Columns:
    return list(zip(table.schema.names, table.columns, strict=True))


def _pandas(frame: Any) -> Columns:
    """The columns of a pandas frame, before them those of its index that have names which no column has."""
    names = {str(name) for name in frame.columns}
    columns = [
        (name, frame.index.get_level_values(at).to_series())
        for at, name in enumerate(frame.index.names)
        if name is not None and str(name) not in names  # a level without a name says nothing but the order
    ]
    columns += [(name, frame.iloc[:, at]) for at, name in enumerate(frame.columns)]
    odd = ("period", "interval")  # Arrow keeps them as extensions that no other library reads
    return [
        (name, _array(column.astype(str) if str(column.dtype).startswith(odd) else column)) for name, column in columns
    ]


def _polars(frame: Any) -> Any:
    """A Polars frame without columns of Python objects, which leave as pointers."""
    polars = sys.modules["polars"]
    objects = [name for name, type in frame.schema.items() if type == polars.Object]
    texts = [polars.Series(name, _texts(frame[name].to_list()), dtype=polars.String) for name in objects]
    return frame.with_columns(texts) if texts else frame


def _array(values: Any) -> pa.Array | pa.ChunkedArray:
    """Values as Arrow has them; those of mixed types as text."""
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values
    try:
        return pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        return pa.array(_texts(values), pa.string())


def _texts(values: Sequence[Any]) -> list[str | None]:
    """Each value as text; None and what is unequal to itself (NaN, NaT) as none."""
    return [None if value is None or _is_missing(value) else str(value) for value in values]


def _is_missing(value: Any) -> bool:
    unequal = value != value
    return unequal if isinstance(unequal, bool) else type(value).__name__ == "NAType"


def _plain(table: pa.Table) -> pa.Table:
    """The same values in types that everything reads."""
    table = pa.Table.from_batches(table.to_batches(max_chunksize=CHUNK_ROWS), table.schema)
    columns = [_as_plain(column) for column in table.columns]
    return pa.Table.from_arrays(columns, names=table.column_names)


def _as_plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    type = column.type
    if isinstance(type, pa.BaseExtensionType):
        return _as_plain(_storage(column))
    if pa.types.is_dictionary(type):  # Arrow casts no dictionary of views
        plain = plain_type(type.value_type)
        chunks = [chunk.dictionary.cast(plain).take(chunk.indices) for chunk in column.chunks]
        return _as_plain(pa.chunked_array(chunks, plain))
    if pa.types.is_run_end_encoded(type):
        return _as_plain(pa.chunked_array(map(pc.run_end_decode, column.chunks), type.value_type))
    if pa.types.is_duration(type):
        return pc.divide(column.cast(pa.duration("us")).cast(pa.int64()).cast(pa.float64()), 1e6)
    if pa.types.is_floating(type) and pc.any(pc.is_nan(column)).as_py():  # Polars tells NaN and nothing apart
        column = pc.if_else(pc.is_nan(column), None, column)
    if pa.types.is_fixed_size_binary(type) or plain_type(type) == pa.binary():
        return _decoded(column.cast(pa.binary()))
    if is_list_view(type):
        return _as_plain(pa.chunked_array(map(as_lists, column.chunks), pa.list_(type.value_type)))
    plain = plain_type(type)
    return column if plain == type else column.cast(plain)


def _storage(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """What an extension type stands for: its storage, but text where that would be bytes or ordinals."""
    type = column.type
    if type.extension_name.startswith("pandas."):  # periods and intervals
        return pa.chunked_array([pa.array(column.to_pandas().astype(str), pa.string(), from_pandas=True)])
    storage = column.cast(type.storage_type)
    if type.extension_name == "arrow.uuid":
        encoded = storage.combine_chunks().dictionary_encode()
        texts = [str(UUID(bytes=value)) for value in encoded.dictionary.to_pylist()]
        return pa.chunked_array([pa.array(texts, pa.string()).take(encoded.indices)])
    return storage.cast(pa.bool_()) if type.extension_name == "arrow.bool8" else storage


def _decoded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Bytes as text where all of them are; else as they are."""
    try:
        texts = column.cast(pa.string())
    except pa.ArrowInvalid:
        return column
    return column if pc.any(pc.match_substring_regex(texts, UNPRINTABLE)).as_py() else texts


def plain_type(type: pa.DataType) -> pa.DataType:
    """The type that everything reads and that holds the same values; of nested ones inside too."""
    for kinds, plain in PLAIN:
        if any(kind(type) for kind in kinds):
            return plain
    if any(kind(type) for kind in LISTS):
        return pa.list_(plain_type(type.value_type))
    if pa.types.is_struct(type):
        return pa.struct([(field.name, plain_type(field.type)) for field in type])
    return type


PLAIN: Sequence[tuple[Sequence[Callable[[pa.DataType], bool]], pa.DataType]] = (
    ((pa.types.is_large_string, pa.types.is_string_view, pa.types.is_null), pa.string()),
    ((pa.types.is_large_binary, pa.types.is_binary_view), pa.binary()),
    ((pa.types.is_float16,), pa.float32()),
    ((pa.types.is_date64,), pa.date32()),
)
"""Kinds of types, and what they become."""

LISTS = (pa.types.is_list, pa.types.is_large_list, pa.types.is_list_view, pa.types.is_large_list_view)
