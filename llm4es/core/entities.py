"""Rows that belong to entities: where each begins, batches that end where one ends, and who is among whom.

In: Arrow rows in which an entity's rows stand together. Out: row numbers, batches, masks. Knows no stage.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Index = npt.NDArray[np.int64]


def whole_entities(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same rows in batches that end where an entity ends."""
    kept: list[pa.RecordBatch] = []  # of the last entity met: more of it may follow
    for batch in batches:
        if not batch.num_rows:
            continue
        starts = entity_starts(batch["entity_id"])
        same = bool(kept) and kept[-1]["entity_id"][-1] == batch["entity_id"][0]
        if same and len(starts) == 1:
            kept.append(batch)
            continue
        last = int(starts[-1])
        if whole := [*kept, *([batch.slice(0, last)] if last else [])]:
            yield pa.concat_batches(whole)
        kept = [batch.slice(last)]
    if kept:
        yield pa.concat_batches(kept)


def entity_starts(ids: pa.Array) -> Index:
    """The first row of each entity; equal ids stand together."""
    changed = pc.not_equal(ids.slice(1), ids.slice(0, len(ids) - 1)).to_numpy(zero_copy_only=False)
    return np.concatenate([np.zeros(1, np.int64), np.flatnonzero(changed) + 1])


def by_distinct(values: pa.Array, of: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """``of`` the distinct values, put where they stand: a column has far fewer of them than rows."""
    encoded = values.dictionary_encode()
    return of(encoded.dictionary).take(encoded.indices)


def among(rows: pa.Table, others: pa.Table, key: Sequence[str]) -> pa.ChunkedArray:
    """For each row, whether its key is one of the others' (Arrow's own joins take no list columns)."""
    return pc.is_in(_keys(rows, key), value_set=_keys(others, key).combine_chunks())


class KnownKeys:
    """The keys of many rows, asked again and again for those of few: each time they are gone through, never built anew.

    Parameters
    ----------
    rows : pyarrow.Table
        Many rows.
    key : sequence of str
        Columns of a key.

    Examples
    --------
    >>> import pyarrow as pa
    >>> known = KnownKeys(pa.table({"entity_id": ["a", "a", "b"], "k": [1, 8, 1]}), ("entity_id", "k"))
    >>> few = pa.table({"entity_id": ["a", "b"], "k": [8, 8]})
    >>> known.hold(few).to_pylist(), known.count(few)
    ([True, False], 1)
    """

    def __init__(self, rows: pa.Table, key: Sequence[str]) -> None:
        self._key = key
        self._keys = _keys(rows, key)

    def hold(self, rows: pa.Table) -> pa.ChunkedArray:
        """For each of a few rows, whether its key is known."""
        asked = _keys(rows, self._key)
        met = self._keys.filter(pc.is_in(self._keys, value_set=asked.combine_chunks()))
        return pc.is_in(asked, value_set=met.combine_chunks())

    def count(self, rows: pa.Table) -> int:
        """How many of the known keys these rows bear."""
        asked = _keys(rows, self._key).combine_chunks()
        return int(pc.sum(pc.is_in(self._keys, value_set=asked), min_count=0).as_py())


def _keys(table: pa.Table, key: Sequence[str]) -> pa.ChunkedArray:
    """Each row's key as one text."""
    parts = [table[column].cast(pa.string()) for column in key]
    lengths = [pc.binary_length(part).cast(pa.string()) for part in parts]  # so that 'a','bc' is not 'ab','c'
    return pc.binary_join_element_wise(*parts, *lengths, "/")
