"""Where the rows lie that are to go: by an SQL condition, or by keys that stand in a table.

In: a table's snapshot, a scope, a connection that can read its files. Out: file -> places of its rows. Changes nothing.
"""

from collections.abc import Collection, Sequence

import duckdb
import numpy as np
import pyarrow as pa

from llm4es.core.sql import Scope, identifier, where

from .data_file import DataFile
from .delta import Table
from .pruning import files_that_may_hold
from .rewriting import Places
from .views import FILE, PLACE, placed_sql

Matches = dict[str, tuple[DataFile, Places]]
"""Path of a file -> the file, and where its rows lie."""


def matching(connection: duckdb.DuckDBPyConnection, table: Table, scope: Scope, condition: str) -> Matches:
    """The scope's rows for which an SQL condition holds."""
    files = files_that_may_hold(table, scope)
    whole = condition == "true" and scope.keys() <= set(table.partition_by)  # the folders hold no other rows
    if whole and all(file.rows is not None for file in files):
        return {file.path: (file, np.arange(file.rows)) for file in files}
    return _found(connection, table, files, f"WHERE {where(scope)} AND ({condition})")


def whole_scope(connection: duckdb.DuckDBPyConnection, table: Table, scope: Scope) -> Matches:
    """Every row of the scope. Of a file that holds no others it is not asked where they lie."""
    files = files_that_may_hold(table, scope)
    if not files:
        return {}
    rows = placed_sql(table, [file.path for file in files])
    counts = connection.sql(f"SELECT {FILE}, count(*) FROM ({rows}) WHERE {where(scope)} GROUP BY ALL").fetchall()
    of = {path.removeprefix(f"{table.path}/"): count for path, count in counts}
    whole = {file.path: (file, np.arange(file.rows)) for file in files if of.get(file.path) == file.rows}
    mixed = [file for file in files if file.path in of and file.path not in whole]
    return whole | _found(connection, table, mixed, f"WHERE {where(scope)}")


def matching_keys(connection: duckdb.DuckDBPyConnection, table: Table, scope: Scope, keys: pa.Table) -> Matches:
    """The scope's rows that agree in all columns with a row of ``keys``; two nulls agree.

    By the first of the columns files are ruled out whose bounds the log knows.
    """
    subject = keys.column_names[0]
    files = files_that_may_hold(table, scope, subject, keys[subject].combine_chunks())
    connection.register("keys", keys)
    equal = " AND ".join(f"held.{identifier(c)} IS NOT DISTINCT FROM keys.{identifier(c)}" for c in keys.column_names)
    return _found(connection, table, files, f"SEMI JOIN keys ON {equal} WHERE {where(scope)}")


def live_keys(
    connection: duckdb.DuckDBPyConnection, table: Table, scope: Scope, keys: pa.Table, gone: Matches
) -> pa.Table:
    """Those of ``keys`` that a row of the scope bears already, but for rows that are about to go."""
    names, subject = keys.column_names, keys.column_names[0]
    files = [file.path for file in files_that_may_hold(table, scope, subject, keys[subject].combine_chunks())]
    if not files:
        return keys.slice(0, 0)
    leaving = [(f"{table.path}/{path}", places) for path, (_, places) in gone.items() if path in files]
    connection.register("keys", keys)
    connection.register("leaving", _as_table(leaving))
    columns = ", ".join(map(identifier, names))
    return connection.sql(f"""
        SELECT DISTINCT {columns} FROM (SELECT * FROM ({placed_sql(table, files)}) WHERE {where(scope)})
        SEMI JOIN keys USING ({columns}) ANTI JOIN leaving USING ({FILE}, {PLACE})""").to_arrow_table()


def _as_table(leaving: Sequence[tuple[str, Places]]) -> pa.Table:
    """File and place of every row that is about to go."""
    paths = [pa.repeat(pa.scalar(path), len(places)) for path, places in leaving]
    places = [pa.array(places) for _, places in leaving]
    return pa.table({FILE: pa.chunked_array(paths, pa.string()), PLACE: pa.chunked_array(places, pa.int64())})


def _found(connection: duckdb.DuckDBPyConnection, table: Table, files: Collection[DataFile], chosen: str) -> Matches:
    """The rows that a clause chooses of these files."""
    if not files:
        return {}
    by_path = {f"{table.path}/{file.path}": file for file in files}
    rows = placed_sql(table, [file.path for file in files])
    query = f"SELECT held.{FILE}, held.{PLACE} FROM ({rows}) AS held {chosen} ORDER BY ALL"
    found = connection.sql(query).to_arrow_table()
    if not len(found):
        return {}
    paths, places = found[FILE].combine_chunks().dictionary_encode(), found[PLACE].to_numpy()
    starts = np.searchsorted(paths.indices.to_numpy(), np.arange(len(paths.dictionary) + 1))  # rows stand by file
    matches = {}
    for number, path in enumerate(paths.dictionary.to_pylist()):
        file = by_path[path]
        matches[file.path] = file, places[starts[number] : starts[number + 1]]
    return matches
