"""DuckDB over the store: read-only, sandboxed, with the promised views and macros.

In: SELECTs for the store's views, and a user's query. Out: a connection, a relation. Knows no stage.

A query may read the store's own files and nothing else: no other path, no network, no extension, no environment, no
setting; and it can write nowhere. Two walls hold this, and each of them without the other. The connection has no file
access of DuckDB's own (external access off, configuration locked) but for what it spills, and reads the store through
``ReadOnlyFiles``, which opens nothing to be written. Then ``statements`` refuses what is no reading statement.
"""

import secrets
import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from llm4es.core.errors import StoreError
from llm4es.core.interrupts import interruptible
from llm4es.core.limits import Limits
from llm4es.core.sql import literal

from .damaged_views import create_view, named_views, refuse_damaged
from .explain import explain, explained
from .layout import SCHEME
from .statements import check, short
from .views import View, select_sql

if TYPE_CHECKING:
    from .delta import Table
    from .read_only_files import ReadOnlyFiles

MACROS = (
    "CREATE MACRO cosine(a, b) AS CASE WHEN len(a) = len(b) THEN list_cosine_similarity(a, b) END",
    """CREATE MACRO nearest(of_dataset, entity, of_model, of_k, n) AS TABLE
    SELECT other.entity_id, list_cosine_similarity(other.vector, chosen.vector) AS cosine, other.config_id
    FROM embeddings other JOIN embeddings chosen USING (dataset, model, k, config_id)
    WHERE other.dataset = of_dataset AND other.model = of_model AND other.k = of_k
      AND chosen.dataset = of_dataset AND chosen.model = of_model AND chosen.k = of_k AND chosen.entity_id = entity
      AND other.entity_id <> entity
    UNION ALL SELECT NULL, NULL, NULL FROM (  -- one row that has no place in the result, and says what there is not
        SELECT coalesce(list_sort(list(DISTINCT dataset)), []) AS datasets,
            list_sort(list(DISTINCT model) FILTER (dataset = of_dataset)) AS models,
            arg_max(dataset, jaro_winkler_similarity(dataset, of_dataset))
                FILTER (jaro_winkler_similarity(dataset, of_dataset) > 0.85) AS like_dataset,
            arg_max(model, jaro_winkler_similarity(model, of_model))
                FILTER (dataset = of_dataset AND jaro_winkler_similarity(model, of_model) > 0.85) AS like_model,
            list_sort(list(DISTINCT k) FILTER (dataset = of_dataset AND model = of_model)) AS ks,
            count(*) FILTER (dataset = of_dataset AND model = of_model AND k = of_k AND entity_id = entity) AS found
        FROM embeddings)
    WHERE CASE
        WHEN models IS NULL THEN error(format(
            'nearest: no embeddings of dataset ''{}'': there are {}{}', of_dataset, datasets,
            coalesce('; did you mean ''' || like_dataset || '''?', '')))
        WHEN ks IS NULL THEN error(format(
            'nearest: no embeddings of {} by model ''{}'': there are {}{}', of_dataset, of_model, models,
            coalesce('; did you mean ''' || like_model || '''?', '')))
        WHEN NOT list_contains(ks, of_k) THEN error(format(
            'nearest: no embeddings of {} by {} with k {}: there are {}', of_dataset, of_model, of_k, ks))
        WHEN found = 0 THEN error(format(
            'nearest: no entity ''{}'' of {} has a vector by {} with k {}: look in embeddings who has',
            entity, of_dataset, of_model, of_k))
        ELSE false END
    ORDER BY cosine DESC, entity_id LIMIT n""",
    """CREATE MACRO embedding_of(of_model, of_layers) AS TABLE
    SELECT dataset, entity_id, config_id, list(mean ORDER BY place) AS vector
    FROM (SELECT dataset, entity_id, config_id, place, avg(value)::FLOAT AS mean
          FROM (SELECT dataset, entity_id, config_id, unnest(vector) AS value, generate_subscripts(vector, 1) AS place
                FROM layers WHERE model = of_model AND list_contains(of_layers, layer)) GROUP BY ALL)
    GROUP BY ALL""",
)
"""SQL that every connection starts with."""


_PROXY = ("http_proxy", "http_proxy_username", "http_proxy_password")


def trusted(remote: Any | None = None, limits: Limits | None = None) -> duckdb.DuckDBPyConnection:
    """An in-memory connection for SQL of the store's own making: it can read and write wherever this process can.

    ``remote`` is an fsspec file system for the store's scheme, None for a local folder.
    """
    connection = duckdb.connect()
    # The spill folder can be read and written by queries too: a name of its own keeps other people's spilled rows out
    # of it. DuckDB makes it when it is needed.
    spill = Path(tempfile.gettempdir()) / f"llm4es-duckdb-{secrets.token_hex(8)}"
    connection.execute(f"SET temp_directory = {literal(str(spill))}")
    for setting, value in (limits or Limits()).settings().items():
        try:
            connection.execute(f"SET {setting} = {literal(value)}")
        except duckdb.Error as error:
            raise StoreError(f"{setting} {value!r} cannot be set: {explain(error)}") from error
    connection.execute("SET GLOBAL TimeZone = 'UTC'")  # also of cursors, which would take the machine's
    connection.execute("SET allocator_background_threads = true")  # what a large query took goes back to the system
    connection.execute("SET enable_progress_bar = false")  # it would be drawn among the results on stdout
    connection.execute("SET GLOBAL python_enable_replacements = false")  # a table's name never means a Python variable
    connection.execute("SET autoinstall_known_extensions = false")
    connection.execute("SET autoload_known_extensions = false")
    if remote is not None:
        connection.register_filesystem(remote)
    return connection


class RecordReader:
    """The rows of the record of runs. To make a database takes longer than to read them anew, so it is kept.

    Parameters
    ----------
    remote : callable
        Gives the file system of ``trusted``.
    limits : Limits or None
        What it may use of the machine, on one thread.
    """

    def __init__(self, remote: Callable[[], Any | None], limits: Limits | None) -> None:
        self._remote, self._limits = remote, replace(limits or Limits(), threads=1)
        self._database: duckdb.DuckDBPyConnection | None = None
        self._version = -1
        self.read: pa.Table | None = None  # the rows of that version

    def rows(self, runs: "Table") -> pa.Table:
        """Every row, oldest first. Raises StoreError where one cannot be read."""
        if self.read is None or self._version != runs.version:
            self._version, self.read = runs.version, self._rows(runs)
        return self.read

    def _rows(self, runs: "Table") -> pa.Table:
        database, self._database = self._database, None  # after an error there will be another
        database = database or trusted(self._remote(), self._limits)
        with database.cursor() as connection, explained():
            rows = connection.sql(f"{select_sql(runs)} ORDER BY version").to_arrow_table()
        self._database = database
        return rows


def connect(
    views: Mapping[str, View], files: "ReadOnlyFiles", limits: Limits | None = None, text: str = ""
) -> duckdb.DuckDBPyConnection:
    """An in-memory connection that shows ``views`` (by name) and can read ``files`` only, and write nowhere.

    With a ``text`` it is for that query alone, and shows what that reads.
    """
    connection = trusted(files, limits)
    ((spill,),) = connection.execute("SELECT current_setting('temp_directory')").fetchall()
    weakref.finalize(files, shutil.rmtree, spill, ignore_errors=True)  # the database lives as long, cursors or not
    for setting in _PROXY:  # DuckDB takes them from the environment, passwords and all, and any query can read settings
        connection.execute(f"SET {setting} = ''")
    connection.execute(f"SET allowed_directories = ['{SCHEME}://']")  # what is below it is up to ``files``
    if files.is_local:  # DuckDB takes them for far away and would keep copies of what it reads
        connection.execute("SET enable_external_file_cache = false")
    connection.execute("SET enable_external_access = false")
    shown = named_views(connection, views, text) if text else views
    for name, view in shown.items():
        create_view(connection, name, view)
    for macro in MACROS if shown is views else MACROS[:1]:  # the others are tables, and read from views
        connection.execute(macro)
    connection.execute("SET lock_configuration = true")
    return connection


def query(connection: duckdb.DuckDBPyConnection, text: str) -> duckdb.DuckDBPyRelation:
    """The relation of one reading statement. Raises StoreError for any other, and for one that does not parse."""
    try:
        check(connection, text)
        relation = connection.sql(text)
    except duckdb.Error as error:
        refuse_damaged(connection, text, None)
        raise StoreError(explain(error)) from error
    refuse_damaged(connection, text, relation)
    if relation is None:
        raise StoreError(f"query {short(text)!r} gives no rows: write a SELECT")
    return relation


def fetch(relation: duckdb.DuckDBPyRelation) -> pa.Table:
    """All rows of a relation. Raises StoreError for what only running it shows, such as a file out of bounds.

    Of columns with one name, the second is called ``name_1``, and so on: a join gives two ``entity_id``.
    """
    try:
        table = relation.to_arrow_table()
    except duckdb.Error as error:
        raise StoreError(explain(error)) from error
    return table.rename_columns(_distinct(table.column_names))


def stream(relation: duckdb.DuckDBPyRelation, rows: int) -> pa.RecordBatchReader:
    """As ``fetch``, so many rows at a time; errors may come while the rows are read."""
    try:
        reader = relation.to_arrow_reader(rows)
    except duckdb.Error as error:
        raise StoreError(explain(error)) from error
    names = _distinct(reader.schema.names)

    def batches() -> Iterator[pa.RecordBatch]:
        try:
            for batch in reader:
                yield batch.rename_columns(names)
        except (duckdb.Error, pa.ArrowException, OSError) as error:
            raise StoreError(explain(error)) from error

    schema = pa.schema([field.with_name(name) for field, name in zip(reader.schema, names, strict=True)])
    return pa.RecordBatchReader.from_batches(schema, batches())


def _distinct(names: Sequence[str]) -> list[str]:
    """Column names, each once."""
    found: list[str] = []
    for each in names:
        numbered = (f"{each}_{number}" for number in count(1))
        found.append(each if each not in found else next(new for new in numbered if new not in {*names, *found}))
    return found


@contextmanager
def deadline(connection: duckdb.DuckDBPyConnection, seconds: float | None) -> Iterator[None]:
    """Stop what the connection runs after so many seconds, None: never; and where Ctrl-C is pressed."""
    if seconds is None:
        with interruptible(connection.interrupt):
            yield
        return
    over = threading.Event()

    def stop() -> None:
        over.set()
        connection.interrupt()

    timer = threading.Timer(seconds, stop)
    timer.start()
    try:
        with interruptible(connection.interrupt):
            yield
    except (StoreError, duckdb.Error) as error:
        if over.is_set():
            raise StoreError(f"query stopped after {seconds:g} s: ask for less, or raise --timeout") from error
        raise
    finally:
        timer.cancel()
