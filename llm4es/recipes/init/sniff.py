"""How an unknown file is read: what a recipe says of its table.

In: files of one kind. Out: a RawTable, and in words what is doubtful about it. Counts nothing. DuckDB's ``sniff_csv``
does not serve here: it knows no encoding, takes the header of pandas' own ``to_csv()`` for data, and gives up the
delimiter where some lines are longer.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...core.errors import DataError, one_line
from ..first_rows import BYTES, FirstRows, is_value, rows_of
from ..kinds.encodings import guess_encoding
from ..kinds.kind import FileKind, kind_of
from ..kinds.packing import BROKEN, inner_name, opened, packing_of
from ..model import Header, RawTable
from ..readers import DELIMITERS

OTHER = "windows-1252"
"""The encoding of texts that are neither UTF-8 nor UTF-16, most often."""

TYPED = re.compile(r"\w+:(token|float)(_seq)?")
"""A column's name in the files of RecBole."""


@dataclass(frozen=True)
class Guess:
    """How a file is read."""

    spec: RawTable
    doubts: tuple[str, ...] = ()


def sniff(path: Path, paths: Sequence[str], table: str | None, encoding: str | None = None) -> Guess:
    """Look at the first bytes of a file; ``paths`` is what the recipe calls it and others like it."""
    try:
        packing = packing_of(path)
        with opened(path, packing) as file:
            start = file.read(BYTES)
    except BROKEN as error:
        raise DataError(f"cannot read {path}: {one_line(error)}") from error
    keys: dict[str, Any] = {"path": tuple(paths), "table": table}
    kind = kind_of(path, inner_name(path, packing), start, None)
    if kind is not FileKind.CSV:
        return Guess(RawTable(**keys))
    doubts = []
    found = encoding or guess_encoding(start)
    if found is None:
        found = OTHER
        doubts.append(f"encoding: {path.name} is no UTF-8 and is read as {OTHER}; it could be another, such as cp1251")
    text = start.decode(found, errors="ignore")
    if not text.strip():
        raise DataError(f"{path} is empty: its first line should name the columns")
    first = _delimited(text, len(start) < BYTES)
    keys |= {"delimiter": first.delimiter, "encoding": found.removesuffix("-sig")}
    if all(TYPED.fullmatch(name) for name in first.rows[0]):
        keys["header"] = Header.TYPED
    elif not has_header(first.rows):
        shown = ", ".join(map(repr, first.rows[0][:4]))
        doubts.append(
            f"header: the first line of {path.name} ({shown}) looks like data and is read so: name the columns in "
            "'columns', or, where it is a header, write header = \"names\" and no 'columns'"
        )
        keys |= {"header": Header.NONE, "columns": tuple(f"column_{n}" for n in range(1, len(first.rows[0]) + 1))}
    return Guess(RawTable(**keys), tuple(doubts))


def _delimited(text: str, whole: bool) -> FirstRows:
    """The first rows, by the delimiter that gives the most columns to every one of them."""

    def columns(first: FirstRows) -> tuple[int, int, int]:
        lengths = [len(row) for row in first.rows if row]
        return min(lengths), Counter(lengths).most_common(1)[0][1], len(first.rows[0])

    best = max((rows_of(text, delimiter, '"', whole) for delimiter in DELIMITERS), key=columns)
    if len(best.rows[0]) == 1:  # R's write.table puts spaces
        spaced = rows_of(text, " ", '"', whole)
        least, same, _ = columns(spaced)
        if least > 1 and same >= len(spaced.rows) - 1 > 1:
            return spaced
    return best


def has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names columns: no value of a column is its name."""
    first, rest = rows[0], [row for row in rows[1:] if row]
    if len(rest) < 2 or any(len(row) != len(first) for row in rest):
        return True
    columns = [[cell for cell in column if cell.strip()] for column in zip(*rest, strict=True)]
    values = [at for at, column in enumerate(columns) if column and all(map(is_value, column))]
    if values:
        return not all(is_value(first[at]) for at in values)
    return sum(first[at] in column for at, column in enumerate(columns)) * 2 < len(first)
