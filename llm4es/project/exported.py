"""What ``export`` gives: rows for other tools, and what their columns stand for.

In: rows. Out: a result. Knows no step and no file.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import pyarrow as pa

from .result import Result


class Exported(Result):
    """An export, and what has to be known of it.

    Parameters
    ----------
    rows : pyarrow.Table or callable
        The rows, or what reads them once more, some at a time: they lie in memory only where they are asked for at
        once, as ``to_arrow`` does.
    about : mapping
        What its columns stand for.
    parts : sequence of str, default ()
        Columns that have folders of their own.

    Examples
    --------
    >>> Exported(pa.table({"entity_id": ["a"]}), {"dataset": "shop"}).about
    {'dataset': 'shop'}
    """

    def __init__(
        self, rows: "pa.Table | Callable[[], pa.RecordBatchReader]", about: Mapping[str, Any], parts: Sequence[str] = ()
    ) -> None:
        self._read = rows if callable(rows) else rows.to_reader
        self._n_read: int | None = None
        self._names: Sequence[str] = ()
        self.about = dict(about)
        """What stands in the file beside an export: ``dataset``, ``version`` of the store, ``columns`` (name ->
        ``features`` and ``column``), ``feature_sets`` (name -> theirs); with ``since`` also who is ``gone``."""
        self.partition_by = tuple(parts)
        """Columns that have folders of their own."""

    @cached_property
    def _table(self) -> pa.Table:
        return self._read().read_all()

    @property
    def column_names(self) -> list[str]:
        """The columns, from left to right."""
        return list(self._names or self._read().schema.names)

    def __len__(self) -> int:
        return len(self._table) if self._n_read is None else self._n_read

    def reader(self, rows: int) -> pa.RecordBatchReader:
        """The rows as a stream of batches of so many: they are read while it is."""
        given = self._read()

        def batches() -> Iterator[pa.RecordBatch]:
            count = 0
            for batch in given:
                yield from (batch.slice(begin, rows) for begin in range(0, len(batch), rows))
                count += len(batch)
            self._n_read, self._names = count, given.schema.names

        return pa.RecordBatchReader.from_batches(given.schema, batches())
