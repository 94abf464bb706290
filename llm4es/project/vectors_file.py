"""A file of vectors that were made elsewhere, as rows: of any kind that events are read from.

In: a file, and which of its columns is the id. Out: record batches. Knows nothing of what the vectors are of.
"""

import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet as pq

from ..core.errors import DataError, OptionError, one_line
from ..core.ids import id_texts, may_be_whole
from ..features.vector_columns import id_column
from ..options import ImportOptions
from ..recipes.first_rows import FirstRows, first_rows, names_of
from ..recipes.init.sniff import sniff
from ..recipes.kinds import FileKind, Readable, readable

ROWS_AT_ONCE = 4_000

_BUFFER = 2**16
"""Bytes of each column that are read from a Parquet file at once: others write all rows as one group."""

_BLOCK = 2**22
"""Bytes of text that are read at once; no line may be longer."""


def read_vectors(file: Path, options: ImportOptions) -> Iterator[pa.RecordBatch]:
    """The file's rows, a part at a time.

    Parameters
    ----------
    file : Path
        Delimited text of any encoding, Parquet, Arrow, JSON lines, Excel; packed or not.
    options : ImportOptions
        ``id``: the column of ids, which are read as they are written.

    Yields
    ------
    pyarrow.RecordBatch
        The columns of the file, but for pandas' or R's numbers of the rows: a first one without a name, and indexes
        without a name in pandas' Parquet files, unless ``id`` names one.

    Raises
    ------
    OptionError
        There is no such file.
    DataError
        It cannot be read, or two of its columns have one name.

    Examples
    --------
    >>> _ = Path("coles.csv").write_text(";user;x\\n0;007;1.5\\n")
    >>> options = ImportOptions("coles", "shop", id="user")
    >>> [batch.to_pylist() for batch in read_vectors(Path("coles.csv"), options)]
    [[{'user': '007', 'x': 1.5}]]
    """
    if not file.is_file():
        raise OptionError(f"no file {file}: give a Parquet or CSV file of vectors")
    with tempfile.TemporaryDirectory(prefix="llm4es-", ignore_cleanup_errors=True) as copies:
        try:
            spec = sniff(file, [file.name], None).spec
            there = readable(file, spec, Path(copies))
            if there.kind is FileKind.PARQUET:
                with pq.ParquetFile(there.path, buffer_size=_BUFFER, pre_buffer=False) as parquet:
                    schema = parquet.schema_arrow
                    _refuse_twice(schema.names, file)
                    nameless = _nameless_indexes(schema, id_column(schema, options))
                    for batch in parquet.iter_batches(ROWS_AT_ONCE):
                        yield batch.drop_columns(nameless)
            elif there.kind is FileKind.JSON:
                yield from pyarrow.json.read_json(_stream(there)).to_batches(ROWS_AT_ONCE)
            else:
                first = first_rows(spec, file, there)
                if not first.rows:
                    raise DataError(f"{file} is empty: its first line should name the columns")
                _refuse_twice(names_of(first.rows[0]), file)
                yield from _Text(there, spec.delimiter, first).batches(options)
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise DataError(f"{file} cannot be read ({one_line(error)}): give a Parquet or CSV file") from error


def _refuse_twice(names: Sequence[str], file: Path) -> None:
    """Raise for two columns of one name: which of them is meant nobody knows."""
    twice = next((name for name, times in Counter(names).items() if times > 1), None)
    if twice is not None:
        raise DataError(f"{file} has two columns called {twice!r}: rename one of them")


def _nameless_indexes(schema: pa.Schema, id_: str) -> list[str]:
    """Columns that pandas made of an index without a name."""
    indexes = (schema.pandas_metadata or {}).get("index_columns", [])
    # an index of mere positions is no column, but a dict of its bounds
    nameless = {name for name in indexes if isinstance(name, str) and re.fullmatch(r"__index_level_\d+__", name)}
    return [name for name in schema.names if name in nameless and name != id_]


def _stream(file: Readable) -> pa.NativeFile:
    return pa.input_stream(str(file.path), compression=file.packing)


class _Text:
    """Delimited text."""

    def __init__(self, file: Readable, delimiter: str, first: FirstRows) -> None:
        header = first.rows[0]
        self._file, self._names = file, names_of(header)
        self._nameless = "" if header[0].strip() else self._names[0]
        rows = {
            "skip_rows": first.skip + 1,
            "column_names": self._names,
            "encoding": file.encoding,
            "block_size": _BLOCK,
        }
        self._read = {
            "read_options": pyarrow.csv.ReadOptions(**rows),
            "parse_options": pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        }

    def batches(self, options: ImportOptions) -> Iterator[pa.RecordBatch]:
        """Ids as they are written (007 is not 7), all else numbers, or texts where one value is none."""
        id_ = id_column(pa.schema([(name, pa.string()) for name in self._names]), options)
        numbers = [name for name in self._names if name not in (id_, self._nameless)]
        names = [name for name in self._names if name == id_ or name in numbers]
        ids = self._ids(id_)
        row = 0
        try:
            for batch in self._read_as({name: pa.string() if name == id_ else pa.float64() for name in names}):
                if ids is not None:
                    written = pa.array(ids.slice(row, len(batch)))
                    batch = batch.set_column(names.index(id_), id_, written)
                yield batch
                row += len(batch)
        except pa.ArrowInvalid as error:
            texts = self._texts(numbers) if "conversion error to double" in str(error) else []
            if not texts:  # bytes that are no text, say: a part without rows would pass for the end of the file
                raise
            types = {name: pa.string() if name == id_ or name in texts else pa.float64() for name in names}
            yield pa.RecordBatch.from_pylist([], schema=pa.schema(list(types.items())))

    def _ids(self, id_: str) -> pa.Array | None:
        """All ids, where a whole column of them may be whole numbers of floats; None: they are as they are written."""
        kept: list[pa.Array] = []
        for batch in self._read_as({id_: pa.string()}):
            if not kept and not may_be_whole(batch[id_]):
                return None
            kept.append(batch[id_])
        return id_texts(pa.chunked_array(kept, pa.string()))

    def _texts(self, names: Sequence[str]) -> list[str]:
        """Columns that hold something else than numbers."""
        left = list(names)
        for batch in self._read_as(dict.fromkeys(names, pa.string())):
            left = [name for name in left if _are_numbers(batch[name])]
        return [name for name in names if name not in left]

    def _read_as(self, types: dict[str, pa.DataType]) -> Iterator[pa.RecordBatch]:
        """Some columns, a part at a time."""
        converted = pyarrow.csv.ConvertOptions(column_types=types, include_columns=list(types))
        with (
            _stream(self._file) as stream,
            pyarrow.csv.open_csv(stream, convert_options=converted, **self._read) as rows,
        ):
            yield from rows


def _are_numbers(texts: pa.Array) -> bool:
    try:
        texts.cast(pa.float64())
    except pa.ArrowInvalid:
        return False
    return True
