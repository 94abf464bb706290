"""Vectors on their way into the store: on the disk, beside what memory holds of them, to be read in order of their ids.

In: checked batches as a file has them. Out: ids and hashes, and the vectors a block at a time. Knows no store.
"""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from ..core.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BYTES_AT_ONCE = 16 * 2**20
"""Of vectors in memory."""

_MOST_ROWS = 2**14
"""Rows of a block: as many as lie in a group of a file of the store."""

_KEYS = pa.schema([("entity_id", pa.string()), ("source_hash", pa.string())])


@dataclass(frozen=True)
class VectorSpool:
    """Ids, hashes and vectors of a whole file."""

    keys: pa.Table
    """``entity_id`` and ``source_hash``, sorted by id."""
    width: int
    """Numbers a vector."""
    places: "NDArray[np.int64]"
    """(N,) where the vector of each key is in the file."""
    file: IO[bytes]
    """float32, without a gap."""

    def blocks(self) -> "Iterator[tuple[pa.Table, NDArray[np.float32]]]":
        """(N,) keys and their (N, D) vectors, in order."""
        import numpy as np

        step = max(1, min(_MOST_ROWS, BYTES_AT_ONCE // (4 * self.width)))
        for begin in range(0, len(self.keys), step):
            places = self.places[begin : begin + step]
            matrix = np.empty((len(places), self.width), np.float32)  # (N, D)
            for row, place in zip(matrix, (places * self.width * 4).tolist(), strict=True):
                self.file.seek(place)
                self.file.readinto(row)  # type: ignore[attr-defined]  # a raw file
            yield self.keys.slice(begin, step), matrix


@contextmanager
def spooled(batches: Iterable[pa.RecordBatch]) -> Iterator[VectorSpool]:
    """Read all batches; their vectors go to a file of this machine, which is gone afterwards.

    ``batches`` have ``entity_id``, ``source_hash``, ``vector``, all of one width, and ``dim``. Raises DataError where
    there is no room.

    Examples
    --------
    >>> rows = {"entity_id": ["b", "a"], "source_hash": ["1", "2"], "dim": [1, 1], "vector": [[0.5], [2.0]]}
    >>> with spooled([pa.record_batch(rows | {"vector": pa.array(rows["vector"], pa.list_(pa.float32()))})]) as spool:
    ...     [(keys["entity_id"].to_pylist(), matrix.tolist()) for keys, matrix in spool.blocks()]
    [(['a', 'b'], [[2.0], [0.5]])]
    """
    with tempfile.TemporaryFile(prefix="llm4es-", buffering=0) as file:
        keys, width = [_KEYS.empty_table()], 0
        for batch in (batch for batch in batches if len(batch)):
            keys.append(pa.Table.from_batches([batch.select(_KEYS.names)]))
            width = batch["dim"][0].as_py()
            _write(file, memoryview(batch["vector"].flatten().to_numpy()).cast("B"))
        keys[:] = [pa.concat_tables(keys)]
        order = pc.sort_indices(keys[0]["entity_id"])
        keys[:] = [keys[0].take(order)]  # what was in another order is held no longer
        pa.default_memory_pool().release_unused()  # Arrow keeps what it may need again
        yield VectorSpool(keys[0], width, order.to_numpy().astype("int64"), file)


def _write(file: IO[bytes], content: memoryview) -> None:
    try:
        while content:
            content = content[file.write(content) :]
    except OSError as error:
        folder = tempfile.gettempdir()
        raise DataError(f"no room for the vectors beside the store ({folder}: {error.strerror}): set TMPDIR") from error
