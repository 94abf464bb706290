"""Raw files as tables of a DuckDB that can read nothing else.

In: a recipe and its files. Out: a connection with one table a raw table, each with the row's number. The
connection reads only the recipe's own files: expressions of a recipe, which may come from anyone, reach no other path,
no network, no environment and no setting. Knows nothing of events.
"""

import csv
import difflib
import gzip
import logging
import re
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from ..core.errors import DataError, RecipeError
from .load import Recipe
from .locate import Source
from .tables import Header, RawTable

logger = logging.getLogger(__name__)

ROW = "_llm4es_row"
"""The column of a row's number in its files, from 0; a name that no file has."""

MEMORY = "1000MB"
"""Bound on DuckDB's memory; what is larger is spilled to disk."""

DELIMITERS = ",;\t|"
"""What commonly stands between the columns of a delimited file."""

PYTHON_ENCODINGS = {"utf-8": "utf-8-sig", "latin-1": "latin-1", "utf-16": "utf-16"}


def quoted(name: str) -> str:
    """A name as SQL."""
    return '"' + name.replace('"', '""') + '"'


def expression(sql: str) -> str:
    """An expression of a recipe, to be put anywhere. A bare name is a column, even one that SQL has other uses for."""
    return quoted(sql) if sql.isidentifier() else f"({sql}\n)"  # the line break ends a comment


def literal(value: str | Path) -> str:
    """A text as SQL."""
    return "'" + str(value).replace("'", "''") + "'"


def one_line(error: BaseException) -> str:
    """The first sentence of a DuckDB message, without its hints over many lines."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    kept = [line for line in lines if not line.startswith(("LINE ", "^", "Possible", "*"))]
    return " ".join(kept[:3])


@contextmanager
def connected(source: Source) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that reads the source's files and nothing else; what it spills is removed at the end."""
    paths = [path.absolute() for table in source.files.values() for path in table]
    with tempfile.TemporaryDirectory(prefix="llm4es-", ignore_cleanup_errors=True) as spill:
        connection = duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": spill})
        try:
            connection.execute("SET TimeZone = 'UTC'; SET python_enable_replacements = false")
            connection.execute(f"SET allowed_paths = [{', '.join(map(literal, paths))}]")
            connection.execute("SET enable_external_access = false; SET lock_configuration = true")
            yield connection
        finally:
            connection.close()


@dataclass(frozen=True)
class Loaded:
    """A raw table that is now a view."""

    columns: tuple[str, ...]
    """Every column that the files or the recipe's derivations have, read or not."""

    readers: tuple[tuple[Path, str], ...]
    """Each file and the SQL that reads it."""

    def place(self, connection: duckdb.DuckDBPyConnection, row: int) -> str:
        """Where the row of that number stands: 'row 5', or 'row 5 of part-2.csv' where there are several files."""
        for path, reader in self.readers if len(self.readers) > 1 else ():
            count = int(connection.execute(f"SELECT count(*) FROM {reader}").fetchall()[0][0])
            if row < count:
                return f"row {row + 1} of {path.name}"
            row -= count
        return f"row {row + 1}"


def load(
    connection: duckdb.DuckDBPyConnection,
    recipe: Recipe,
    source: Source,
    table: str,
    expressions: Iterable[str],
    skip: bool,
) -> Loaded:
    """Make the view ``table``: the columns that ``expressions`` speak of, the derived ones, and ``ROW`` from 0.

    ``skip`` leaves out lines that are no rows, instead of failing.
    """
    spec, paths = recipe.ways[source.layout].tables[table], source.files[table]
    spoken = " ".join([*expressions, *spec.derive.values()]).lower().replace('""', '"')
    parts, there, readers, of_file = [], [], [], []
    for path in paths:
        reader, names = _parquet(connection, path) if is_parquet(spec, path) else _delimited(spec, path, skip)
        _check_names(path, names)
        readers.append((path, reader))
        of_file.append((path, names))
        kept = [name for name in names if name.lower() in spoken]
        parts.append(f"SELECT {', '.join(map(quoted, kept)) or 'NULL AS _none'} FROM {reader}")
        there += [name for name in names if name not in there]
    for name in there:
        if lacking := [path.name for path, names in of_file if name not in names and name.lower() in spoken]:
            logger.warning("%s: %s has no column %r, which is missing there", recipe.name, ", ".join(lacking), name)
    replaced = [name for name in there if name in spec.derive and name.lower() in spoken]
    without = f" EXCLUDE ({', '.join(map(quoted, replaced))})" if replaced else ""
    derived = "".join(f", {expression(sql)} AS {quoted(name)}" for name, sql in spec.derive.items())
    raw, view = quoted(f"_{table}"), quoted(table)
    try:
        connection.execute(f"CREATE TEMP TABLE {raw} AS {' UNION ALL BY NAME '.join(parts)}")
        connection.execute(f"CREATE TEMP VIEW {view} AS SELECT *{without}{derived}, rowid AS {ROW} FROM {raw}")
    except (duckdb.BinderException, duckdb.ParserException, duckdb.CatalogException) as error:
        raise RecipeError(f"recipe {recipe.name!r}, table {table!r}: {explained(error, there)}") from error
    except duckdb.Error as error:
        what = f"cannot read {', '.join(path.name for path in paths)}: {one_line(error).rstrip('.')}"
        if "CSV Error" in str(error) and not skip:
            what += f": mend the file or tables.{table}, or leave such lines out with --on-bad-row skip"
        raise DataError(what) from error
    if skip and not all(is_parquet(spec, path) for path in paths) and (rejected := _rejected(connection)):
        logger.warning("%s: %d lines of table %r are no rows and were left out", recipe.name, rejected, table)
    columns = (*there, *(name for name in spec.derive if name not in there))
    return Loaded(columns, tuple(readers))


def _check_names(path: Path, names: Sequence[str]) -> None:
    """Names that SQL can tell apart."""
    lower = [name.lower() for name in names]
    if twice := [name for name in names if lower.count(name.lower()) > 1]:
        same = len(set(twice)) == 1
        how = f"column {twice[0]!r} is in the header twice" if same else f"only case tells {' and '.join(twice)} apart"
        raise DataError(f"{path}: {how}: rename one of them")


def is_parquet(spec: RawTable, path: Path) -> bool:
    """Whether a file of a table is Parquet."""
    return spec.format == "parquet" if spec.format else path.suffix in (".parquet", ".pq")


def explained(error: BaseException, columns: Sequence[str]) -> str:
    """What DuckDB did not understand, with the nearest names where it is a column."""
    missing = re.search(r'column "([^"]+)" not found', str(error))
    if missing is None:
        cast = "; columns of text files are texts: write age::DOUBLE" if "explicit cast" in str(error) else ""
        return one_line(error) + cast
    return f"there is no column {missing[1]!r}; {nearest(missing[1], columns)}"


def nearest(name: str, columns: Sequence[str]) -> str:
    """The columns that a misspelt name may stand for."""
    by_lower = {column.lower(): column for column in columns}
    near = [by_lower[match] for match in difflib.get_close_matches(name.lower(), by_lower, cutoff=0.5)]
    return f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(columns)}"


def _parquet(connection: duckdb.DuckDBPyConnection, path: Path) -> tuple[str, list[str]]:
    """The reader of a Parquet file as SQL, and the names of its columns."""
    reader = f"read_parquet({literal(path.absolute())})"
    try:
        return reader, [str(row[0]) for row in connection.execute(f"DESCRIBE FROM {reader}").fetchall()]
    except duckdb.Error as error:
        raise DataError(f"{path} is not a whole Parquet file: {one_line(error)}") from error


def _delimited(spec: RawTable, path: Path, skip: bool) -> tuple[str, list[str]]:
    """The reader of a delimited file as SQL, every value a text, and the names of its columns."""
    names = list(spec.columns) if spec.header is Header.NONE else _header(spec, path)
    options = {
        "auto_detect": "false",
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
    return f"read_csv({literal(path.absolute())}, {settings})", names


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
    return [name.partition(":")[0].strip() if spec.header is Header.TYPED else name.strip() for name in row]


def _rejected(connection: duckdb.DuckDBPyConnection) -> int:
    """Lines that read_csv has left out in the last table it read."""
    last = "SELECT max(scan_id) FROM reject_errors"
    query = f"SELECT count(DISTINCT (file_id, line)) FROM reject_errors WHERE scan_id = ({last})"
    return int(connection.execute(query).fetchall()[0][0])
