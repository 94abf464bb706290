"""Raw files as tables of a DuckDB that can reach nothing else.

In: a recipe and its files. Out: a connection with one view a raw table, each with the row's number. All files are read
first, by SQL of our own; then file access is shut off for good, and only then is SQL of the recipe looked at, which may
come from anyone: it reaches no path, no network, no environment and no setting, and writes nowhere. Knows nothing of
events.
"""

import logging
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from ..core.errors import DataError, RecipeError
from ..core.interrupts import interruptible
from ..core.limits import held, stoppable
from ..core.sql import identifier, literal
from .columns_read import paths_of
from .comparisons import compared
from .expressions import explained, expression, sentence
from .first_rows import is_value
from .kinds.last_line import check_last_line
from .kinds.texts import has_mixed_line_ends
from .locate import Beyond, Source
from .model import Header, RawTable, Recipe
from .readers import reader_of
from .union import Part, rows_sql

logger = logging.getLogger(__name__)

ROW = "_llm4es_row"
"""The column of a row's number in its files, from 0; a name that no file has."""

MEMORY = "400MB"
"""Bound on DuckDB's memory; what is larger is spilled to disk."""

COPIES = "copies"
"""Folder, in the one that is spilled to, of copies of files that DuckDB does not read as they are."""


@contextmanager
def connected(source: Source) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection for one ``load``; what it spills is removed at the end."""
    with tempfile.TemporaryDirectory(prefix="llm4es-", ignore_cleanup_errors=True) as spill:
        (Path(spill) / COPIES).mkdir()
        connection = duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": spill})
        try:
            keep_limits(connection)
            connection.execute("SET TimeZone = 'UTC'; SET python_enable_replacements = false")
            connection.execute("SET autoinstall_known_extensions = false; SET autoload_known_extensions = false")
            with stoppable(connection.interrupt):
                yield connection
        finally:
            connection.close()


def keep_limits(connection: duckdb.DuckDBPyConnection) -> None:
    """Tell a connection the limits that hold."""
    for setting, value in held().settings().items():
        try:
            connection.execute(f"SET {setting} = {literal(value)}")
        except duckdb.Error as error:
            raise DataError(f"{setting} {value!r} cannot be set: {sentence(error)}: give for example 4GB") from error


@dataclass(frozen=True)
class Loaded:
    """A raw table that is now a view."""

    columns: tuple[str, ...]
    """Every column that the files or the recipe's derivations have, read or not."""

    readers: tuple[tuple[Path, str], ...]
    """Each file and the SQL that reads it."""

    rows: str
    """SELECT of what is spoken of and not derived anew, and of ``ROW`` from 0."""
    raw: str
    """What stands behind FROM."""
    derive: Mapping[str, str]
    """The derived columns."""
    partial: bool
    """Some rows of each file only."""

    def place(self, row: int) -> str:
        """Where the row of that number stands: 'row 5', or 'row 5 of part-2.csv' where there are several files."""
        if self.partial and len(self.readers) == 1:
            return f"new row {row + 1}"
        if len(self.readers) > 1:
            with duckdb.connect() as connection:  # the one that they were loaded to reads no file any more
                for path, reader in self.readers:
                    count = int(connection.execute(f"SELECT count(*) FROM {reader}").fetchall()[0][0])
                    if row < count:
                        return f"row {row + 1} of {path.name}"
                    row -= count
        return f"row {row + 1}"


def load(
    connection: duckdb.DuckDBPyConnection,
    recipe: Recipe,
    source: Source,
    wanted: Mapping[str, Iterable[str]],
    skip: bool,
) -> dict[str, Loaded]:
    """Make a view of each table: the columns that its expressions speak of, the derived ones, and ``ROW`` from 0.

    ``skip`` leaves out lines that are no rows, instead of failing. Afterwards the connection reads no file any more.
    """
    with interruptible(connection.interrupt):
        tables = {table: _read(connection, recipe, source, table, spoken, skip) for table, spoken in wanted.items()}
    connection.execute("SET enable_external_access = false; SET lock_configuration = true")
    for table, loaded in tables.items():
        try:
            derived = [
                f"{compared(connection, sql, loaded.raw)} AS {identifier(n)}" for n, sql in loaded.derive.items()
            ]
            selected = ", ".join([loaded.rows, *derived])
            connection.execute(f"CREATE TEMP VIEW {identifier(table)} AS {selected} FROM {loaded.raw}")
        except duckdb.Error as error:
            raise RecipeError(f"recipe {recipe.name!r}, table {table!r}: {explained(error, loaded.columns)}") from error
    return tables


def _read(
    connection: duckdb.DuckDBPyConnection,
    recipe: Recipe,
    source: Source,
    table: str,
    expressions: Iterable[str],
    skip: bool,
) -> Loaded:
    """Read the files of a table, into one of the same name with an underscore in front."""
    spec, paths = recipe.all_layouts[source.layout].tables[table], source.files[table]
    beyond = source.beyond.get(table)
    if beyond is not None:
        expressions = [*expressions, beyond.column]
    spoken = " ".join([*expressions, *spec.derive.values()]).lower().replace('""', '"')
    files = _files(connection, spec, paths, skip)
    there: list[str] = []
    for file in files:
        there += [name for name in file.names if name.lower() not in [each.lower() for each in there]]
    _check_header(spec, table, there, spoken)
    empty = _before(connection, spec, source.before.get(table, ()), there, [*expressions, *spec.derive.values()])
    there += [name for file in empty for name in file.names]
    for file in files:
        if file.is_text:
            check_last_line(file.path)
    for name in there:
        lower, known = name.lower(), [(file.path.name, [each.lower() for each in file.names]) for file in files]
        if _is_word(lower, spoken) and (lacking := [path for path, names in known if lower not in names]):
            logger.warning("%s: %s has no column %r, which is missing there", recipe.name, ", ".join(lacking), name)
    replaced = [name for name in there if name in spec.derive and name.lower() in spoken]
    absent = [name for name in spec.may_lack if name.lower() not in [each.lower() for each in there]]
    nothing = "".join(f"CAST(NULL AS VARCHAR) AS {identifier(name)}, " for name in absent)
    without = f" EXCLUDE ({', '.join(map(identifier, replaced))})" if replaced else ""
    for name, sql in spec.derive.items():
        expression(sql, f"tables.{table}.derive.{name}")
    raw = identifier(f"_{table}")
    try:
        try:
            rejected = _make(connection, raw, [*files, *empty], spoken, skip, beyond)
        except duckdb.InvalidInputException:
            if not any(map(has_mixed_line_ends, paths)):
                raise
            rejected = 1
        if rejected and any(map(has_mixed_line_ends, paths)):
            files = _files(connection, spec, paths, skip, one_line_end=True)
            rejected = _make(connection, raw, [*files, *empty], spoken, skip, beyond)
    except duckdb.Error as error:
        what = f"cannot read {', '.join(path.name for path in paths)}: {sentence(error).rstrip('.')}"
        if "CSV Error" in str(error) and not skip:
            what += f": mend the file or tables.{table}, or leave such lines out with --on-bad-row skip"
        raise DataError(what) from error
    if rejected:
        logger.warning("%s: %d lines of table %r are no rows and were left out", recipe.name, rejected, table)
    columns = (*there, *absent, *(name for name in spec.derive if name not in there))
    numbered = f"SELECT *, {nothing}rowid AS {ROW} FROM {raw}"
    if "rowid" in spoken and "rowid" in [name.lower() for name in there]:  # the column would number the rows
        numbered = f"SELECT *, {nothing}row_number() OVER () - 1 AS {ROW} FROM {raw}"
    readers = tuple((file.path, file.reader) for file in files)
    return Loaded(columns, readers, f"SELECT *{without}", f"({numbered})", spec.derive, source.partial)


def _check_header(spec: RawTable, table: str, names: Sequence[str], spoken: str) -> None:
    """Refuse a first line that is a row of data, where the recipe says that it names the columns."""
    values = [name for name in names if is_value(name)]
    names_of_columns = [name.lower() for name in names if name not in values]
    known = any(_is_word(name, spoken) for name in names_of_columns)
    if values and spec.header is not Header.NONE and not known:
        shown = ", ".join(map(repr, names[:4]))
        raise DataError(
            f"tables.{table}: no column of the recipe is in the first line ({shown}), which looks like data: write "
            'header = "none" and columns = ["...", ...] where the file has no header'
        )


def _is_word(name: str, spoken: str) -> bool:
    """Whether a column's name stands in expressions, and not only its letters in another name."""
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", spoken) is not None


@dataclass(frozen=True)
class _File:
    """One file of a table."""

    path: Path
    reader: str
    names: list[str]
    is_text: bool


def _files(
    connection: duckdb.DuckDBPyConnection, spec: RawTable, paths: Sequence[Path], skip: bool, one_line_end: bool = False
) -> list[_File]:
    """How each file of a table is read."""
    spill = str(connection.execute("SELECT current_setting('temp_directory')").fetchall()[0][0])
    return [_File(path, *reader_of(connection, spec, path, Path(spill, COPIES), skip, one_line_end)) for path in paths]


def _before(
    connection: duckdb.DuckDBPyConnection,
    spec: RawTable,
    paths: Sequence[Path],
    there: Sequence[str],
    expressions: Sequence[str],
) -> list[_File]:
    """Files that were read before, without their rows and with the columns alone that expressions miss ``there``."""
    known = {name.lower() for name in (*there, *spec.derive)}
    missing = {path for sql in expressions for path in paths_of(sql) if path and not known.intersection(path)}
    files = []
    for path in paths:
        if not missing:
            break
        (file,) = _files(connection, spec, [path], skip=False)
        names = [name for name in file.names if any(name.lower() in path for path in missing)]
        if names:
            files.append(_File(path, f"(FROM {file.reader} LIMIT 0)", names, file.is_text))
            missing = {path for path in missing if not {name.lower() for name in names}.intersection(path)}
    return files


def _make(
    connection: duckdb.DuckDBPyConnection,
    raw: str,
    files: Sequence[_File],
    spoken: str,
    skip: bool,
    beyond: Beyond | None,
) -> int:
    """Make the table of all rows, or of those beyond some value; the lines that were left out of it."""
    kept = [[name for name in file.names if name and name.lower() in spoken] for file in files]
    parts = [Part(file.reader, names, file.is_text) for file, names in zip(files, kept, strict=True)]
    rows = rows_sql(connection, parts)
    rows = rows if beyond is None else f"FROM ({rows}) WHERE {beyond.condition}"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {raw} AS {rows}")
    if not skip or not any(file.is_text for file in files):
        return 0
    last = "SELECT max(scan_id) FROM reject_errors"
    query = f"SELECT count(DISTINCT (file_id, line)) FROM reject_errors WHERE scan_id = ({last})"
    return int(connection.execute(query).fetchall()[0][0])
