"""A run that writes: it plans, commits, and leaves its record whatever happens to it.

In: a store's catalog, wanted rows, computed rows. Out: commits that bear the run's id. Knows no stage.
"""

import random
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
from filelock import FileLock

from llm4es.core import schemas
from llm4es.core.entities import among
from llm4es.core.errors import Llm4esError, StoreError
from llm4es.core.plan import Plan
from llm4es.core.sql import Scope, identifier, literal, where

from . import layout, run_log
from .catalog import Catalog
from .delta import ConflictError, Table
from .explain import explained
from .locks import lock_path
from .migrations import raise_format
from .rows import same_rows, stamped
from .run_log import RunRecord
from .smaller_vectors import holds_codes
from .views import select_sql

_DELETE_AT_ONCE = 2000
"""Subjects named in one delete's condition: longer lists make the log's planner slow."""

_COMPACT_AFTER = 24
"""Small files beyond one a folder, of this run or of those before, after which a table that it wrote is compacted."""

_SMALL, _COMPACTED = 8 * 2**20, 32 * 2**20
"""Bytes below which a file is small, and of what a run makes of them: what they replace stays for ``at``, so that to
rewrite larger ones, as ``optimize`` does, would double a table of vectors on the disk for nothing."""

T = TypeVar("T")


class Run:
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
        self.catalog = catalog
        self.record = RunRecord(stage, dataset, config, code_version)
        self.version: int | None = None
        self._lock: FileLock | None = None
        self._record_failed = False  # the store takes nothing, not even a record that it does not
        self._seen: dict[tuple[str, str], int] = {}  # (table, scope) -> commits in the scope whose rows we know of

    @property
    def run_id(self) -> str:
        """Unique, and sorted by time."""
        return self.record.run_id

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

    def start_from(self, plan: Plan) -> None:
        """Write by this plan: what it saw of the table is what the run starts from, and why it computes is recorded."""
        reasons = self.record.reasons.setdefault(plan.table, {})
        for reason, count in plan.why.items():
            reasons[reason] = reasons.get(reason, 0) + count
        if plan.version is not None:
            self.record.read[plan.table] = plan.version
        self._seen[plan.table, where(plan.scope)] = plan.commits

    # -- writing ------------------------------------------------------------------------------------------------------

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

    def append(
        self, table: str, scope: Scope, rows: pa.Table, key: Sequence[str], schema: pa.Schema | None = None
    ) -> int:
        """Commit rows that a plan asked for. A key that another run committed since stays as it is.

        Parameters
        ----------
        table : str
            A table of the store, or ``events/<dataset>``.
        scope : mapping of str to str or int
            Column -> value: what this run alone is answerable for; every row bears these values.
        rows : pyarrow.Table
            Rows of the table; columns that lack are null, ``run_id`` and the scope's are filled in.
        key : sequence of str
            Columns of which no two live rows of the scope may agree in all.
        schema : pyarrow.Schema, optional
            Columns of a table of events, where it may have to be made.

        Returns
        -------
        int
            How many rows were written.
        """
        target = self._target(table, schema, rows.column_names)
        if holds_codes(rows):
            raise_format(self.catalog, layout.FORMAT_WITH_CODES)
        rows = stamped(rows, target.schema, {**scope, "run_id": self.run_id})
        known = (table, where(scope))

        def attempt() -> int:
            nonlocal rows
            alone = target.transaction(scope) == self._seen.get(known)
            if not alone:  # nor is it from now on: what another wrote may be in any later append
                rows = self._without_live(target, scope, rows, key)
            if len(rows):
                target.append(rows, self.run_id, scope)
            if alone:
                self._seen[known] = target.transaction(scope)
            return len(rows)

        return self._committed(table, target, attempt)

    def drop(self, table: str, scope: Scope, stale: pa.Table) -> int:
        """Remove the rows of a plan's ``stale`` (two columns: its subject, source_hash); returns how many went."""
        dropped, subject = 0, stale.column_names[0]
        for start in range(0, len(stale), _DELETE_AT_ONCE):
            part = stale.slice(start, _DELETE_AT_ONCE)
            # The hash is named too: a row that another run has computed anew in the meantime stays.
            dropped += self.delete(
                table,
                scope,
                f"{identifier(subject)} IN ({_literals(part[subject])}) "
                f"AND source_hash IN ({_literals(part['source_hash'])})",
            )
        return dropped

    def delete(self, table: str, scope: Scope, condition: str) -> int:
        """Remove the scope's rows that an SQL condition matches; returns how many went."""
        target = self._target(table)
        predicate = f"{where(scope)} AND ({condition})"
        known = (table, where(scope))

        def attempt() -> int:
            alone = target.transaction(scope) == self._seen.get(known)
            deleted = target.delete(predicate, self.run_id, scope)
            if alone:
                self._seen[known] = target.transaction(scope)
            return deleted

        return self._committed(table, target, attempt)

    def replace(self, table: str, scope: Scope, rows: pa.Table) -> int:
        """Make ``rows`` the scope's only rows; equal content makes no commit. Parameters as of ``append``.

        Returns
        -------
        int
            How many rows were written: 0 where the scope held exactly these, whoever wrote them.
        """
        target = self._target(table, columns=rows.column_names)
        rows = stamped(rows, target.schema, {**scope, "run_id": self.run_id})

        def attempt() -> int:
            if self._is_live(target, scope, rows):
                return 0
            target.replace(rows, self.run_id, scope)
            return len(rows)

        return self._committed(table, target, attempt)

    # -- inside -------------------------------------------------------------------------------------------------------

    def _target(self, table: str, schema: pa.Schema | None = None, columns: Collection[str] = ()) -> Table:
        self.begin()
        if schema is not None:
            schema = pa.schema([*schema, *schemas.KEPT_BY])
        target = self.catalog.ensure(table, schema, columns)
        self.record.read.setdefault(table, target.version)
        return target

    def _live(self, target: Table, scope: Scope, columns: Iterable[str]) -> pa.Table:
        with self.catalog.trusted() as connection, explained():
            chosen = ", ".join(identifier(column) for column in columns)
            return connection.sql(f"SELECT {chosen} FROM ({select_sql(target)}) WHERE {where(scope)}").to_arrow_table()

    def _without_live(self, target: Table, scope: Scope, rows: pa.Table, key: Sequence[str]) -> pa.Table:
        return rows.filter(pc.invert(among(rows, self._live(target, scope, key), key)))

    def _is_live(self, target: Table, scope: Scope, rows: pa.Table) -> bool:
        """Whether the scope holds exactly these rows already (whoever wrote them)."""
        columns = [column for column in rows.column_names if column != "run_id"]
        return same_rows(rows.select(columns), self._live(target, scope, columns))

    def _committed(self, table: str, target: Table, attempt: Callable[[], T]) -> T:
        """Try a commit until no other writer comes first, each time on what is there then."""
        before = target.version
        while True:
            try:
                result = attempt()
                break
            except ConflictError:
                time.sleep(random.uniform(0.01, 0.2))  # noqa: S311  (spreads writers out; guards nothing)
                target.refresh()
        if target.version != before:
            self.record.written[table] = target.version
        return result

    def _compact(self) -> None:
        for table in self.record.written:
            target = self.catalog.table(table)
            if target is not None and _spare_files(target) >= _COMPACT_AFTER:
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


def _literals(values: pa.ChunkedArray) -> str:
    return ", ".join(literal(value) for value in pc.unique(values).to_pylist())
