"""Rows that are written where they are made: files below a table's folder, for whoever commits them.

In: a store, a run that is open elsewhere, rows. Out: files that no version names yet: strays, which `gc` takes.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from llm4es.core.entities import among
from llm4es.core.sql import Scope

from .catalog import Catalog
from .data_file import DataFile
from .delta import Table
from .new_files import new_files, opened
from .rows import stamped
from .smaller_vectors import holds_codes


def written_elsewhere(
    catalog: Catalog, table: str, scope: Scope, run_id: str, rows: pa.Table, key: Sequence[str]
) -> list[DataFile] | None:
    """Write rows of another process's run below the table's folder.

    Parameters
    ----------
    catalog : Catalog
        The store, as this process sees it.
    table : str
        Name of the table.
    scope : mapping of str to str or int
        The run's.
    run_id : str
        Whose rows they are.
    rows : pyarrow.Table
        Rows of the table.
    key : sequence of str
        The files are ordered by it.

    Returns
    -------
    list of DataFile or None
        For ``Run.append_files``; None where the run has to take the rows themselves: the table is not there yet, or is
        not of their form.
    """
    target = catalog.table(table)
    if target is None or holds_codes(rows) or not {*rows.column_names} <= {*target.schema.names}:
        return None
    rows = stamped(rows, target.schema, {**scope, "run_id": run_id})
    target.refuse_long_names(rows)
    files = new_files(target, rows, key)
    for file in files if "://" not in target.path else ():
        with (Path(target.path) / file.path).open("rb+") as on_disk:
            os.fsync(on_disk)
    return files


def rows_of(table: Table, files: Sequence[DataFile], keys: pa.Table, key: Sequence[str]) -> pa.Table:
    """Rows of files that were written elsewhere, back in memory: those that bear one of ``keys``.

    Parameters
    ----------
    table : Table
        Whose they are.
    files : sequence of DataFile
        What ``written_elsewhere`` gave.
    keys : pyarrow.Table
        Columns of the key.
    key : sequence of str
        Their names.

    Returns
    -------
    pyarrow.Table
        In the table's columns.
    """
    parts = []
    for file in files:
        with opened(table.path, file.path, "rb") as source:
            parts.append(stamped(pq.read_table(source, partitioning=None), table.schema, {}))
        for column, value in file.partition.items():
            at = table.schema.get_field_index(column)
            there = pa.repeat(pa.scalar(value).cast(table.schema.field(at).type), file.rows)
            parts[-1] = parts[-1].set_column(at, table.schema.field(at), there)
    rows = pa.concat_tables(parts)
    return rows.filter(among(rows, keys, key))
