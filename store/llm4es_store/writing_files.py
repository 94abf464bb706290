"""Rows that others have written below a table's folder, for one run that commits them.

In: files, the keys of their rows. Out: commits as of any other rows. Knows no stage and no worker.
"""

from collections.abc import Collection, Sequence

import pyarrow as pa

from llm4es.core.sql import Scope, where

from .data_file import DataFile
from .elsewhere import rows_of
from .explain import explained
from .matching import live_keys, matching_keys
from .new_files import discard
from .retrying import until_first
from .rewriting import change_to_files
from .writing import Writing


class WritingFiles(Writing):
    """The writes of a run whose rows come in memory, or lie in files already."""

    def make(self, table: str, schema: pa.Schema | None = None, columns: Collection[str] = ()) -> None:
        """Make a table that takes rows of these columns where there is none: who writes files has to find it.

        Parameters
        ----------
        table : str
            A table of the store, or ``events/<dataset>``.
        schema : pyarrow.Schema, optional
            Columns of a table of events.
        columns : collection of str
            Of the rows.
        """
        self._target(table, schema, columns)

    def append_files(
        self,
        table: str,
        scope: Scope,
        files: Sequence[DataFile],
        keys: pa.Table,
        key: Sequence[str],
        *,
        n_rows: int | None = None,
        stale: pa.Table | None = None,
    ) -> int:
        """Commit rows that lie in files already, which another process has written below the table's folder.

        Parameters
        ----------
        table, scope, key
            As of ``append``.
        files : sequence of DataFile
            What ``elsewhere.written_elsewhere`` gave.
        keys : pyarrow.Table
            The key's columns, or the first of them, of the rows that are meant: of any other row of the files nothing
            is kept.
        n_rows : int, optional
            How many rows are meant; None: one for each of ``keys``.
        stale : pyarrow.Table, optional
            Rows that go in the same commit, as of ``replace_rows``; None: none do.

        Returns
        -------
        int
            How many rows were written.
        """
        target = self._target(table)
        known, wanted = (table, where(scope)), len(keys) if n_rows is None else n_rows

        def attempt() -> int | None:
            before = target.transaction(scope)
            alone = before == self._seen.get(known)
            if wanted < sum(file.rows for file in files):
                return None
            with self.catalog.trusted() as connection, explained():
                gone = {} if stale is None else matching_keys(connection, target, scope, stale)
                if not alone and len(live_keys(connection, target, scope, keys, gone)):
                    return None
            self.record.written[table] = change_to_files(target, gone, files, self.run_id, scope, wanted)
            if alone:
                self._seen[known] = before + 1
            return wanted

        written = until_first(target, attempt)
        if written is None:  # some are not wanted: the others are read back
            rows = rows_of(target, files, keys, keys.column_names)
            if stale is None:
                written = self.append(table, scope, rows, key)
            else:
                written = self.replace_rows(table, scope, stale, rows, key)
            discard(target.path, files)
        elif (version := self._compaction.add(target, [file.path for file in files], self.run_id)) is not None:
            self.record.written[table] = version
        return written
