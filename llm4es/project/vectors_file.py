"""A file of vectors that were made elsewhere, as rows: of any kind that events are read from.

In: a file, and which of its columns is the id. Out: record batches. Knows nothing of what the vectors are of.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet as pq

from ..core.errors import DataError, OptionError, one_line
from ..core.ids import id_texts
from ..features.vector_columns import id_column
from ..options import ImportOptions
from ..recipes.first_rows import FirstRows, first_rows, names_of
from ..recipes.init.sniff import sniff
from ..recipes.kinds import FileKind, Readable, readable

ROWS_AT_ONCE = 20_000


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
        The columns of the file, but for a first one without a name: that is pandas' or R's number of the row.

    Raises
    ------
    OptionError
        There is no such file.
    DataError
        It cannot be read.

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
                with pq.ParquetFile(there.path) as parquet:
                    yield from parquet.iter_batches(ROWS_AT_ONCE)
            elif there.kind is FileKind.JSON:
                yield from pyarrow.json.read_json(_stream(there)).to_batches(ROWS_AT_ONCE)
            else:
                first = first_rows(spec, file, there)
                if not first.rows:
                    raise DataError(f"{file} is empty: its first line should name the columns")
                text = _Text(there, spec.delimiter, first)
                yield from text.table(options).to_batches(ROWS_AT_ONCE)
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise DataError(f"{file} cannot be read ({one_line(error)}): give a Parquet or CSV file") from error


def _stream(file: Readable) -> pa.NativeFile:
    return pa.input_stream(str(file.path), compression=file.packing)


class _Text:
    """Delimited text."""

    def __init__(self, file: Readable, delimiter: str, first: FirstRows) -> None:
        header = first.rows[0]
        self._file, self._names = file, names_of(header)
        self._nameless = "" if header[0].strip() else self._names[0]
        rows = {"skip_rows": first.skip + 1, "column_names": self._names, "encoding": file.encoding}
        self._read = {
            "read_options": pyarrow.csv.ReadOptions(**rows),
            "parse_options": pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        }

    def table(self, options: ImportOptions) -> pa.Table:
        """Ids as they are written (007 is not 7), all else numbers, or texts where one value is none."""
        id_ = id_column(pa.schema([(name, pa.string()) for name in self._names]), options)
        try:
            table = self._typed({name: pa.string() if name == id_ else pa.float64() for name in self._names})
        except pa.ArrowInvalid as error:
            if "conversion error" not in str(error):
                raise
            texts = self._typed(dict.fromkeys(self._names, pa.string()))
            columns = zip(texts.column_names, texts.columns, strict=True)
            table = pa.table({name: column if name == id_ else _numbers(column) for name, column in columns})
        table = table.set_column(table.column_names.index(id_), id_, id_texts(table[id_]))
        return table.drop_columns([self._nameless]) if self._nameless not in ("", id_) else table

    def _typed(self, types: dict[str, pa.DataType]) -> pa.Table:
        converted = pyarrow.csv.ConvertOptions(column_types=types)
        with _stream(self._file) as stream:
            return pyarrow.csv.read_csv(stream, convert_options=converted, **self._read)


def _numbers(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Texts as numbers where all of them are; else as they are."""
    try:
        return texts.cast(pa.float64())
    except pa.ArrowInvalid:
        return texts
