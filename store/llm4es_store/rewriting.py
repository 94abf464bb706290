"""Files written anew without some of their rows, and files of new rows: what one commit puts in place of what was.

In: a table's snapshot, the places of rows in its files, new rows. Out: files, and a commit. Knows not what rows mean.

A file becomes one file, in its own columns and its own order: it covers the same keys as before, and is found by them.
New rows lie in files of their own, the newest ones, where the next change looks for what changes often.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import IO, TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from llm4es.core.errors import StoreError
from llm4es.core.sql import Scope

from .damage import table_name
from .data_file import DataFile
from .delta import Table
from .delta_errors import ConflictError
from .log import REMEDY
from .new_files import discard, new_files, opened, streamed_files, written_file
from .parquet import repeated_in, rows_at_once
from .rows import plain, stamped

if TYPE_CHECKING:
    import pyarrow.parquet as pq

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
    added = _left(table, gone)
    try:
        if rows is not None and len(rows):
            table.refuse_long_names(rows)
            added += new_files(table, rows, key, (file for file, _ in gone.values()))
    except BaseException:
        discard(table.path, added)
        raise
    n_rows = 0 if rows is None else len(rows)
    return _committed(table, [file for file, _ in gone.values()], added, run_id, scope, n_rows)


def change_to_files(
    table: Table,
    gone: Mapping[str, tuple[DataFile, Places]],
    files: Sequence[DataFile],
    run_id: str,
    scope: Scope,
    n_rows: int,
) -> int:
    """Take rows out of the files that hold them, and put files in that are written already; returns the version.

    Raises ConflictError as ``change`` does: the files that came stay as they are, for another attempt.
    """
    return _committed(table, [file for file, _ in gone.values()], _left(table, gone), run_id, scope, n_rows, files)


def replace(
    table: Table, gone: Mapping[str, tuple[DataFile, Places]], batches: Iterable[pa.Table], run_id: str, scope: Scope
) -> tuple[int, int]:
    """Put rows, as they come, in the place of those at some places, in one commit; returns its version and how many.

    They are of one partition, all of whose columns are in the scope, and lie in the order that they come in. Raises
    ConflictError as ``change`` does.
    """
    known = [file for file, _ in gone.values()]
    added = _left(table, gone)
    try:
        new = streamed_files(table, batches, scope, known)
    except BaseException:
        discard(table.path, added)
        raise
    n_rows = sum(file.rows for file in new)
    return _committed(table, known, [*added, *new], run_id, scope, n_rows), n_rows


def merge(table: Table, files: Sequence[DataFile], run_id: str) -> DataFile:
    """Put one file in the place of several of one folder, with the same rows in their order, in one commit.

    Raises ConflictError as ``change`` does.
    """
    import pyarrow.parquet as pq  # brings along clients of every cloud

    with ExitStack() as stack:
        sources = [stack.enter_context(opened(table.path, file.path, "rb")) for file in files]
        parts = [stack.enter_context(pq.ParquetFile(source)) for source in sources]
        schema = pa.unify_schemas([plain(part.schema_arrow) for part in parts])  # some may have dictionaries
        batches = (
            stamped(pa.Table.from_batches([batch]), schema, {})
            for part, file in zip(parts, files, strict=True)
            for batch in _read(part, table.path, file.path)
        )
        merged = written_file(table.path, files[0].folder, files[0].partition, together(batches), table.bounded)
    _committed(table, files, [merged], run_id, None, 0)
    return merged


def _committed(
    table: Table,
    removed: Sequence[DataFile],
    added: Sequence[DataFile],
    run_id: str,
    scope: Scope | None,
    n_rows: int,
    came: Sequence[DataFile] = (),
) -> int:
    """Commit files that are written; where another writer came first, nothing is left of those ``added``."""
    try:
        return table.change(removed, [*added, *came], run_id, scope, n_rows=n_rows)
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


def _left(table: Table, gone: Mapping[str, tuple[DataFile, Places]]) -> list[DataFile]:
    """What is left of files: each written anew without some of its rows, where it has others."""
    written: list[DataFile] = []
    try:
        for file, places in gone.values():
            if (left := without(table.path, file, places, table.bounded)) is not None:
                written.append(left)
    except BaseException:
        discard(table.path, written)
        raise
    return written


def without(table: str, file: DataFile, gone: Places, bounded: Sequence[str]) -> DataFile | None:
    """Write a file anew without the rows at these places; None: no row is left, and nothing was written.

    ``bounded`` are columns whose least and greatest value the log keeps. Raises StoreError for a file that is damaged.
    """
    if len(gone) >= file.rows:
        return None
    with opened(table, file.path, "rb") as source, _parquet(source, table, file.path) as before:

        def survivors() -> Iterator[pa.Table]:
            begin = 0
            for batch in _read(before, table, file.path):
                first, end = np.searchsorted(gone, [begin, begin + batch.num_rows])
                kept = np.ones(batch.num_rows, dtype=bool)
                kept[gone[first:end] - begin] = False
                begin += batch.num_rows
                rows = pa.Table.from_batches([batch])
                yield rows if end == first else rows.filter(pa.array(kept))

        return written_file(table, file.folder, file.partition, together(survivors()), bounded)


def _parquet(source: IO[bytes], table: str, path: str) -> "pq.ParquetFile":
    """A file whose texts come as the dictionaries that they are kept as. Raises StoreError where it is none."""
    import pyarrow.parquet as pq  # heavy, as above

    with _readable(table, path):
        told = pq.read_metadata(source)
        source.seek(0)
        return pq.ParquetFile(source, metadata=told, read_dictionary=repeated_in(told, told.schema.to_arrow_schema()))


def _read(before: "pq.ParquetFile", table: str, path: str) -> Iterator[pa.RecordBatch]:
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
