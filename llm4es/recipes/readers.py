"""SQL that reads one raw file as the recipe says: typed where the file has types, else every value a text.

In: what a recipe says of a table, one of its files, and a folder for copies. Out: SQL that stands behind FROM, and the
names of the columns. Knows nothing of what the columns mean.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import duckdb

from ..core.errors import DataError
from ..core.sql import file_literal, literal
from .expressions import sentence
from .first_rows import FirstRows, first_rows, names_of
from .kinds import FileKind, Readable, readable
from .kinds.texts import has_mixed_line_ends
from .model import Header, RawTable

DELIMITERS = ",;\t|"
"""What commonly stands between the columns of a delimited file."""


def reader_of(
    connection: duckdb.DuckDBPyConnection,
    spec: RawTable,
    path: Path,
    folder: Path,
    skip: bool = False,
    one_line_end: bool = False,
) -> tuple[str, list[str], bool]:
    """The SQL that reads a file, its columns, and whether it is delimited text.

    ``skip`` leaves out lines of delimited text that are no rows, and counts them. ``one_line_end`` is for files whose
    lines end in several ways, which DuckDB refuses: a copy is read.
    """
    file = readable(path, spec, folder)
    if file.kind is FileKind.CSV:
        first = first_rows(spec, path, file)
        if one_line_end or (first.skip and has_mixed_line_ends(file.path)):  # of the latter DuckDB reads no row at all
            file = file.with_one_line_end(spec.quote, folder)
        reader, names = _delimited(spec, path, file, first, skip)
    else:
        reader, names = (
            _json(connection, path, file) if file.kind is FileKind.JSON else _parquet(connection, path, file)
        )
    _check_names(path, names)
    return reader, names, file.kind is FileKind.CSV


def _parquet(connection: duckdb.DuckDBPyConnection, path: Path, file: Readable) -> tuple[str, list[str]]:
    """The reader of a Parquet file as SQL, and the names of its columns."""
    reader = f"read_parquet({file_literal(str(file.path.absolute()))}, hive_partitioning = false)"
    try:
        return reader, [str(row[0]) for row in connection.execute(f"DESCRIBE FROM {reader}").fetchall()]
    except duckdb.Error as error:
        raise DataError(f"{path} is not a whole Parquet file: {sentence(error)}") from error


SCALAR = (
    r'"[^"]*"|\b(?:U?(?:TINY|SMALL|BIG|HUGE)INT|U?INTEGER|DOUBLE|FLOAT|DATE|TIMESTAMP(?: WITH TIME ZONE)?|TIME|UUID|'
    r"BOOLEAN|JSON)\b"
)
"""Types that DuckDB guesses of JSON values, and names that are none."""


def _json(connection: duckdb.DuckDBPyConnection, path: Path, file: Readable) -> tuple[str, list[str]]:
    """The reader of JSON objects: each value the text that it is written as, nested ones in their shape."""
    packing = literal(file.packing or "none")
    options = f"{file_literal(str(file.path.absolute()))}, hive_partitioning = false, compression = {packing}"
    try:
        described = connection.execute(f"DESCRIBE FROM read_json({options}, sample_size = -1)").fetchall()
    except duckdb.Error as error:
        raise DataError(f"{path} cannot be read as JSON: {sentence(error)}") from error
    columns = {str(name): _as_text(str(type)) for name, type, *_ in described}
    typed = ", ".join(f"{literal(name)}: {literal(type)}" for name, type in columns.items())
    return f"read_json({options}, columns = {{{typed}}})", list(columns)


def _as_text(type: str) -> str:
    """A type whose single values are all texts."""
    if type == '"NULL"':
        return "VARCHAR"
    return re.sub(SCALAR, lambda found: found[0] if found[0].startswith('"') else "VARCHAR", type)


def _delimited(spec: RawTable, path: Path, file: Readable, first: FirstRows, skip: bool) -> tuple[str, list[str]]:
    """The reader of a delimited file as SQL, every value a text, and the names of its columns."""
    names = list(spec.columns) if spec.header is Header.NONE else _header(spec, path, first)
    options = {
        "auto_detect": "false",
        "hive_partitioning": "false",
        "header": str(spec.header is not Header.NONE).lower(),
        "delim": literal(first.delimiter),
        "quote": literal(spec.quote),
        "escape": literal(spec.quote),
        "encoding": literal(file.encoding),
        "compression": literal(file.packing or "none"),
        "columns": "{" + ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names) + "}",
    }
    if first.skip:
        options["skip"] = str(first.skip)
    if skip:
        options["store_rejects"] = "true"
    settings = ", ".join(f"{name} = {value}" for name, value in options.items())
    return f"read_csv({file_literal(str(file.path.absolute()))}, {settings})", names


def _header(spec: RawTable, path: Path, first: FirstRows) -> list[str]:
    """The column names in the first line of a delimited file."""
    row = list(first.rows[0]) if first.rows else []
    if not any(row):
        raise DataError(f"{path} is empty: its first line should name the columns")
    try:
        first.delimiter.join(row).encode("utf-8", errors="surrogateescape").decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"cannot read the header of {path}: {error}; mend the file or give its 'encoding'") from error
    if len(row) == 1 and (others := [each for each in DELIMITERS if each in row[0]]):
        raise DataError(f"{path}: the header is one column, {row[0]!r}: give its delimiter, perhaps {others[0]!r}")
    if first.short_by == 1 and any(row[-1] for row in first.rows[1:]):
        row = ["", *row]  # R's write.table: the names of the rows have none
    elif first.short_by == -1 and not row[-1].strip():
        row = row[:-1]
    return names_of([name.partition(":")[0] for name in row] if spec.header is Header.TYPED else row)


def _check_names(path: Path, names: Sequence[str]) -> None:
    """Names that SQL can tell apart."""
    lower = [name.lower() for name in names]
    if twice := [name for name in names if lower.count(name.lower()) > 1]:
        same = len(set(twice)) == 1
        how = f"column {twice[0]!r} is in the header twice" if same else f"only case tells {' and '.join(twice)} apart"
        raise DataError(f"{path}: {how}: rename one of them")
