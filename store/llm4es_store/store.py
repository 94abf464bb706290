"""The feature store: a folder of versioned tables, queried in SQL, written by runs.

In: a root. Out: relations over the store's views, runs to write with. Knows tables, not models.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from llm4es.core.errors import StoreError
from llm4es.core.plan import Plan, Reason
from llm4es.core.sql import Scope, identifier, where
from llm4es.core.tables import events_table, events_view

from . import layout
from .delta import Table
from .layout import TABLES, StoreLayout
from .migrations import migrate
from .plan import make_plan
from .recovery import mark_killed_runs
from .remote_folders import RemoteFolders
from .run import Run
from .sql import Limits, connect, fetch, query
from .time_travel import At, state_at
from .views import duckdb_types, empty_sql, select_sql

_RUNS_VIEW = """SELECT run_id, stage, dataset, started_at, seconds, status, rows_in, rows_computed, rows_reused,
    reasons, config, versions, code_version, host, message, version
FROM ({rows}) WHERE {condition} QUALIFY row_number() OVER (PARTITION BY run_id ORDER BY version DESC) = 1"""


class Store:
    """One feature store. Opening it reads nothing but the record's head.

    Raises StoreError where ``root`` is no store (unless ``create``), or was made by a newer format.
    """

    def __init__(
        self, root: str | Path = "llm4es-store", *, create: bool = False, limits: Limits | None = None
    ) -> None:
        self.layout = StoreLayout.at(root)
        self.limits = limits
        self._tables: dict[str, Table] = {}
        self._record: tuple[int, pa.Table] | None = None  # (version of runs, its rows)
        self._live: tuple[dict[str, int], duckdb.DuckDBPyConnection] | None = None  # (snapshot, its database)
        runs = Table.open(self.layout.table("runs"))
        if runs is None:
            if not create:
                raise StoreError(
                    f"no store at {self.layout.root}: run `llm4es run RECIPE` first, or name another with --store"
                )
            self._refuse_foreign_folder()
            runs = Table.create(self.layout.table("runs"), layout.RUNS, description=_format(layout.FORMAT))
        self._tables["runs"] = runs
        self._check_format(runs)

    # -- reading ------------------------------------------------------------------------------------------------------

    def sql(self, text: str, at: At | None = None) -> duckdb.DuckDBPyRelation:
        """The rows of one SELECT over the store's views, as a DuckDB relation (``.df()``, ``.arrow()``, ``.pl()``).

        ``at`` reads the store as it was: at a version of the store, or at a time. Raises StoreError for a query that
        does not parse, writes, or reads outside the store.
        """
        return query(self.connect(at), text)

    def connect(self, at: At | None = None) -> duckdb.DuckDBPyConnection:
        """A sandboxed DuckDB connection with the store's views and macros, now or as they were."""
        if at is not None:
            return connect(self.views(at), self.layout.root, self._filesystem(), self.limits)
        snapshot = self.snapshot()
        if self._live is None or self._live[0] != snapshot:  # else nobody has written since
            views = self._views(self._tables)
            self._live = snapshot, connect(views, self.layout.root, self._filesystem(), self.limits)
        return self._live[1].cursor()

    def views(self, at: At | None = None) -> dict[str, str]:
        """View -> SELECT over the files of one version of each table."""
        if at is None:
            self.snapshot()
            return self._views(self._tables)
        version, then = state_at(self.record(), at)
        tables = {table: Table.open(self.layout.table(table), v) for table, v in then.items() if table != "runs"}
        found = {table: found for table, found in tables.items() if found is not None}
        # The record only grows: what it held then is its first rows, whatever became of its files.
        return self._views({**found, "runs": self._tables["runs"]}, version)

    def embeddings(
        self, dataset: str, *, model: str, k: int, config_id: str | None = None, at: At | None = None
    ) -> pa.Table:
        """The vectors of one (dataset, model, k), sorted by entity_id: all columns of the view ``embeddings``.

        Where several configurations are live their rows stand side by side, told apart by ``config_id``.
        """
        return self._vectors("*", dataset, model, k, config_id, at).sort_by("entity_id")

    def matrix(
        self, dataset: str, *, model: str, k: int, config_id: str | None = None, at: At | None = None
    ) -> tuple[pa.StringArray, NDArray[np.float32]]:
        """Entity ids in order, and the (N, D) matrix of their vectors.

        The matrix is a read-only view of the query's result where that comes in one piece and in order: up to 122,880
        rows, after `optimize` or one run. Else it is put together and sorted, faster than SQL sorts wide rows.

        Raises StoreError where there are no such vectors, or several configurations of them and none was chosen.
        """
        rows = self._vectors("entity_id, vector, config_id", dataset, model, k, config_id, at)
        found = sorted(set(rows["config_id"].to_pylist()))
        if len(found) != 1:
            raise StoreError(
                f"{len(found) or 'no'} configurations of {model!r} with k {k} in {dataset!r}: "
                + (f"choose a config_id of {', '.join(found)}" if found else "see `SELECT DISTINCT model, k`")
            )
        pieces = [piece.flatten().to_numpy() for piece in rows["vector"].chunks]
        matrix = (pieces[0] if len(pieces) == 1 else np.concatenate(pieces)).reshape(len(rows), -1)  # (N, D)
        ids = rows["entity_id"].combine_chunks()
        order = pc.sort_indices(ids).to_numpy()  # (N,)
        in_order = bool((order[1:] > order[:-1]).all())
        return (ids, matrix) if in_order else (ids.take(pa.array(order)), matrix[order])

    def table(self, table: str) -> Table | None:
        """The newest snapshot of a table, None where nothing was written yet."""
        if table in self._tables:
            self._tables[table].refresh()
        else:
            found = Table.open(self.layout.table(table))
            if found is None:
                return None
            self._tables[table] = found
        return self._tables[table]

    def record(self) -> pa.Table:
        """Every row of the record of runs, oldest first: the columns of ``layout.RUNS``."""
        runs = self._tables["runs"]
        runs.refresh()
        if self._record is None or self._record[0] != runs.version:
            with duckdb.connect() as connection:
                filesystem = self._filesystem()
                if filesystem is not None:
                    connection.register_filesystem(filesystem)
                connection.execute("SET TimeZone = 'UTC'")
                connection.execute("SET enable_progress_bar = false")
                rows = connection.sql(f"{select_sql(runs)} ORDER BY version").to_arrow_table()
            self._record = runs.version, rows
        return self._record[1]

    def datasets(self) -> list[str]:
        """Datasets that any run was about."""
        return sorted({d for d in self.record()["dataset"].to_pylist() if d})

    def snapshot(self) -> dict[str, int]:
        """Table -> version, of every table there is, now."""
        names = [*TABLES, *(events_table(dataset) for dataset in self.datasets())]
        tables = {table: self.table(table) for table in names}
        return {table: found.version for table, found in tables.items() if found is not None}

    def plan(
        self,
        table: str,
        scope: Scope,
        wanted: pa.Table,
        key: Sequence[str],
        *,
        kin: Scope | None = None,
        complete: bool = False,
        unseen: Reason = Reason.CONFIG,
        one_of: str = "true",
    ) -> Plan:
        """What of ``wanted`` (key columns, source_hash) is not live in the scope, and why; see ``plan.make_plan``.

        ``one_of`` is an SQL condition that picks the rows to look at where several live rows stand for one wanted.
        """
        found = self.table(table)
        select = select_sql(found) if found else empty_sql(_planned_schema(wanted, key, {**scope, **(kin or {})}))
        # Read now: opening the views below may move the table on, and a plan must not claim to have seen more.
        version, commits = (found.version, found.transaction(scope)) if found else (None, 0)
        with self.connect() as connection:
            return make_plan(
                connection,
                f"SELECT * FROM ({select}) WHERE {one_of if found else 'true'}",
                table,
                scope,
                wanted,
                key,
                version=version,
                commits=commits,
                kin=kin,
                complete=complete,
                unseen=unseen,
            )

    # -- writing ------------------------------------------------------------------------------------------------------

    def run(self, stage: str, dataset: str, config: Mapping[str, Any], code_version: str) -> Run:
        """A run to write with, a context manager: every commit bears its id, its end is recorded whatever happens."""
        mark_killed_runs(self)
        return Run(self, stage, dataset, config, code_version)

    def ensure(self, table: str, schema: pa.Schema | None = None) -> Table:
        """The newest snapshot of a table, made empty where there is none; ``schema`` is needed for events only."""
        found = self.table(table)
        spec = TABLES.get(table)
        wanted = spec.schema if spec else schema
        if found is not None:
            if wanted is not None:
                found.add_columns(wanted)
            return found
        if wanted is None:
            raise StoreError(f"unknown table {table!r}: a store has {', '.join(TABLES)}")
        path, shape = self.layout.table(table), (spec.partition_by, spec.key) if spec else ()
        self._tables[table] = found = Table.create(path, wanted, *shape)
        return found

    def mirror(self) -> RemoteFolders | None:
        """Where a remote store keeps folders of weights; None: the store is local, they lie where they are made."""
        filesystem = self._filesystem()
        return None if filesystem is None else RemoteFolders(self.layout, filesystem)

    # -- inside -------------------------------------------------------------------------------------------------------

    def _vectors(
        self, columns: str, dataset: str, model: str, k: int, config_id: str | None, at: At | None
    ) -> pa.Table:
        chosen: Scope = {"dataset": dataset, "model": model, "k": int(k)}
        if config_id is not None:
            chosen = {**chosen, "config_id": config_id}
        rows = self.sql(f"SELECT {columns} FROM embeddings WHERE {where(chosen)}", at)
        return fetch(rows)

    def _views(self, tables: Mapping[str, Table], version: int | None = None) -> dict[str, str]:
        views = {table: _promised(TABLES[table].schema, tables.get(table)) for table in TABLES}
        condition = "true" if version is None else f"version <= {version}"
        views["runs"] = _RUNS_VIEW.format(rows=views["runs"], condition=condition)
        for dataset in self.datasets():
            if (table := tables.get(events_table(dataset))) is not None:
                views[events_view(dataset)] = select_sql(table)
        return views

    def _filesystem(self) -> Any | None:
        if not self.layout.is_remote:
            return None
        try:
            import fsspec  # only remote stores need it
        except ImportError as error:
            raise StoreError(f"store {self.layout.root} needs fsspec: pip install 'llm4es[s3]'") from error
        try:  # a listing that is kept would hide what others have written since
            return fsspec.filesystem(self.layout.root.partition("://")[0], use_listings_cache=False)
        except (ImportError, ValueError) as error:
            raise StoreError(f"store {self.layout.root}: {error}: pip install 'llm4es[s3]' for s3://") from error

    def _refuse_foreign_folder(self) -> None:
        """A new store begins in a folder that is empty or not there yet: we never write among others' files."""
        if self.layout.is_remote:
            return
        root = Path(self.layout.root)
        if root.exists() and (not root.is_dir() or any(root.iterdir())):
            raise StoreError(
                f"{root} is not a store and not empty: name a new folder, or an existing store, with --store"
            )

    def _check_format(self, runs: Table) -> None:
        try:
            made_by = int(json.loads(runs.description)["llm4es store format"])
        except (ValueError, KeyError, TypeError) as error:
            raise StoreError(
                f"{self.layout.root} holds a table 'runs' that llm4es did not make: name another folder with --store"
            ) from error
        if made_by > layout.FORMAT:
            raise StoreError(
                f"store {self.layout.root} has format {made_by}, this llm4es knows up to {layout.FORMAT}: upgrade it"
            )
        if made_by < layout.FORMAT:
            migrate(self, made_by, lambda number: runs.describe(_format(number)))


def _promised(schema: pa.Schema, found: Table | None) -> str:
    """A table's rows with the promised columns, in their order; those that an older table lacks are null."""
    if found is None:
        return empty_sql(schema)
    types, known = duckdb_types(schema), set(found.schema.names)
    columns = ", ".join(identifier(c) if c in known else f"NULL::{t} AS {identifier(c)}" for c, t in types.items())
    return f"SELECT {columns} FROM ({select_sql(found)})"


def _format(number: int) -> str:
    """The description of the table ``runs``, which says of what format the store is."""
    return json.dumps({"llm4es store format": number})


def _planned_schema(wanted: pa.Table, key: Sequence[str], scope: Scope) -> pa.Schema:
    """The columns that a plan looks at, for a table that is not there yet."""
    asked = {column: pa.int64() if isinstance(value, int) else pa.string() for column, value in scope.items()}
    known = {column: wanted.schema.field(column).type for column in (*key, "entity_id", "source_hash")}
    return pa.schema(list({**asked, **known}.items()))
