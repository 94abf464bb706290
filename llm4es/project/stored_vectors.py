"""Vectors of the store as numbers: those of the entities asked for, or everybody's a block at a time.

In: a store, SELECTs of vectors. Out: a feature set, or blocks. Writes nothing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..core.limits import Limits
from ..core.spilled import rest, spilled
from ..core.sql import literal

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from duckdb import DuckDBPyConnection
    from numpy.typing import NDArray

    from llm4es_store import Store

    from ..features.feature_set import FeatureSet

ROWS_AT_ONCE = 2_048
"""Vectors that lie in memory beside the matrix that they are read into: DuckDB's own number."""

ONE_BY_ONE = Limits(threads=1)
"""How they are read: each thread would hold a group of a file's rows."""


@dataclass(frozen=True)
class StoredVectors:
    """What loads the rows of one source."""

    store: "Store"
    """Where they are."""
    queries: Sequence[str]
    """SELECTs of ``entity_id`` and ``vector``: of one embedding, or of the layers whose mean is taken."""
    name: str
    model: str
    k: int | None
    width: int
    seen: frozenset[str]
    """Whom the model has met."""
    content: Callable[[], str]
    """What they were made from."""

    def __call__(self, among: str | None = None) -> "FeatureSet":
        """Their ids, sorted, and the matrix, which is filled as the rows go by: no other copy of it is made.

        Parameters
        ----------
        among : str, optional
            SELECT of the entities whose rows are read; None: everybody.

        Returns
        -------
        FeatureSet
            (N, D) float32.
        """
        return self.part("true" if among is None else f"entity_id IN ({among})")

    def part(self, condition: str, learnt: "Mapping[str, Any] | None" = None) -> "FeatureSet":
        """The same of the entities that an SQL condition picks; nothing is learnt for it."""
        import numpy as np

        from ..features.feature_set import FeatureSet

        queries = [f"{query} AND {condition}" for query in self.queries]
        self.store.sql(queries[0])  # not run: a damaged table says so in a line
        with self.store.connect(limits=ONE_BY_ONE) as connection:  # one state of the store, also where others write
            theirs = connection.sql(f"SELECT entity_id FROM ({queries[0]}) ORDER BY entity_id").to_arrow_table()
            ids = theirs["entity_id"].to_pylist()
            place = {entity: at for at, entity in enumerate(ids)}
            matrix = spilled((len(ids), self.width), np.float32)  # (N, D)
            for number, query in enumerate(queries):
                for batch in connection.sql(query).to_arrow_reader(ROWS_AT_ONCE):
                    vectors = _numbers(batch)
                    at = [place[entity] for entity in batch["entity_id"].to_pylist()]
                    matrix[at] = vectors if number == 0 else matrix[at] + vectors
                    rest(matrix)
        if len(queries) > 1:
            matrix /= len(queries)  # the mean over layers
        return FeatureSet(
            name=self.name,
            entity_ids=ids,
            matrix=matrix,
            model=self.model,
            k=self.k,
            seen=self.seen,
            source_hash=self.content(),
        )

    def one(self, connection: "DuckDBPyConnection", entity: str) -> "NDArray[np.float32] | None":
        """The (D,) numbers of one entity in one embedding; None: it has none. Little else of the files is read."""
        query = f"{self.queries[0]} AND entity_id = {literal(entity)}"
        for batch in connection.sql(query).to_arrow_reader(1):
            if batch.num_rows:
                vector: NDArray[np.float32] = _numbers(batch)[0]
                return vector
        return None

    def blocks(self, connection: "DuckDBPyConnection") -> "Iterator[tuple[pa.StringArray, NDArray[np.float32]]]":
        """Ids and numbers of one embedding, some at a time, in no order.

        Yields
        ------
        tuple of pyarrow.StringArray, numpy.ndarray
            (rows,) and (rows, D) float32.
        """
        for batch in connection.sql(self.queries[0]).to_arrow_reader(ROWS_AT_ONCE):
            if batch.num_rows:
                yield batch["entity_id"], _numbers(batch)


def _numbers(batch: "pa.RecordBatch") -> "NDArray[np.float32]":
    """The vectors (rows, D)."""
    numbers: NDArray[np.float32] = batch["vector"].flatten().to_numpy(zero_copy_only=False)
    return numbers.reshape(batch.num_rows, -1)
