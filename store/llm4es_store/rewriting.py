"""Files written anew without some of their rows, and files of new rows: what one commit puts in place of what was.

In: a table's snapshot, the places of rows in its files, new rows. Out: files, and a commit. Knows not what rows mean.

A file becomes one file, in its own columns and its own order: it covers the same keys as before, and is found by them.
New rows lie in files of their own, the newest ones, where the next change looks for what changes often.
"""

import json
import urllib.parse
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from llm4es.core import schemas
from llm4es.core.errors import StoreError
from llm4es.core.sql import Scope

from .damage import table_name
from .data_file import DataFile
from .delta import Table
from .delta_errors import ConflictError
from .layout import StoreLayout
from .log import REMEDY
from .parquet import arrow_properties, distinct_in, numbers_of, repeated_in, rows_at_once
from .remote_folders import remote_filesystem
from .rows import stamped

_LONGEST_BOUND = 200
"""Characters of a bound that a log is told: every reader of the table reads all of them."""

Places = npt.NDArray[np.int64]
"""Numbers of rows in a file, from 0, ascending."""


def change(
    table: Table,
    gone: Mapping[str, tuple[DataFile, Places]],
    rows: pa.Table | None,
    key: Sequence[str],
    run_id: str,
    scope: Scope,
) -> int:
    """Take rows out of the files that hold them, and put ``rows`` in, in one commit; returns its version.

    Raises ConflictError where another writer came first: nothing is left of what was written then.
    """
    added: list[DataFile] = []
    try:
        for file, places in gone.values():
            if (left := without(table.path, file, places, table.bounded)) is not None:
                added.append(left)
        if rows is not None and len(rows):
            table.refuse_long_names(rows)
            added += new_files(table, rows, key, (file for file, _ in gone.values()))
    except BaseException:
        discard(table.path, added)
        raise
    n_rows = 0 if rows is None else len(rows)
    return _committed(table, [file for file, _ in gone.values()], added, run_id, scope, n_rows)


def merge(table: Table, files: Sequence[DataFile], run_id: str) -> DataFile:
    """Put one file in the place of several of one folder, with the same rows in their order, in one commit.

    Raises ConflictError as ``change`` does.
    """
    with ExitStack() as opened:
        sources = [opened.enter_context(_opened(table.path, file.path, "rb")) for file in files]
        parts = [opened.enter_context(pq.ParquetFile(source)) for source in sources]
        schema = pa.unify_schemas([part.schema_arrow for part in parts])
        batches = (
            stamped(pa.Table.from_batches([batch]), schema, {})
            for part, file in zip(parts, files, strict=True)
            for batch in _read(part, table.path, file.path)
        )
        merged = _written(table.path, files[0].folder, files[0].partition, together(batches), table.bounded)
    _committed(table, files, [merged], run_id, None, 0)
    return merged


def _committed(
    table: Table,
    removed: Sequence[DataFile],
    added: Sequence[DataFile],
    run_id: str,
    scope: Scope | None,
    n_rows: int,
) -> int:
    """Commit files that are written; where another writer came first, nothing is left of them."""
    try:
        return table.change(removed, added, run_id, scope, n_rows=n_rows)
    except ConflictError:  # of any other error nobody knows whether the commit was made: `gc` finds what was not
        table.refresh()
        live = set(table.paths())
        discard(table.path, [file for file in added if file.path not in live])
        raise


def together(batches: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The same rows in pieces about as large as a group of a file's rows: nobody reads small groups fast.

    A group that has lost a few rows stays one, with the dictionaries that it had.
    """
    held: list[pa.Table] = []
    for batch in batches:
        held.append(batch)
        if 2 * sum(map(len, held)) >= rows_at_once(batch.schema):
            yield pa.concat_tables(held)
            held = []
    if held:
        yield pa.concat_tables(held)


def without(table: str, file: DataFile, gone: Places, bounded: Sequence[str]) -> DataFile | None:
    """Write a file anew without the rows at these places; None: no row is left, and nothing was written.

    ``bounded`` are columns whose least and greatest value the log keeps. Raises StoreError for a file that is damaged.
    """
    if len(gone) >= file.rows:
        return None
    with _opened(table, file.path, "rb") as source, _parquet(source, table, file.path) as before:

        def survivors() -> Iterator[pa.Table]:
            begin = 0
            for batch in _read(before, table, file.path):
                first, end = np.searchsorted(gone, [begin, begin + batch.num_rows])
                kept = np.ones(batch.num_rows, dtype=bool)
                kept[gone[first:end] - begin] = False
                begin += batch.num_rows
                rows = pa.Table.from_batches([batch])
                yield rows if end == first else rows.filter(pa.array(kept))

        return _written(table, file.folder, file.partition, together(survivors()), bounded)


def _parquet(source: IO[bytes], table: str, path: str) -> pq.ParquetFile:
    """A file whose texts come as the dictionaries that they are kept as. Raises StoreError where it is none."""
    with _readable(table, path):
        told = pq.read_metadata(source)
        source.seek(0)
        return pq.ParquetFile(source, metadata=told, read_dictionary=repeated_in(told, told.schema.to_arrow_schema()))


def _read(before: pq.ParquetFile, table: str, path: str) -> Iterator[pa.RecordBatch]:
    """A file's rows, some of one group at a time. Raises StoreError where they cannot be read."""
    with _readable(table, path):
        for group in range(before.num_row_groups):
            yield from before.iter_batches(rows_at_once(before.schema_arrow), row_groups=[group])


@contextmanager
def _readable(table: str, path: str) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        told = " ".join(str(error).split())
        name = table_name(table)
        raise StoreError(f"table {name} is damaged: its file {path} cannot be read ({told}): {REMEDY}") from error


def new_files(table: Table, rows: pa.Table, key: Sequence[str], known: Iterable[DataFile] = ()) -> list[DataFile]:
    """Write rows, those of each partition into a file of its own, ordered by ``key``.

    ``known`` files show where partitions lie whose folders other programs have named.
    """
    folders = {tuple(file.partition.items()): file.folder for file in known}
    written: list[DataFile] = []
    try:
        for partition, own in _by_partition(rows, table.partition_by):
            folder = folders.get(tuple(partition.items())) or "/".join(
                f"{column}={urllib.parse.quote(str(value), safe='')}" for column, value in partition.items()
            )
            order = [(column, "ascending") for column in key if column in own.column_names]
            own = own.sort_by(order) if order else own
            step = rows_at_once(own.schema)
            batches = (own.slice(begin, step) for begin in range(0, len(own), step))
            written.append(_written(table.path, folder, partition, batches, table.bounded))
    except BaseException:
        discard(table.path, written)
        raise
    return written


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


def _written(table: str, folder: str, partition: Any, batches: Iterator[pa.Table], bounded: Sequence[str]) -> DataFile:
    """Write batches of at least one row into one new file of a folder."""
    path = f"{folder}/part-{uuid.uuid4()}.parquet".lstrip("/")
    bounds: dict[str, tuple[Any, Any, int]] = {}  # column -> least, greatest, nulls
    count = 0
    if "://" not in table:
        (Path(table) / folder).mkdir(parents=True, exist_ok=True)
    try:
        with _opened(table, path, "wb") as sink:
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
def _opened(table: str, path: str, mode: str) -> Iterator[IO[bytes]]:
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
