"""What a run writes: rows that are new, that go, and that take others' place; each in one commit.

In: a catalog, a run's record, rows or a condition. Out: commits that bear the run's id. Knows no stage.

Of two writers in one scope that start from the same state the log refuses the second, which then looks again at what is
there. A writer that knows of every commit in its scope need not look at all.
"""

from collections.abc import Callable, Collection, Iterable, Sequence

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from llm4es.core import schemas
from llm4es.core.entities import among
from llm4es.core.plan import Plan
from llm4es.core.sql import Scope, identifier, where

from . import layout
from .catalog import Catalog
from .compaction import Compaction
from .delta import Table
from .explain import explained
from .matching import Matches, live_keys, matching, matching_keys, whole_scope
from .migrations import raise_format
from .retrying import until_first
from .rewriting import change, replace
from .rows import plain, same_rows, stamped
from .run_log import RunRecord
from .smaller_vectors import holds_codes
from .views import select_sql


class Writing:
    """The writes of one run: what ``Run`` stands on."""

    def __init__(self, catalog: Catalog, record: RunRecord) -> None:
        self.catalog = catalog
        self.record = record
        self._compaction = Compaction()
        self._seen: dict[tuple[str, str], int] = {}  # (table, scope) -> commits in the scope whose rows we know of

    @property
    def run_id(self) -> str:
        """Unique, and sorted by time."""
        return self.record.run_id

    def begin(self) -> None:
        """Record that the run is at work. Called by the first write."""
        raise NotImplementedError

    def start_from(self, plan: Plan) -> None:
        """Write by this plan: what it saw of the table is what the run starts from, and why it computes is recorded."""
        reasons = self.record.reasons.setdefault(plan.table, {})
        for reason, count in plan.why.items():
            reasons[reason] = reasons.get(reason, 0) + count
        if plan.version is not None:
            self.record.read[plan.table] = plan.version
        self._seen[plan.table, where(plan.scope)] = plan.commits

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
        rows = self._own(target, scope, rows, set(target.schema.names) - set(target.partition_by))
        files: list[str] = []
        known = (table, where(scope))

        def attempt() -> int:
            nonlocal rows
            alone = target.transaction(scope) == self._seen.get(known)
            if not alone:  # nor is it from now on: what another wrote may be in any later append
                rows = self._without_live(target, scope, rows, key)
            if len(rows):
                files.extend(target.append(rows, self.run_id, scope))
                self.record.written[table] = target.version
            if alone:
                self._seen[known] = target.transaction(scope)
            return len(rows)

        written = until_first(target, attempt)
        if (version := self._compaction.add(target, files, self.run_id)) is not None:
            self.record.written[table] = version
        return written

    def drop(self, table: str, scope: Scope, stale: pa.Table) -> int:
        """Remove the rows of a plan's ``stale`` (its subject, source_hash), or that agree with other columns of keys.

        One commit, however many they are; of the table's files those that hold one are written anew, once. A row that
        another run has computed anew in the meantime has another hash, and stays. Returns how many went.
        """
        return self._changed(table, scope, lambda target, files: matching_keys(files, target, scope, stale))[0]

    def delete(self, table: str, scope: Scope, condition: str) -> int:
        """Remove the scope's rows for which an SQL condition holds, in one commit as ``drop``; returns how many."""
        return self._changed(table, scope, lambda target, files: matching(files, target, scope, condition))[0]

    def replace_rows(
        self,
        table: str,
        scope: Scope,
        stale: pa.Table,
        rows: pa.Table,
        key: Sequence[str],
        schema: pa.Schema | None = None,
    ) -> int:
        """Drop the rows of a plan's ``stale`` and append ``rows``, in one commit: no reader sees the one without the
        other. For rows that are made already; what takes long to compute is dropped first, and appended as it comes.

        Parameters
        ----------
        table : str
            A table of the store, or ``events/<dataset>``.
        scope : mapping of str to str or int
            As of ``append``.
        stale : pyarrow.Table
            Two columns: the plan's subject, ``source_hash``. May be empty, as ``rows`` may.
        rows : pyarrow.Table
            As of ``append``: a key that another run has committed since the plan stays as it is.
        key : sequence of str
            Columns of which no two live rows of the scope may agree in all. New files are ordered by them.
        schema : pyarrow.Schema, optional
            Columns of a table of events, where it may have to be made.

        Returns
        -------
        int
            How many rows were written.

        Examples
        --------
        >>> import pyarrow as pa
        >>> from llm4es_store import Store
        >>> store = Store("example-replace-rows", create=True)
        >>> scope, key = {"dataset": "shop", "config_id": "raw"}, ("entity_id", "variant")
        >>> def texts(**hashes):
        ...     n = len(hashes)
        ...     return pa.table({"entity_id": [*hashes], "variant": ["raw"] * n, "source_hash": [*hashes.values()]})
        >>> with store.run("serialize", "shop", {}, "0.1") as run:
        ...     run.append("texts", scope, texts(c1="5fc0", c2="a1b2"), key)
        2
        >>> plan = store.plan("texts", scope, texts(c1="5fc0", c2="77d0"), ["entity_id"])
        >>> with store.run("serialize", "shop", {}, "0.1") as run:
        ...     run.start_from(plan)
        ...     run.replace_rows("texts", scope, plan.stale, texts(c2="77d0"), key)
        1
        >>> store.sql("SELECT entity_id, source_hash FROM texts ORDER BY 1").fetchall()
        [('c1', '5fc0'), ('c2', '77d0')]
        """
        return self._changed(
            table, scope, lambda target, files: matching_keys(files, target, scope, stale), rows, key, schema
        )[1]

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
            self.record.written[table] = target.version
            return len(rows)

        return until_first(target, attempt)

    def replace_streamed(self, table: str, scope: Scope, batches: Callable[[], Iterable[pa.RecordBatch]]) -> int:
        """Make rows that come a batch at a time the scope's only rows, in one commit, also where they are the same.

        Parameters
        ----------
        table : str
            A table of the store.
        scope : mapping of str to str or int
            As of ``append``; with a value for each column that has folders of its own.
        batches : callable
            Gives the rows, each key once, in the order that they are to lie in: by the key, as a rule. It is called
            again where another writer comes first.

        Returns
        -------
        int
            How many rows were written.

        Examples
        --------
        >>> import pyarrow as pa
        >>> from llm4es_store import Store
        >>> store, rows = Store("example-streamed", create=True), pa.record_batch({"entity_id": ["c1", "c2"]})
        >>> with store.run("serialize", "shop", {}, "0.1") as run:
        ...     run.replace_streamed("splits", {"dataset": "shop"}, lambda: [rows])
        2
        """
        target = self._target(table)

        def attempt() -> int:
            with self.catalog.trusted() as connection, explained():
                gone = whole_scope(connection, target, scope)
            rows = (self._own(target, scope, pa.Table.from_batches([batch])) for batch in batches())
            self.record.written[table], written = replace(target, gone, rows, self.run_id, scope)
            return written

        return until_first(target, attempt)

    def _target(self, table: str, schema: pa.Schema | None = None, columns: Collection[str] = ()) -> Table:
        self.begin()
        if schema is not None:
            schema = pa.schema([*plain(schema), *schemas.KEPT_BY])
        target = self.catalog.ensure(table, schema, columns)
        self.record.read.setdefault(table, target.version)
        return target

    def _own(self, target: Table, scope: Scope, rows: pa.Table, packed: Collection[str] = ()) -> pa.Table:
        """Rows as the table keeps them, those of this run."""
        if holds_codes(rows):
            raise_format(self.catalog, layout.FORMAT_WITH_CODES)
        return stamped(rows, target.schema, {**scope, "run_id": self.run_id}, packed)

    def _changed(
        self,
        table: str,
        scope: Scope,
        doomed: Callable[[Table, duckdb.DuckDBPyConnection], Matches],
        rows: pa.Table | None = None,
        key: Sequence[str] = (),
        schema: pa.Schema | None = None,
    ) -> tuple[int, int]:
        """Take the ``doomed`` rows out and put ``rows`` in, in one commit; how many of each."""
        target = self._target(table, schema, () if rows is None else rows.column_names)
        rows = None if rows is None else self._own(target, scope, rows)
        known = (table, where(scope))

        def attempt() -> tuple[int, int]:
            before = target.transaction(scope)
            with self.catalog.trusted() as connection, explained():
                gone = doomed(target, connection)
            alone = before == self._seen.get(known)
            new = rows
            if new is not None and not alone:
                new = self._without_live(target, scope, new, key, gone)
            n_gone, n_new = sum(len(places) for _, places in gone.values()), 0 if new is None else len(new)
            if n_gone or n_new:
                self.record.written[table] = change(target, gone, new, key, self.run_id, scope)
                if alone:
                    self._seen[known] = before + 1
            return n_gone, n_new

        return until_first(target, attempt)

    def _without_live(
        self, target: Table, scope: Scope, rows: pa.Table, key: Sequence[str], gone: Matches | None = None
    ) -> pa.Table:
        """The rows whose keys no live row bears, but for those that are about to go."""
        with self.catalog.trusted() as connection, explained():
            live = live_keys(connection, target, scope, rows.select(list(key)), gone or {})
        return rows.filter(pc.invert(among(rows, live, key))) if len(live) else rows

    def _is_live(self, target: Table, scope: Scope, rows: pa.Table) -> bool:
        """Whether the scope holds exactly these rows already (whoever wrote them)."""
        columns = [column for column in rows.column_names if column != "run_id"]
        chosen = ", ".join(map(identifier, columns))
        with self.catalog.trusted() as connection, explained():
            live = connection.sql(f"SELECT {chosen} FROM ({select_sql(target)}) WHERE {where(scope)}").to_arrow_table()
        return same_rows(rows.select(columns), live)
