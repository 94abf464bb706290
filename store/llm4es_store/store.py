"""The feature store: a folder of versioned tables, queried in SQL, written by runs.

In: a root. Out: relations over the store's views, vectors, runs to write with. Knows tables, not models.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from llm4es.core.errors import StoreError
from llm4es.core.limits import Limits
from llm4es.core.sql import Scope, where

from .catalog import Catalog
from .finding import FINDINGS
from .migrations import migrate
from .recovery import mark_killed_runs
from .sql import fetch, query
from .time_travel import At

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .run import Run


class Store(Catalog):
    """One feature store: what its catalog holds, queried in SQL and written by runs.

    Parameters
    ----------
    root : str or Path, default "llm4es-store"
        A folder, or the URI of an object store such as ``s3://bucket/prefix``.
    create : bool, default False
        Make a store where there is none: in a folder that is empty, or not there yet.
    limits : Limits, optional
        What one query may use of the machine; None: DuckDB's own bounds.

    Raises
    ------
    StoreError
        Where ``root`` is no store (unless ``create``), is a folder of other things, or was made by a newer format.

    Examples
    --------
    >>> from llm4es_store import Store
    >>> store = Store("example-store", create=True)
    >>> store.datasets(), store.sql("SELECT count(*) FROM texts").fetchall()
    ([], [(0,)])
    >>> Store("nowhere")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    llm4es.core.errors.StoreError: no store at ...nowhere: run `llm4es run RECIPE` first, or name another with --store
    """

    def __init__(
        self, root: str | Path = "llm4es-store", *, create: bool = False, limits: Limits | None = None
    ) -> None:
        super().__init__(root, create=create, limits=limits)
        migrate(self)

    def run(self, stage: str, dataset: str, config: Mapping[str, Any], code_version: str) -> "Run":
        """A run to write with, a context manager: every commit bears its id, its end is recorded whatever happens.

        Runs whose process is gone are recorded as killed first.

        Parameters
        ----------
        stage : str
            What is done, such as ``embed``.
        dataset : str
            Whose data; empty for maintenance.
        config : mapping
            What was asked for: anything that JSON holds.
        code_version : str
            Of the program that writes.

        Returns
        -------
        Run
            To be entered with ``with``.

        Examples
        --------
        >>> import pyarrow as pa
        >>> from llm4es_store import Store
        >>> store = Store("example-writing", create=True)
        >>> labels = pa.table({"entity_id": ["c1", "c2"], "task": ["loyal", "loyal"], "label": ["yes", "no"]})
        >>> with store.run("serialize", "shop", {"source": "5fc0"}, "0.1") as run:
        ...     run.replace("labels", {"dataset": "shop"}, labels)
        2
        >>> store.sql("SELECT stage, status FROM runs").fetchall()
        [('serialize', 'done')]
        """
        self.refuse_shared_name(dataset)
        mark_killed_runs(self)
        from .run import Run  # writes, which most openings of a store do not

        return Run(self, stage, dataset, config, code_version)

    def sql(self, text: str, at: At | None = None, limits: Limits | None = None) -> duckdb.DuckDBPyRelation:
        """The rows of one SELECT over the store's views.

        Parameters
        ----------
        text : str
            One statement that reads.
        at : int, datetime or str, optional
            The store as it was: at a version of it, or at a time (UTC where it says no zone); None: now.
        limits : Limits, optional
            What it may use of the machine, in a database of its own that goes with the rows; None: as the store.

        Returns
        -------
        duckdb.DuckDBPyRelation
            To be fetched with ``.df()``, ``.pl()``, ``.to_arrow_table()`` or ``.fetchall()``.

        Raises
        ------
        StoreError
            For a query that does not parse, writes, or reads outside the store, and a time before the store.

        Examples
        --------
        >>> from llm4es_store import Store
        >>> store = Store("example-sql", create=True)
        >>> store.sql("SELECT cosine([1.0, 0.0], [1.0, 1.0]) > 0.7 AS near").fetchall()
        [(True,)]
        >>> store.sql("SELECT 1; SELECT 2")
        Traceback (most recent call last):
        llm4es.core.errors.StoreError: query 'SELECT 1; SELECT 2' holds 2 statements: give exactly one
        """
        return query(self.connect(at, limits, text), text)

    def check(self, *, repair: bool = False) -> pa.Table:
        """Look at every table, file, checksum and key, and at the record of runs.

        Parameters
        ----------
        repair : bool, default False
            Put right what is safe: stale locks, left-over files, killed runs, missing checksums, the damaged end of a
            log.

        Returns
        -------
        pyarrow.Table
            A row a finding: ``level`` (damaged, untidy, mended, note), ``what``, ``file``, ``finding``, ``remedy``. No
            rows where all is well. Tuned models' weights are compared by ``llm4es.Project.check``.

        Examples
        --------
        >>> from llm4es_store import Store
        >>> Store("example-checked", create=True).check().num_rows
        0
        """
        from .check import check  # what it compares is of no use to whoever only reads

        return pa.Table.from_pylist([finding.row() for finding in check(self.layout.root, repair=repair)], FINDINGS)

    def recipe(self, dataset: str) -> dict[str, Any] | None:
        """How a dataset is read, as the store keeps it.

        Parameters
        ----------
        dataset : str
            The recipe's name for its data.

        Returns
        -------
        dict or None
            Its row of the view ``recipes`` as plain values; None where none was kept.

        Examples
        --------
        >>> import pyarrow as pa
        >>> from llm4es_store import Store
        >>> store = Store("example-recipe", create=True)
        >>> with store.run("serialize", "shop", {}, "0.1") as run:
        ...     run.replace("recipes", {"dataset": "shop"}, pa.table({"recipe": ["{}"], "origin": ["frame"]}))
        1
        >>> store.recipe("shop")["origin"], store.recipe("bank")
        ('frame', None)
        """
        rows = fetch(self.sql(f"SELECT * FROM recipes WHERE {where({'dataset': dataset})}")).to_pylist()
        return rows[0] if rows else None

    def embeddings(
        self, dataset: str, *, model: str, k: int, config_id: str | None = None, at: At | None = None
    ) -> pa.Table:
        """The vectors of one (dataset, model, k), with everything that is known of them.

        Where several configurations are live their rows stand side by side, told apart by ``config_id``.

        Parameters
        ----------
        dataset, model : str
            Whose vectors, and of which space.
        k : int
            Last layers averaged.
        config_id : str, optional
            One configuration; None: all that are live.
        at : int, datetime or str, optional
            As of ``sql``.

        Returns
        -------
        pyarrow.Table
            All columns of the view ``embeddings``, sorted by ``entity_id``; no rows where there are no such vectors.

        Examples
        --------
        >>> import pyarrow as pa
        >>> from llm4es_store import Store
        >>> store = Store("example-embeddings", create=True)
        >>> rows = pa.table({"entity_id": ["c2", "c1"], "k": [8, 8], "vector": [[0.0, 1.0], [1.0, 0.0]]})
        >>> with store.run("embed", "shop", {}, "0.1") as run:
        ...     scope = {"dataset": "shop", "model": "tiny", "config_id": "c"}
        ...     run.append("embeddings", scope, rows, ("entity_id", "k"))
        2
        >>> store.embeddings("shop", model="tiny", k=8)["entity_id"].to_pylist()
        ['c1', 'c2']
        """
        return self._vectors("*", dataset, model, k, config_id, at).sort_by("entity_id")

    def matrix(
        self, dataset: str, *, model: str, k: int, config_id: str | None = None, at: At | None = None
    ) -> tuple[pa.StringArray, "NDArray[np.float32]"]:
        """Entity ids in order, and the matrix of their vectors.

        The matrix is a read-only view of the query's result where that comes in one piece and in order: up to 122,880
        rows, after `optimize` or one run. Else it is put together and sorted, faster than SQL sorts wide rows.

        Parameters
        ----------
        dataset, model : str
            Whose vectors, of which model.
        k : int
            Last layers averaged.
        config_id : str, optional
            The configuration, where several are live.
        at : int, str or datetime, optional
            The store as it was at a version or a time; None: now.

        Returns
        -------
        ids : pyarrow.StringArray of shape (N,)
            Ascending.
        matrix : numpy.ndarray of shape (N, D), float32
            Row i is the vector of ``ids[i]``.

        Raises
        ------
        StoreError
            Where there are no such vectors, or several configurations of them and none was chosen.

        Examples
        --------
        >>> import pyarrow as pa
        >>> from llm4es_store import Store
        >>> store = Store("example-matrix", create=True)
        >>> rows = pa.table({"entity_id": ["c2", "c1"], "k": [8, 8], "vector": [[0.0, 1.0], [1.0, 0.0]]})
        >>> with store.run("embed", "shop", {}, "0.1") as run:
        ...     scope = {"dataset": "shop", "model": "tiny", "config_id": "c"}
        ...     run.append("embeddings", scope, rows, ("entity_id", "k"))
        2
        >>> ids, matrix = store.matrix("shop", model="tiny", k=8)
        >>> ids.to_pylist(), matrix.tolist()
        (['c1', 'c2'], [[1.0, 0.0], [0.0, 1.0]])
        """
        import numpy as np  # heavy
        import pyarrow.compute as pc  # heavy

        rows = self._vectors("entity_id, vector, config_id", dataset, model, k, config_id, at)
        configs = sorted(set(rows["config_id"].to_pylist()))
        if len(configs) != 1:
            raise StoreError(
                f"{len(configs) or 'no'} configurations of {model!r} with k {k} in {dataset!r}: "
                + (f"choose a config_id of {', '.join(configs)}" if configs else "see `SELECT DISTINCT model, k`")
            )
        pieces = [piece.flatten().to_numpy() for piece in rows["vector"].chunks]
        matrix = (pieces[0] if len(pieces) == 1 else np.concatenate(pieces)).reshape(len(rows), -1)  # (N, D)
        ids = rows["entity_id"].combine_chunks()
        order = pc.sort_indices(ids).to_numpy()  # (N,)
        in_order = bool((order[1:] > order[:-1]).all())
        return (ids, matrix) if in_order else (ids.take(pa.array(order)), matrix[order])

    def _vectors(
        self, columns: str, dataset: str, model: str, k: int, config_id: str | None, at: At | None
    ) -> pa.Table:
        scope: Scope = {"dataset": dataset, "model": model, "k": int(k)}
        if config_id is not None:
            scope = {**scope, "config_id": config_id}
        with self.trusted() as connection:  # vectors are many, and the sandbox reads them a little slower
            return fetch(
                connection.sql(f"SELECT {columns} FROM ({self.views(at)['embeddings'].select}) WHERE {where(scope)}")
            )
