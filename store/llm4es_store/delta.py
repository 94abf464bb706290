"""One Delta table: with ``delta_errors`` and ``parquet`` all that touches the ``deltalake`` library.

In: Arrow tables and the run that writes them. Out: atomic commits, each bearing its run's id. Knows nothing of what a
table means.

Writers that must not write the same key twice share a *scope* (such as one dataset and configuration). Every commit in
a scope carries the next number of a Delta application transaction, so of two writers that start from the same state
the second is refused by the log itself and looks again at what is there.
"""

import json
import time
import urllib.parse
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import TableNotFoundError
from deltalake.transaction import AddAction, RemoveAction

from llm4es.core.errors import StoreError
from llm4es.core.sql import Scope, where

from . import checksums
from .data_file import DataFile
from .delta_errors import ConflictError, known_errors, refuse_empty_entry, refuse_unreadable
from .fsync import flush
from .log import is_missing, is_newest
from .panics import without_panics
from .parquet import distinct_in, numbers_in, numbers_of, properties

_KEEP = {
    # Old versions stay until `gc` is asked to drop them: the library's default would forget the log after 30 days.
    "delta.logRetentionDuration": "interval 3650 days",
    "delta.deletedFileRetentionDuration": "interval 3650 days",
}

TARGET_SIZE = 256 * 2**20
"""Bytes of a compacted file."""

_LONGEST_NAME = 255
"""Bytes of a folder's name, on every file system in use."""


class Table:
    """A snapshot of one Delta table, moved on by ``refresh`` and by its own commits."""

    def __init__(self, path: str, handle: DeltaTable) -> None:
        self.path = path
        self._handle = handle
        self._numbers: dict[tuple[int, str], int] = {}  # (version, scope) -> number: the log is slow to ask

    @classmethod
    def open(cls, path: str, version: int | None = None) -> "Table | None":
        """The table at ``path``, or None where there is none. Raises StoreError for features we cannot read."""
        if is_missing(path):
            return None
        with known_errors(path):
            try:
                handle = DeltaTable(path, version=version)
            except TableNotFoundError:
                return None
            refuse_unreadable(handle, path)
            if version is None:
                refuse_empty_entry(path, handle.version())
            return cls(path, handle)

    @classmethod
    def create(
        cls,
        path: str,
        schema: pa.Schema,
        partition_by: tuple[str, ...] = (),
        key: tuple[str, ...] = (),
        description: str = "",
    ) -> "Table":
        """The table at ``path``, made empty where there is none (two processes may both try).

        The log keeps the least and greatest value of a ``key`` a file, where one is given: what rows are looked up by.
        Of every other column they would be read again at every commit, and there are twenty.
        """
        looked_up = ",".join(column for column in key if column not in partition_by)
        with known_errors(path), without_panics():
            handle = DeltaTable.create(
                path,
                schema,
                mode="ignore",
                partition_by=list(partition_by),
                configuration=_KEEP | ({"delta.dataSkippingStatsColumns": looked_up} if looked_up else {}),
                description=description or None,
            )
            checksums.keep_first(path)
            return cls(path, handle)

    @property
    def version(self) -> int:
        """Delta's version of this snapshot."""
        return self._handle.version()

    @property
    def description(self) -> str:
        """The text given at creation."""
        return self._handle.metadata().description or ""

    def describe(self, text: str) -> None:
        """Give the table another description, in a version of its own."""
        with known_errors(self.path):
            self._handle.alter.set_table_description(text)

    @property
    def schema(self) -> pa.Schema:
        """Columns in the order of the log."""
        return pa.schema(self._handle.schema().to_arrow())

    @property
    def partition_by(self) -> list[str]:
        """Partition columns, in folder order."""
        return list(self._handle.metadata().partition_columns)

    @property
    def bounded(self) -> list[str]:
        """Columns whose least and greatest value a file the log keeps."""
        chosen = self._handle.metadata().configuration.get("delta.dataSkippingStatsColumns")
        return chosen.split(",") if chosen else [name for name in self.schema.names if name not in self.partition_by]

    def files(self) -> pa.Table:
        """The snapshot's data files: path (percent-encoded once, relative), size_bytes, num_records and statistics."""
        # Not pa.table(): that would import pandas, half a second, wherever it is installed.
        return pa.RecordBatchReader.from_stream(self._handle.get_add_actions(flatten=True)).read_all()

    def paths(self) -> list[str]:
        """Where the snapshot's data files lie, below the table's folder."""
        return [urllib.parse.unquote(path) for path in self.files()["path"].to_pylist()]

    def refresh(self) -> None:
        """Move on to the newest version."""
        with known_errors(self.path):
            if not is_newest(self.path, self.version):
                self._handle.update_incremental()
            refuse_empty_entry(self.path, self.version)

    def transaction(self, scope: Scope) -> int:
        """The number of commits made in a scope so far, as of this snapshot."""
        asked = (self.version, _scope_id(scope))
        if asked not in self._numbers:
            self._numbers = {asked: self._handle.transaction_version(asked[1]) or 0}
        return self._numbers[asked]

    def append(self, rows: pa.Table, run_id: str, scope: Scope) -> list[str]:
        """Add rows in one commit; returns its files. Raises ConflictError where another wrote in the scope since."""
        self.refuse_long_names(rows)
        with known_errors(self.path), without_panics():
            write_deltalake(
                self._handle,
                rows,
                mode="append",
                writer_properties=properties(rows.schema, numbers_of(rows), distinct_in(rows)),
                commit_properties=self._commit(run_id, scope),
            )
            return self._settle()

    def delete(self, predicate: str, run_id: str, scope: Scope) -> int:
        """Remove the rows that a predicate matches, in one commit; returns how many. Raises ConflictError as above."""
        with known_errors(self.path), without_panics():
            metrics = self._handle.delete(predicate, commit_properties=self._commit(run_id, scope))
            self._settle()
            return int(metrics["num_deleted_rows"])

    def replace(self, rows: pa.Table, run_id: str, scope: Scope) -> None:
        """Make ``rows`` the scope's only rows, in one commit. Raises ConflictError as above."""
        self.refuse_long_names(rows)
        with known_errors(self.path), without_panics():
            write_deltalake(
                self._handle,
                rows,
                mode="overwrite",
                predicate=where(scope),
                writer_properties=properties(rows.schema, numbers_of(rows), distinct_in(rows)),
                commit_properties=self._commit(run_id, scope),
            )
            self._settle()

    def change(
        self,
        removed: Sequence[DataFile],
        added: Sequence[DataFile],
        run_id: str,
        scope: Scope | None,
        *,
        n_rows: int,
    ) -> int:
        """Put files that are written already in the place of others, in one commit; returns its version.

        ``scope`` None: they hold the same rows. ``n_rows`` are those that are new: what the log's reader is told.
        Raises ConflictError where another writer has committed in the scope, or rewritten one of the files, since this
        snapshot: the library itself does not see the latter of a compaction, so it may try but once, and we look.
        """
        now, number, new = int(time.time() * 1000), self._number(scope), scope is not None
        actions: list[AddAction | RemoveAction] = [
            *(RemoveAction(file.path, new, now, file.size, dict(file.partition)) for file in removed),
            *(AddAction(file.path, file.size, file.partition, now, new, file.statistics) for file in added),
        ]
        while True:
            told = self._commit(run_id, scope, retries=0, rows=n_rows)
            try:
                with known_errors(self.path), without_panics():
                    schema = self._handle.schema()
                    self._handle.create_write_transaction(
                        actions, "append", schema, self.partition_by, commit_properties=told
                    )
            except ConflictError:
                self.refresh()
                if self._number(scope) != number or not {file.path for file in removed} <= set(self.paths()):
                    raise
            else:
                return self._found_own_commit(run_id)

    def _number(self, scope: Scope | None) -> int:
        return 0 if scope is None else self.transaction(scope)

    def _found_own_commit(self, run_id: str) -> int:
        """Move on to a commit of this run that was just made; returns its version, which others may have passed."""
        before = self.version
        with known_errors(self.path):
            self._handle.update_incremental()
            mine = self.version
            if mine > before + 1:
                later = self._handle.history(mine - before)
                mine = max(commit["version"] for commit in later if commit.get("run_id") == run_id)
            self._settle(mine)
        return mine

    def add_columns(self, schema: pa.Schema) -> None:
        """Add the columns of ``schema`` that the table lacks; older rows read as null."""
        missing = [field for field in schema if field.name not in self.schema.names]
        if missing:
            with known_errors(self.path):
                write_deltalake(self._handle, pa.schema(missing).empty_table(), mode="append", schema_mode="merge")

    def compact(self, run_id: str, target_size: int) -> dict[str, Any]:
        """Rewrite small files into files of ``target_size`` bytes; the rows stay as they are."""
        with known_errors(self.path), without_panics():
            metrics = self._handle.optimize.compact(
                target_size=target_size,
                writer_properties=properties(self.schema, numbers_in(self.schema)),
                commit_properties=CommitProperties(custom_metadata={"run_id": run_id}),
            )
            self._settle()
            return dict(metrics)

    def vacuum(
        self, retention_hours: int, keep_versions: list[int], dry_run: bool, *, strays: bool = True
    ) -> list[str]:
        """Remove files that no kept version needs and that are older than the retention; returns their paths.

        With ``strays`` also files that no version ever named: those of writers that died before their commit.
        """
        with known_errors(self.path):
            return list(
                self._handle.vacuum(
                    retention_hours=retention_hours,
                    dry_run=dry_run,
                    enforce_retention_duration=False,
                    full=strays,
                    keep_versions=keep_versions,
                )
            )

    def history(self) -> list[dict[str, Any]]:
        """Commits, newest first, with their custom metadata. Only right on the latest snapshot (delta-rs)."""
        with known_errors(self.path):
            return self._handle.history()

    def refuse_long_names(self, rows: pa.Table) -> None:
        """Raise for a value that has a folder of its own and is longer than a folder's name may be."""
        for column in self.partition_by:
            for value in rows[column].unique().to_pylist():
                if len(f"{column}={urllib.parse.quote(str(value), safe='')}") > _LONGEST_NAME:
                    raise StoreError(f"{column} {str(value)[:60]!r}... is too long for a folder's name: shorten it")

    def _settle(self, version: int | None = None) -> list[str]:
        """Force a commit to the disk, and keep the checksums of its files, which are returned."""
        version = self.version if version is None else version
        flush(self.path, version)
        return checksums.keep(self.path, version)

    def _commit(self, run_id: str, scope: Scope | None, retries: int | None = None, **told: int) -> CommitProperties:
        """A commit's metadata: which run made it, what else is told, and its number in the scope, if it is in one."""
        return CommitProperties(
            max_commit_retries=retries,
            custom_metadata={"run_id": run_id, **told},
            app_transactions=None if scope is None else [Transaction(_scope_id(scope), self.transaction(scope) + 1)],
        )


def _scope_id(scope: Scope) -> str:
    return json.dumps(dict(sorted(scope.items())), separators=(",", ":"))
