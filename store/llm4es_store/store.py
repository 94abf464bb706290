"""The feature store: a folder of versioned tables, queried in SQL, written by runs.

In: a root. Out: relations over the store's views, vectors, runs to write with. Knows tables, not models.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from llm4es.core.errors import StoreError
from llm4es.core.sql import Scope, where

from .catalog import Catalog
from .migrations import migrate
from .recovery import mark_killed_runs
from .run import Run
from .sql import Limits, fetch, query
from .time_travel import At


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
    >>> store = Store("llm4es-store", create=True)
    >>> store.datasets()
    []
    """

    def __init__(
        self, root: str | Path = "llm4es-store", *, create: bool = False, limits: Limits | None = None
    ) -> None:
        super().__init__(root, create=create, limits=limits)
        migrate(self)

    def run(self, stage: str, dataset: str, config: Mapping[str, Any], code_version: str) -> Run:
        """A run to write with, a context manager: every commit bears its id, its end is recorded whatever happens."""
        mark_killed_runs(self)
        return Run(self, stage, dataset, config, code_version)

    def sql(self, text: str, at: At | None = None) -> duckdb.DuckDBPyRelation:
        """The rows of one SELECT over the store's views, as a DuckDB relation (``.df()``, ``.arrow()``, ``.pl()``).

        ``at`` reads the store as it was: at a version of the store, or at a time. Raises StoreError for a query that
        does not parse, writes, or reads outside the store.
        """
        return query(self.connect(at), text)

    def recipe(self, dataset: str) -> dict[str, Any] | None:
        """How a dataset is read: its row of the view ``recipes`` as plain values; None where none was kept."""
        rows = fetch(self.sql(f"SELECT * FROM recipes WHERE {where({'dataset': dataset})}")).to_pylist()
        return rows[0] if rows else None

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
        return fetch(self.sql(f"SELECT {columns} FROM embeddings WHERE {where(scope)}", at))
