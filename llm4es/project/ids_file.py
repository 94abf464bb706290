"""A file of ids: one a line, or a column of a table.

In: a file, and which of its columns is the id. Out: ids. Knows nothing of what they are of.
"""

import csv
from pathlib import Path

import pyarrow as pa

from ..core.errors import DataError, OptionError, one_line
from ..features.vector_columns import id_column
from ..options import ImportOptions


def read_ids(file: Path, options: ImportOptions) -> pa.ChunkedArray:
    """The ids of a file: of the column of ids, or where it has one column and no such name, of every line.

    Each once, sorted. Raises OptionError where there is no such file, DataError where it cannot be read or holds none.
    """
    if not file.is_file():
        raise OptionError(f"--seen {options.seen!r} is no file: give a file of ids, all, train, or none")
    try:
        if file.suffix.lower() == ".parquet":
            import pyarrow.parquet as pq

            table = pq.read_table(file)
            column = table.column_names[0] if table.num_columns == 1 else id_column(table.schema, options)
            ids = table[column].cast(pa.string()).to_pylist()
        else:
            with file.open(encoding="utf-8-sig", newline="") as opened:
                ids = _of_lines(list(csv.reader(opened)), options)
    except (pa.ArrowException, OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"--seen {file} cannot be read ({one_line(error)}): give one id a line") from error
    found = sorted({entity for entity in ids if entity})
    if not found:
        raise DataError(f"--seen {file} holds no id: give one a line, or `--seen none`")
    return pa.chunked_array([found], pa.string())


def _of_lines(lines: list[list[str]], options: ImportOptions) -> list[str]:
    """The first line is a header where it names the ids' column, or has several columns."""
    lines = [line for line in lines if line]
    if not lines:
        return []
    header = pa.schema([(name, pa.string()) for name in lines[0]])
    try:
        column = lines[0].index(id_column(header, options))
    except DataError:
        if len(lines[0]) > 1:
            raise
        return [line[0].strip() for line in lines]
    return [line[column].strip() for line in lines[1:] if len(line) > column]
