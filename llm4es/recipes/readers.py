"""SQL that reads one raw file as the recipe says: Parquet, or delimited text with every value a text.

In: what a recipe says of a table, and one of its files. Out: SQL that stands behind FROM, and the names of the columns.
Knows nothing of what the columns mean.
"""

import csv
import gzip
import zlib
from collections.abc import Sequence
from pathlib import Path

import duckdb

from ..core.errors import DataError
from ..core.sql import file_literal, literal
from .expressions import sentence
from .model import Header, RawTable

DELIMITERS = ",;\t|"
"""What commonly stands between the columns of a delimited file."""

PYTHON_ENCODINGS = {"utf-8": "utf-8-sig", "latin-1": "latin-1", "utf-16": "utf-16"}


def reader_of(connection: duckdb.DuckDBPyConnection, spec: RawTable, path: Path, skip: bool) -> tuple[str, list[str]]:
    """The SQL that reads a file, and its columns. ``skip`` leaves out lines that are no rows, and counts them."""
    reader, names = _parquet(connection, path) if is_parquet(spec, path) else _delimited(spec, path, skip)
    _check_names(path, names)
    return reader, names


def is_parquet(spec: RawTable, path: Path) -> bool:
    """Whether a file of a table is Parquet."""
    return spec.format == "parquet" if spec.format else path.suffix in (".parquet", ".pq")


def _parquet(connection: duckdb.DuckDBPyConnection, path: Path) -> tuple[str, list[str]]:
    """The reader of a Parquet file as SQL, and the names of its columns."""
    reader = f"read_parquet({file_literal(str(path.absolute()))}, hive_partitioning = false)"
    try:
        return reader, [str(row[0]) for row in connection.execute(f"DESCRIBE FROM {reader}").fetchall()]
    except duckdb.Error as error:
        raise DataError(f"{path} is not a whole Parquet file: {sentence(error)}") from error


def _delimited(spec: RawTable, path: Path, skip: bool) -> tuple[str, list[str]]:
    """The reader of a delimited file as SQL, every value a text, and the names of its columns."""
    names = list(spec.columns) if spec.header is Header.NONE else _header(spec, path)
    options = {
        "auto_detect": "false",
        "hive_partitioning": "false",
        "header": str(spec.header is not Header.NONE).lower(),
        "delim": literal(spec.delimiter),
        "quote": literal(spec.quote),
        "escape": literal(spec.quote),
        "encoding": literal(spec.encoding),
        "columns": "{" + ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names) + "}",
    }
    if skip:
        options["store_rejects"] = "true"
    settings = ", ".join(f"{name} = {value}" for name, value in options.items())
    return f"read_csv({file_literal(str(path.absolute()))}, {settings})", names


def _header(spec: RawTable, path: Path) -> list[str]:
    """The column names in the first line of a delimited file."""
    try:
        opened = gzip.open if path.suffix == ".gz" else open
        # bytes that are no text are refused in the header and nowhere else: the file is decoded far beyond it
        encoding = PYTHON_ENCODINGS[spec.encoding]
        with opened(path, "rt", encoding=encoding, errors="surrogateescape", newline="") as file:
            dialect = {"quotechar": spec.quote} if spec.quote else {"quotechar": None, "quoting": csv.QUOTE_NONE}
            row = next(csv.reader(file, delimiter=spec.delimiter, **dialect), [])
        spec.delimiter.join(row).encode("utf-8", errors="surrogateescape").decode("utf-8")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"cannot read the header of {path}: {error}; mend the file or give its 'encoding'") from error
    if not any(row):
        raise DataError(f"{path} is empty: its first line should name the columns")
    if len(row) == 1 and (others := [each for each in DELIMITERS if each in row[0]]):
        raise DataError(f"{path}: the header is one column, {row[0]!r}: give its delimiter, perhaps {others[0]!r}")
    names = [name.partition(":")[0] if spec.header is Header.TYPED else name for name in row]
    return [name.strip() or f"column_{at}" for at, name in enumerate(names, start=1)]  # SQL has no nameless columns


def _check_names(path: Path, names: Sequence[str]) -> None:
    """Names that SQL can tell apart."""
    lower = [name.lower() for name in names]
    if twice := [name for name in names if lower.count(name.lower()) > 1]:
        same = len(set(twice)) == 1
        how = f"column {twice[0]!r} is in the header twice" if same else f"only case tells {' and '.join(twice)} apart"
        raise DataError(f"{path}: {how}: rename one of them")
