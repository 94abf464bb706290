"""Data files of a table that no commit names yet: written by Arrow, with what the log is to be told of them.

In: a table's snapshot, rows, all at once or as they come. Out: files. Commits nothing, and knows not what rows mean.
"""

import json
import urllib.parse
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc

from llm4es.core import schemas
from llm4es.core.sql import Scope

from .data_file import DataFile
from .delta import TARGET_SIZE, Table
from .layout import StoreLayout
from .parquet import arrow_properties, distinct_in, numbers_of, rows_at_once
from .remote_folders import remote_filesystem

_LONGEST_BOUND = 200
"""Characters of a bound that a log is told: every reader of the table reads all of them."""


def new_files(table: Table, rows: pa.Table, key: Sequence[str], known: Iterable[DataFile] = ()) -> list[DataFile]:
    """Write rows, those of each partition into a file of its own, ordered by ``key``.

    ``known`` files show where partitions lie whose folders other programs have named.
    """
    folders = {tuple(file.partition.items()): file.folder for file in known}
    written: list[DataFile] = []
    try:
        for partition, own in _by_partition(rows, table.partition_by):
            folder = folders.get(tuple(partition.items())) or _folder(partition)
            order = [(column, "ascending") for column in key if column in own.column_names]
            own = own.sort_by(order) if order else own
            step = rows_at_once(own.schema)
            batches = (own.slice(begin, step) for begin in range(0, len(own), step))
            written.append(written_file(table.path, folder, partition, batches, table.bounded))
    except BaseException:
        discard(table.path, written)
        raise
    return written


def streamed_files(
    table: Table, batches: Iterable[pa.Table], scope: Scope, known: Sequence[DataFile]
) -> list[DataFile]:
    """Write rows of one partition as they come, into files of ``TARGET_SIZE`` each."""
    partition: dict[str, str | None] = {column: str(scope[column]) for column in table.partition_by}
    folder = next((file.folder for file in known if file.partition == partition), _folder(partition))
    coming = iter(batches)
    written: list[DataFile] = []

    def one_file(first: pa.Table) -> Iterator[pa.Table]:
        size = 0
        for rows in chain([first], coming):
            if not written:
                table.refuse_long_names(rows)
            yield rows.drop_columns(list(partition))
            size += rows.nbytes
            if size >= TARGET_SIZE:
                return

    try:
        while (first := next(coming, None)) is not None:
            written.append(written_file(table.path, folder, partition, one_file(first), table.bounded))
    except BaseException:
        discard(table.path, written)
        raise
    return written


def _folder(partition: Mapping[str, str | None]) -> str:
    return "/".join(f"{column}={urllib.parse.quote(str(value), safe='')}" for column, value in partition.items())


def discard(table: str, files: Iterable[DataFile]) -> None:
    """Take files away that no commit has come to name."""
    for file in files:
        with suppress(OSError):
            if "://" in table:
                _filesystem(table).rm_file(f"{_bare(table)}/{file.path}")
            else:
                (Path(table) / file.path).unlink()


def _by_partition(rows: pa.Table, partition_by: Sequence[str]) -> Iterator[tuple[dict[str, str | None], pa.Table]]:
    """The rows of each partition, without the columns that are its folder's."""
    if not partition_by:
        yield {}, rows
        return
    texts = [rows[column].cast(pa.string()) for column in partition_by]
    for values in pa.table(texts, list(partition_by)).group_by(list(partition_by)).aggregate([]).to_pylist():
        mine = pa.array([True] * len(rows))
        for column, held in zip(partition_by, texts, strict=True):
            mine = pc.and_(mine, pc.equal(held, values[column]))
        yield values, rows.filter(mine).drop_columns(list(partition_by))


def written_file(
    table: str, folder: str, partition: Any, batches: Iterator[pa.Table], bounded: Sequence[str]
) -> DataFile:
    """Write batches of at least one row into one new file of a folder."""
    import pyarrow.parquet as pq  # brings along clients of every cloud

    path = f"{folder}/part-{uuid.uuid4()}.parquet".lstrip("/")
    bounds: dict[str, tuple[Any, Any, int]] = {}  # column -> least, greatest, nulls
    count = 0
    if "://" not in table:
        (Path(table) / folder).mkdir(parents=True, exist_ok=True)
    try:
        with opened(table, path, "wb") as sink:
            batches = (rows for rows in batches if len(rows))
            first = next(batches)
            sought = [*bounded, *(field.name for field in schemas.KEPT_BY)]
            how = arrow_properties(first.schema, numbers_of(first), distinct_in(first), sought)
            with pq.ParquetWriter(sink, first.schema, **how) as writer:
                for rows in chain([first], batches):
                    writer.write_table(rows)
                    count += len(rows)
                    _widen(bounds, rows, bounded)
            size = sink.tell()
    except BaseException:
        discard(table, [DataFile(path, 0, 0, partition)])
        raise
    return DataFile(path, size, count, partition, _statistics(count, bounds))


def _widen(bounds: dict[str, tuple[Any, Any, int]], rows: pa.Table, bounded: Sequence[str]) -> None:
    for column in bounded:
        if column in rows.column_names and _is_bounded(rows.schema.field(column).type):
            found = pc.min_max(_spelled(rows[column])).as_py()
            least, greatest, nulls = bounds.get(column, (None, None, 0))
            low = [value for value in (least, found["min"]) if value is not None]
            high = [value for value in (greatest, found["max"]) if value is not None]
            bounds[column] = (min(low, default=None), max(high, default=None), nulls + rows[column].null_count)


def _spelled(column: pa.ChunkedArray) -> pa.ChunkedArray | pa.Array:
    """The values that stand in a column: of a dictionary some may have gone with their rows."""
    return column.unique().cast(pa.string()) if pa.types.is_dictionary(column.type) else column


def _is_bounded(type_: pa.DataType) -> bool:
    """Whether the log keeps bounds of it as they are: text and whole numbers; a time would have to be spelled."""
    text = pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_dictionary(type_)
    return bool(text or pa.types.is_integer(type_))


def _is_short(*values: str | int) -> bool:
    return all(isinstance(value, int) or len(value) <= _LONGEST_BOUND for value in values)


def _statistics(count: int, bounds: dict[str, tuple[Any, Any, int]]) -> str:
    known = {column: found for column, found in bounds.items() if found[0] is not None and _is_short(*found[:2])}
    return json.dumps(
        {
            "numRecords": count,
            "minValues": {column: found[0] for column, found in known.items()},
            "maxValues": {column: found[1] for column, found in known.items()},
            "nullCount": {column: found[2] for column, found in bounds.items()},
        }
    )


@contextmanager
def opened(table: str, path: str, mode: str) -> Iterator[IO[bytes]]:
    if "://" in table:
        with _filesystem(table).open(f"{_bare(table)}/{path}", mode) as file:
            yield file
    else:
        with pa.OSFile(str(Path(table) / path), mode) as file:
            yield file


def _filesystem(table: str) -> Any:
    return remote_filesystem(StoreLayout(table))


def _bare(table: str) -> str:
    return table.partition("://")[2]
