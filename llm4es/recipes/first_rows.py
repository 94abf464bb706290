"""The first rows of delimited text: what stands before the header, the header, and some rows behind it.

In: a file as DuckDB reads it, and what a recipe says of it. Out: rows of texts. Judges no value.
"""

import codecs
import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ..core.errors import DataError
from .kinds import Readable
from .kinds.packing import opened
from .model import RawTable

ROWS = 20
"""Rows that are looked at, the header with them."""

BYTES = 1 << 20
"""Bytes that they are taken from; a longer row counts as far as it goes."""

SEPARATOR = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
"""Excel's own first line: what stands between columns."""

VALUE = re.compile(r"[+-]?[$€£¥]?\d[\d.,:/ TZ%+-]*")
"""A number or a time."""


@dataclass(frozen=True)
class FirstRows:
    """How a file of delimited text begins."""

    delimiter: str
    skip: int
    """Lines before the header: those without any value, and Excel's ``sep=;``."""
    rows: tuple[tuple[str, ...], ...]

    @property
    def short_by(self) -> int:
        """How many names the header has less than every row behind it has values; 0 where rows differ.

        One less is R's ``write.table``, which names no column for the names of rows.
        """
        lengths = {len(row) for row in self.rows[1:] if row}
        return lengths.pop() - len(self.rows[0]) if len(lengths) == 1 and self.rows else 0


def first_rows(spec: RawTable, path: Path, file: Readable) -> FirstRows:
    """How a file begins."""
    encoding = "utf-8-sig" if file.encoding == "utf-8" else file.encoding
    try:
        with opened(file.path, file.packing) as stream:
            start = stream.read(BYTES)
        # bytes that are no text are refused in the header and nowhere else: DuckDB says where they are
        text = codecs.getincrementaldecoder(encoding)(errors="surrogateescape").decode(start)
        return rows_of(text, spec.delimiter, spec.quote, whole=len(start) < BYTES)
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"cannot read the header of {path}: {error}; mend the file or give its 'encoding'") from error


def rows_of(text: str, delimiter: str, quote: str, whole: bool = True) -> FirstRows:
    """The first rows of a text; where it is not ``whole``, its last row is cut and left out."""
    skip, lines = 0, io.StringIO(text, newline="")
    for line in iter(lines.readline, ""):
        if said := SEPARATOR.fullmatch(line):
            delimiter = said[1]
        elif line.strip(f"{delimiter} \t\r\n"):
            lines.seek(lines.tell() - len(line))
            break
        skip += 1
    dialect = {"quotechar": quote} if quote else {"quotechar": None, "quoting": csv.QUOTE_NONE}
    csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))  # one value may be all of it
    rows = list(islice(csv.reader(lines, delimiter=delimiter, **dialect), ROWS))
    if not whole and 1 < len(rows) < ROWS:
        rows = rows[:-1]
    return FirstRows(delimiter, skip, tuple(tuple(row) for row in rows))


def names_of(row: Sequence[str]) -> list[str]:
    """A header as names of columns: SQL has no nameless ones."""
    return [name.strip() or f"column_{at}" for at, name in enumerate(row, start=1)]


def is_value(cell: str) -> bool:
    """Whether a cell is a number or a time, which no column is called."""
    return VALUE.fullmatch(cell.strip()) is not None
