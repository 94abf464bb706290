"""One Delta table: the only module that touches the ``deltalake`` library.

In: Arrow tables and the run that writes them. Out: atomic commits, each bearing its run's id. Knows nothing of what a
table means.

Writers that must not write the same key twice share a *scope* (such as one dataset and configuration). Every commit in
a scope carries the next number of a Delta application transaction, so of two writers that start from the same state
the second is refused by the log itself and looks again at what is there.
"""

import json
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from llm4es.core.errors import StoreError
from llm4es.core.sql import Scope, where

from . import checksums
from .damage import in_words, one_line, table_name
from .fsync import flush
from .log import REMEDY, entry_path, is_empty
from .panics import without_panics
from .parquet import numbers_in, numbers_of, properties

_KEEP = {
    # Old versions stay until `gc` is asked to drop them: the library's default would forget the log after 30 days.
    "delta.logRetentionDuration": "interval 3650 days",
    "delta.deletedFileRetentionDuration": "interval 3650 days",
}

TARGET_SIZE = 256 * 2**20
"""Bytes of a compacted file."""

_LONGEST_NAME = 255
"""Bytes of a folder's name, on every file system in use."""


class ConflictError(Exception):
    """Another writer committed in the same scope first: read again what is there."""


class Table:
    """A snapshot of one Delta table, moved on by ``refresh`` and by its own commits."""

    def __init__(self, path: str, handle: DeltaTable) -> None:
        self.path = path
        self._handle = handle
        self._numbers: dict[tuple[int, str], int] = {}  # (version, scope) -> number: the log is slow to ask

    @classmethod
    def open(cls, path: str, version: int | None = None) -> "Table | None":
        """The table at ``path``, or None where there is none. Raises StoreError for features we cannot read."""
        with known_errors(path):
            try:
                handle = DeltaTable(path, version=version)
            except TableNotFoundError:
                return None
            _refuse_unreadable(handle, path)
            if version is None:
                _refuse_empty_entry(path, handle.version())
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

    def files(self) -> pa.Table:
        """The snapshot's data files: path (percent-encoded once, relative), size_bytes, num_records and statistics."""
        # Not pa.table(): that would import pandas, half a second, wherever it is installed.
        return pa.RecordBatchReader.from_stream(self._handle.get_add_actions(flatten=True)).read_all()

    def refresh(self) -> None:
        """Move on to the newest version."""
        with known_errors(self.path):
            self._handle.update_incremental()
            _refuse_empty_entry(self.path, self.version)

    def transaction(self, scope: Scope) -> int:
        """The number of commits made in a scope so far, as of this snapshot."""
        asked = (self.version, _scope_id(scope))
        if asked not in self._numbers:
            self._numbers = {asked: self._handle.transaction_version(asked[1]) or 0}
        return self._numbers[asked]

    def append(self, rows: pa.Table, run_id: str, scope: Scope) -> None:
        """Add rows in one commit. Raises ConflictError where somebody wrote in the scope since this snapshot."""
        self._refuse_long_names(rows)
        with known_errors(self.path), without_panics():
            write_deltalake(
                self._handle,
                rows,
                mode="append",
                writer_properties=properties(rows.schema, numbers_of(rows)),
                commit_properties=self._commit(run_id, scope),
            )
            self._settle()

    def delete(self, predicate: str, run_id: str, scope: Scope) -> int:
        """Remove the rows that a predicate matches, in one commit; returns how many. Raises ConflictError as above."""
        with known_errors(self.path), without_panics():
            metrics = self._handle.delete(predicate, commit_properties=self._commit(run_id, scope))
            self._settle()
            return int(metrics["num_deleted_rows"])

    def replace(self, rows: pa.Table, run_id: str, scope: Scope) -> None:
        """Make ``rows`` the scope's only rows, in one commit. Raises ConflictError as above."""
        self._refuse_long_names(rows)
        with known_errors(self.path), without_panics():
            write_deltalake(
                self._handle,
                rows,
                mode="overwrite",
                predicate=where(scope),
                writer_properties=properties(rows.schema, numbers_of(rows)),
                commit_properties=self._commit(run_id, scope),
            )
            self._settle()

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

    def _refuse_long_names(self, rows: pa.Table) -> None:
        """Raise for a value that has a folder of its own and is longer than a folder's name may be."""
        for column in self.partition_by:
            for value in rows[column].unique().to_pylist():
                if len(f"{column}={urllib.parse.quote(str(value), safe='')}") > _LONGEST_NAME:
                    raise StoreError(f"{column} {str(value)[:60]!r}... is too long for a folder's name: shorten it")

    def _settle(self) -> None:
        """Force a commit to the disk, and keep the checksums of what it added."""
        flush(self.path, self.version)
        checksums.keep(self.path, self.version)

    def _commit(self, run_id: str, scope: Scope) -> CommitProperties:
        """A commit's metadata: which run made it, and its number in the scope."""
        return CommitProperties(
            custom_metadata={"run_id": run_id},
            app_transactions=[Transaction(_scope_id(scope), self.transaction(scope) + 1)],
        )


def _scope_id(scope: Scope) -> str:
    return json.dumps(dict(sorted(scope.items())), separators=(",", ":"))


def _refuse_unreadable(handle: DeltaTable, path: str) -> None:
    """Refuse tables whose rows DuckDB's Parquet reader would read wrongly (nulls, deleted rows)."""
    features = set(handle.protocol().reader_features or [])
    mapping = handle.metadata().configuration.get("delta.columnMapping.mode", "none")
    if features & {"deletionVectors", "columnMapping"} or mapping != "none":
        raise StoreError(
            f"table {path} was written with Delta features that cannot be read here ({sorted(features) or mapping}): "
            "rewrite it without deletion vectors and column mapping"
        )


def _refuse_empty_entry(path: str, version: int) -> None:
    """Refuse a log that ends in an empty file: the library takes it for a commit that changed nothing."""
    if "://" not in path and is_empty(path, version):
        raise StoreError(
            f"table {table_name(path)} is damaged: its log's _delta_log/{entry_path(path, version).name} is empty, "
            f"which is what a power cut leaves: {REMEDY}"
        )


@contextmanager
def known_errors(path: str) -> Iterator[None]:
    """Turn what delta-rs and the operating system raise into one line; a lost race becomes ConflictError."""
    try:
        yield
    except CommitFailedError as error:
        raise ConflictError(str(error)) from error
    except (DeltaError, OSError) as error:
        raise StoreError(in_words(path, error)) from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # pyo3's panic is no Exception
            raise
        raise StoreError(f"table {path}: the Delta library failed: {one_line(error)}") from error
