"""Result files: rows that somebody asked to have written somewhere.

In: a reader of record batches, a path, a format. Out: a whole file, or none. Knows no command and no store.
"""

import io
import sys
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ..core.errors import OptionError
from .cells import as_json, write_csv
from .whole_file import whole_file

if TYPE_CHECKING:
    import pyarrow as pa


_TEXTS_AT_ONCE = 1_000
"""Rows of a batch that are Python values at a time."""


class FileFormat(StrEnum):
    """How rows lie in a file."""

    PARQUET = "parquet"
    CSV = "csv"
    JSON = "json"


def format_of(path: Path, asked: str | None) -> FileFormat:
    """The format asked for, else the one that the file's ending names.

    Parameters
    ----------
    path : Path
        Where the rows go.
    asked : str or None
        'parquet', 'csv' or 'json'; None: by the ending.

    Returns
    -------
    FileFormat
        How they lie there.

    Raises
    ------
    OptionError
        For an ending, or a word, that names none.

    Examples
    --------
    >>> format_of(Path("rows.csv"), None)
    <FileFormat.CSV: 'csv'>
    """
    ending = asked or path.suffix.lstrip(".").lower()
    if ending not in set(FileFormat):
        known = ", ".join(FileFormat)
        raise OptionError(f"--out {path} does not end in a known format: give --format, or an ending of {known}")
    return FileFormat(ending)


def write(reader: "pa.RecordBatchReader", path: Path, format_: FileFormat, *, spreadsheet_safe: bool = False) -> int:
    """Write rows to a file as they come, and give it its name when it is whole.

    Parameters
    ----------
    reader : pyarrow.RecordBatchReader
        The rows; json takes all of them into memory.
    path : Path
        The file; one that is there is replaced.
    format_ : FileFormat
        How they lie there.
    spreadsheet_safe : bool, default False
        Put an apostrophe before texts of a CSV that a spreadsheet would take for a formula.

    Returns
    -------
    int
        How many rows.

    Raises
    ------
    OptionError
        Where it cannot be written; what was there before is left as it was.

    Examples
    --------
    >>> import pyarrow as pa
    >>> rows = pa.table({"entity_id": ["c1", "c2"]})
    >>> write(rows.to_reader(), Path("rows.csv"), FileFormat.CSV)
    2
    """
    if spreadsheet_safe and format_ is not FileFormat.CSV:
        raise OptionError(f"--spreadsheet-safe is for CSV, and {path} is {format_}: leave it out")
    write_rows = partial(_write_csv, spreadsheet_safe=True) if spreadsheet_safe else _WRITERS[format_]
    with whole_file(path) as file:
        return write_rows(reader, file)


def write_to_stdout(reader: "pa.RecordBatchReader") -> int:
    """Parquet for the next program.

    Parameters
    ----------
    reader : pyarrow.RecordBatchReader
        The rows.

    Returns
    -------
    int
        How many.

    Raises
    ------
    OptionError
        On a terminal, which it would garble.

    Examples
    --------
    >>> import pyarrow as pa
    >>> write_to_stdout(pa.table({"entity_id": ["c1"]}).to_reader())  # doctest: +SKIP
    1
    """
    if sys.stdout.isatty():
        raise OptionError("--format parquet is not for a terminal: give --out FILE.parquet, or a pipe")
    sys.stdout.flush()
    return _write_parquet(reader, sys.stdout.buffer)


def _write_parquet(reader: "pa.RecordBatchReader", file: IO[bytes]) -> int:
    import pyarrow.parquet as pq

    rows = 0
    with pq.ParquetWriter(file, reader.schema, compression="zstd") as writer:
        for batch in reader:
            writer.write_batch(batch)
            rows += batch.num_rows
    return rows


def _write_csv(reader: "pa.RecordBatchReader", file: IO[bytes], *, spreadsheet_safe: bool = False) -> int:
    count = 0

    def rows() -> "Iterator[Sequence[Any]]":
        nonlocal count
        for batch in reader:
            for begin in range(0, len(batch), _TEXTS_AT_ONCE):  # a number as a Python value takes eight times as much
                some = batch.slice(begin, _TEXTS_AT_ONCE)
                yield from zip(*(column.to_pylist() for column in some.columns), strict=True)
            count += batch.num_rows

    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    write_csv(reader.schema.names, rows(), text, spreadsheet_safe=spreadsheet_safe)
    text.detach()
    return count


def _write_json(reader: "pa.RecordBatchReader", file: IO[bytes]) -> int:
    rows = reader.read_all().to_pylist()
    file.write(as_json(rows).encode())
    return len(rows)


_WRITERS: "dict[FileFormat, Callable[[pa.RecordBatchReader, IO[bytes]], int]]" = {
    FileFormat.PARQUET: _write_parquet,
    FileFormat.CSV: _write_csv,
    FileFormat.JSON: _write_json,
}
