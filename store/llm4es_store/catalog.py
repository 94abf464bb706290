"""What a store holds: its tables, their views, how it was at other times, and what of it is missing.

In: a root. Out: snapshots of tables, connections over their views, plans. Knows neither runs nor models.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from llm4es.core.errors import StoreError
from llm4es.core.limits import Limits
from llm4es.core.plan import Plan, Reason
from llm4es.core.sql import Scope
from llm4es.core.tables import EVENTS, events_table, events_view

from . import layout
from .delta import Table
from .event_names import events_views, refuse_shared_name
from .explain import explained
from .layout import NOT_ENDED, TABLES, StoreLayout
from .locks import is_dead
from .open_tables import OpenTables, open_record
from .plan import make_plan
from .remote_folders import RemoteFolders, remote_filesystem
from .skeleton import clear, is_skeleton, no_store_in
from .sql import RecordReader, connect, trusted
from .store_format import check_format, described
from .store_views import store_views
from .time_travel import At, state_at
from .views import View, empty_sql


class Catalog:
    """The tables of one store: what ``Store`` stands on, and takes its parameters from.

    Opening it reads nothing but the record's head.
    """

    def __init__(
        self, root: str | Path = "llm4es-store", *, create: bool = False, limits: Limits | None = None
    ) -> None:
        self.layout = StoreLayout.at(root)
        self.limits = limits
        self._reader = RecordReader(partial(remote_filesystem, self.layout), limits)
        self._live: tuple[object, duckdb.DuckDBPyConnection] | None = None  # (what its views show, its database)
        self._views: tuple[object, dict[str, View]] | None = None  # (versions of all tables, views of them)
        self.tables = OpenTables(self.layout, self._recorded)
        runs, self.record_damage = open_record(self.layout)
        self.runs = runs or self._new_record(create)
        self.format = check_format(self.runs, self.layout.root)

    def connect(self, at: At | None = None, limits: Limits | None = None, text: str = "") -> duckdb.DuckDBPyConnection:
        """A DuckDB connection with the store's views and macros, now or as they were, that can read nothing else.

        It can write nowhere: what anybody types may be run on it. A damaged table's view says so to whoever reads it;
        every other view works. One with ``limits`` has a database of its own: closed, it gives its memory back.
        With a ``text`` the connection is for that query: one that is made for it shows what the query reads alone.
        """
        if at is not None or limits is not None:
            return self._connected(self.views(at, sandboxed=True), limits, text)
        views = self.views(sandboxed=True)
        if self._live is None or self._live[0] != views:  # else nobody has written since
            self._live = views, self._connected(views, None, "")
        return self._live[1].cursor()

    def _connected(self, views: Mapping[str, View], limits: Limits | None, text: str) -> duckdb.DuckDBPyConnection:
        from .read_only_files import ReadOnlyFiles  # heavy

        files = ReadOnlyFiles(self.layout.root, remote_filesystem(self.layout))
        return connect(views, files, limits or self.limits, text)

    def trusted(self) -> duckdb.DuckDBPyConnection:
        """A DuckDB connection without walls and views, for SQL that nobody but this package has written."""
        return trusted(remote_filesystem(self.layout), self.limits)

    def views(self, at: At | None = None, *, sandboxed: bool = False) -> dict[str, View]:
        """View -> how it reads the files of one version of each table; ``sandboxed``: where ``connect`` has them."""
        place = self.layout.in_sandbox if sandboxed else str
        if at is None:
            datasets = self._datasets_there()
            sound, damaged = self.tables.split(self._names(datasets))
            sound["runs"] = self.runs
            if self.record_damage is not None:
                damaged["runs"] = self.record_damage
            dead = self._dead_runs()
            shown = (sandboxed, datasets, {name: table.version for name, table in sound.items()}, damaged, dead)
            if self._views is None or self._views[0] != shown:
                self._views = shown, store_views(sound, datasets, damaged=damaged, dead=dead, place=place)
            return dict(self._views[1])
        version, then = state_at(self.record(), at)
        sound, damaged = {}, {}
        for name, of_table in then.items():
            try:
                table = Table.open(self.layout.table(name), of_table) if name != "runs" else None
            except StoreError as error:
                damaged[name] = str(error)
            else:
                if table is not None:
                    sound[name] = table
        # The record only grows: what it held then is its first rows, whatever became of its files.
        return store_views({**sound, "runs": self.runs}, self.datasets(), version, damaged=damaged, place=place)

    def table(self, table: str) -> Table | None:
        """The newest snapshot of a table, None where nothing was written yet. Raises StoreError for a damaged one."""
        if table != "runs":
            return self.tables.get(table)
        if self.record_damage is not None:
            raise StoreError(self.record_damage)
        self.runs.refresh()
        return self.runs

    def record(self) -> pa.Table:
        """Every row of the record of runs, oldest first."""
        if self.record_damage is None:
            self.runs.refresh()
        return self._reader.rows(self.runs)

    def datasets(self) -> list[str]:
        """Datasets that any run was about."""
        return sorted({d for d in self.record()["dataset"].to_pylist() if d})

    def events_view(self, dataset: str) -> str:
        """What the view of a dataset's events is called; see ``event_names``."""
        name = events_views([*self.datasets(), dataset])[dataset]
        return name if name in self.views() else events_view(dataset)  # the others have none

    def refuse_shared_name(self, dataset: str) -> None:
        """Raise StoreError for a new dataset whose events would have the name in SQL that another's have."""
        known = self.datasets()
        if dataset and dataset not in known:
            refuse_shared_name(dataset, known)

    def snapshot(self) -> dict[str, int]:
        """Table -> version, of every table there is, now; of a damaged one the version that the record knows."""
        datasets, recorded = self.datasets(), self._recorded()
        sound, damaged = self.tables.split(self._names(datasets))
        versions = {table: recorded[table] for table in damaged if table in recorded}
        return {"runs": self.runs.version, **versions, **{name: table.version for name, table in sound.items()}}

    def damaged(self) -> dict[str, str]:
        """Table -> what is wrong with it, of those whose log cannot be trusted."""
        return self.tables.split(self._names(self.datasets()))[1]

    def _recorded(self) -> dict[str, int]:
        """Table -> version, as the newest row of the record that we have read says."""
        try:
            rows = self.record() if self._reader.read is None else self._reader.read
        except StoreError:
            return {}  # it is damaged itself, which is told where it is read
        return dict(json.loads(rows["snapshot"][-1].as_py())) if len(rows) else {}

    def not_ended(self) -> dict[str, dict[str, Any]]:
        """Run id -> last row, of the runs that have not said how they ended."""
        return {run_id: self.record().slice(at, 1).to_pylist()[0] for run_id, at in self._open_ended().items()}

    def _open_ended(self) -> dict[str, int]:
        """As ``not_ended``: run id -> place of its last row in the record. Rows as Python values import pandas."""
        if self.record_damage is not None:
            return {}
        # Two columns as Python values: comparing Arrow's with one would import pandas, wherever it is installed.
        rows = self.record()
        status = list(zip(rows["run_id"].to_pylist(), rows["status"].to_pylist(), strict=True))
        ended = {run_id for run_id, said in status if said != NOT_ENDED}
        return {run_id: place for place, (run_id, _) in enumerate(status) if run_id not in ended}

    def _dead_runs(self) -> list[str]:
        """Runs that never ended and whose process is gone: they are shown as killed before anybody has recorded it."""
        dead = [run_id for run_id in self._open_ended() if is_dead(self.layout, run_id)]
        # Asked again: a run may have ended by itself, and let go of its lock, since we first looked.
        return sorted({*dead} & self._open_ended().keys()) if dead else []

    def _datasets_there(self) -> list[str]:
        """As ``datasets``; where the record cannot be read whole, also those that have a folder."""
        known: list[str] = []
        try:
            known = self.datasets()
        except StoreError as error:
            self.record_damage = str(error)
        folders = Path(self.layout.table(EVENTS)).glob("*") if self.record_damage is not None else ()
        return sorted({*known, *(path.name for path in folders)})

    @staticmethod
    def _names(datasets: Iterable[str]) -> list[str]:
        return [*(name for name in TABLES if name != "runs"), *(events_table(dataset) for dataset in datasets)]

    def plan(
        self,
        table: str,
        scope: Scope,
        wanted: pa.Table,
        key: Sequence[str],
        *,
        related_scope: Scope | None = None,
        complete: bool = False,
        unseen: Reason = Reason.CONFIG,
        row_filter: str = "true",
    ) -> Plan:
        """What of ``wanted`` is not live in the scope, and why; see ``plan.make_plan``.

        Parameters
        ----------
        table : str
            A table of the store.
        scope : mapping of str to str or int
            Column -> value: the rows that are looked at, and that one writer is answerable for.
        wanted : pyarrow.Table
            A row a wanted row: the columns of ``key`` and ``source_hash``; others are handed through.
        key : sequence of str
            What tells wanted rows apart; the first column is the plan's subject.
        related_scope : mapping, optional
            A wider scope: a subject that it knows is planned for the reason ``unseen``, not as new.
        complete : bool, default False
            Whether ``wanted`` is all that should be live, so that what is not in it has vanished.
        unseen : Reason, default Reason.CONFIG
            Why a subject of the related scope is computed.
        row_filter : str, default "true"
            An SQL condition that picks the rows to look at where several live rows stand for one wanted.

        Returns
        -------
        Plan
            What to compute, what is stale, what is there already.

        Examples
        --------
        >>> import pyarrow as pa
        >>> from llm4es_store import Store
        >>> store = Store("example-plan", create=True)
        >>> wanted = pa.table({"entity_id": ["c1", "c2"], "source_hash": ["5fc0", "a1b2"]})
        >>> plan = store.plan("texts", {"dataset": "shop", "config_id": "raw"}, wanted, ["entity_id"])
        >>> len(plan.todo), plan.reused, plan.why
        (2, 0, {'new': 2})
        """
        from .planned_rows import live_sql, planned_schema  # who only reads has no use for it

        target = self.table(table)
        columns = planned_schema(wanted, key, {**scope, **(related_scope or {})})
        subjects = None if complete else wanted[key[0]]  # of a part, only those who are in it matter

        def rows(of: Scope) -> str:
            return live_sql(target, of, row_filter, key[0], subjects) if target else empty_sql(columns)

        # Read now: opening the views below may move the table on, and a plan must not claim to have seen more.
        version, commits = (target.version, target.transaction(scope)) if target else (None, 0)
        with self.trusted() as connection, explained():
            return make_plan(
                connection,
                rows(scope),
                table,
                scope,
                wanted,
                key,
                version=version,
                commits=commits,
                related=None if related_scope is None else rows(related_scope),
                complete=complete,
                unseen=unseen,
            )

    def ensure(self, table: str, schema: pa.Schema | None = None, columns: Collection[str] = ()) -> Table:
        """The newest snapshot of a table that takes rows of these columns, made empty where there is none.

        ``schema`` is needed for events only.
        """
        target = self.table(table)
        spec = TABLES.get(table)
        wanted = pa.schema([*spec.schema, *(f for f in spec.brought if f.name in columns)]) if spec else schema
        if target is not None:
            if wanted is not None:
                target.add_columns(wanted)
            return target
        if wanted is None:
            raise StoreError(f"unknown table {table!r}: a store has {', '.join(TABLES)}")
        shape = (spec.partition_by, spec.key) if spec else ()
        target = Table.create(self.layout.table(table), wanted, *shape)
        self.tables.put(table, target)
        return target

    def remote_folders(self, kind: str = "models") -> RemoteFolders | None:
        """Where a remote store keeps its folders of ``kind``; None: a local one has them in ``layout.folder(kind)``."""
        filesystem = remote_filesystem(self.layout)
        return None if filesystem is None else RemoteFolders(self.layout, filesystem, kind)

    def _new_record(self, create: bool) -> Table:
        """The record of a store that begins here, in a folder that is empty or not there: others' files stay alone."""
        root = self.layout.root
        if not create:
            raise StoreError(f"no store at {root}: run `llm4es run RECIPE` first, or name another with --store")
        folder = Path(root)
        if not self.layout.is_remote and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            if not is_skeleton(folder):
                raise StoreError(no_store_in(folder))
            clear(folder)
        return Table.create(self.layout.table("runs"), layout.RUNS, description=described(layout.FORMAT))
