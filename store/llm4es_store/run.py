"""A run that writes: it plans, commits, and leaves its record whatever happens to it.

In: a store's catalog, wanted rows, computed rows. Out: commits that bear the run's id. Knows no stage.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import pyarrow.compute as pc
from filelock import FileLock

from llm4es.core.errors import Llm4esError, StoreError

from . import run_log
from .catalog import Catalog
from .delta import Table
from .delta_errors import ConflictError
from .locks import lock_path
from .run_log import RunRecord
from .writing_files import WritingFiles

_COMPACT_AFTER = 24
"""Small files beyond one a folder, of this run or of those before, after which a table that it wrote is compacted."""

_SMALL, _COMPACTED = 8 * 2**20, 32 * 2**20
"""Bytes below which a file is small, and of what a run makes of them: what they replace stays for ``at``, so that to
rewrite larger ones, as ``optimize`` does, would double a table of vectors on the disk for nothing."""


class Run(WritingFiles):
    """One stage at work on a store: ``with store.run(...) as run``.

    The record's first row is committed before the first rows are, its last row when the run ends: as done, failed
    (an error), interrupted (Ctrl-C) or, by whoever comes next, killed. Every commit is whole or not there.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from llm4es_store import Store
    >>> store = Store("example-run", create=True)
    >>> scope, key = {"dataset": "shop", "config_id": "raw"}, ("entity_id", "variant")
    >>> rows = pa.table({"entity_id": ["c1"], "variant": ["raw"], "text": ["tea"], "source_hash": ["5fc0"]})
    >>> plan = store.plan("texts", scope, rows.select(["entity_id", "source_hash"]), ["entity_id"])
    >>> with store.run("serialize", "shop", {}, "0.1") as run:
    ...     run.start_from(plan)
    ...     run.append("texts", scope, rows, key)
    1
    >>> store.sql("SELECT status, reasons FROM runs").fetchall()
    [('done', '{"texts": {"new": 1}}')]
    """

    def __init__(
        self, catalog: Catalog, stage: str, dataset: str, config: Mapping[str, Any], code_version: str
    ) -> None:
        super().__init__(catalog, RunRecord(stage, dataset, config, code_version))
        self.version: int | None = None
        self._lock: FileLock | None = None
        self._record_failed = False  # the store takes nothing, not even a record that it does not

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._compact()
            self.record.status = "done"
        elif isinstance(error, KeyboardInterrupt):
            self.record.status = "interrupted"
        else:
            self.record.status = "failed"
            self.record.message = str(error) if isinstance(error, Llm4esError) else f"{type(error).__name__}: {error}"
        try:
            if not self._record_failed:
                self._commit_record()
            if self._lock is not None:
                with suppress(OSError):  # Windows removes no open file: the next to look will
                    lock_path(self.catalog.layout, self.run_id).unlink(missing_ok=True)
        except Llm4esError:
            if error is None:  # a failing run's own error matters more than that its record could not be written
                raise
        finally:
            if self._lock is not None:
                self._lock.release()

    def reads(self, tables: Iterable[str]) -> None:
        """Record that the run reads these ``tables`` as they are now: its lineage is told from it."""
        for table in tables:
            snapshot = self.catalog.table(table)
            if snapshot is not None:
                self.record.read[table] = snapshot.version

    def begin(self) -> None:
        """Record that the run is at work. Called by the first write; earlier where computing takes long."""
        if self._lock is None:
            lock = lock_path(self.catalog.layout, self.run_id)
            try:
                lock.parent.mkdir(parents=True, exist_ok=True)
                self._lock = FileLock(lock)
                self._lock.acquire()
            except OSError as error:
                self._record_failed = True
                raise StoreError(
                    f"store {self.catalog.layout.root}: {error.strerror} ({lock.parent}): "
                    "check the folder's permissions and free space"
                ) from error
            self._commit_record()

    def _compact(self) -> None:
        for table in self.record.written:
            target = self.catalog.table(table)
            if target is None:
                continue
            spare = _spare_files(target)
            if spare >= _COMPACT_AFTER or (spare and self._compaction.has_merged(target)):
                with suppress(ConflictError, StoreError):  # another writer is busy there, or no room is left for it
                    target.compact(self.run_id, _COMPACTED)
                    self.record.written[table] = target.version

    def _commit_record(self) -> None:
        self.version = run_log.commit(self.catalog.ensure("runs"), self.catalog.snapshot, self.record)


def _spare_files(table: Table) -> int:
    """How many small files there are more than folders that hold them."""
    files = table.files()
    small = files.filter(pc.less(files["size_bytes"], _SMALL))["path"].to_pylist()
    return len(small) - len({path.rpartition("/")[0] for path in small})
