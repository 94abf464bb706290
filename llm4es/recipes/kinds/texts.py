"""Delimited text that DuckDB does not read as it is, made UTF-8 with one sort of line ends.

In: a file, its packing and encoding. Out: a copy in a folder, written a part at a time. Knows no columns.
"""

import codecs
import re
from collections.abc import Iterator
from pathlib import Path

from ...core.errors import DataError
from .packing import opened, packing_of

PART = 1 << 22
"""Bytes at a time."""


def as_utf8(path: Path, packing: str | None, encoding: str, target: Path) -> None:
    """Write what a file says as UTF-8."""
    with target.open("wb") as file:
        for part in decoded(path, packing, encoding):
            file.write(part.encode("utf-8"))


def decoded(path: Path, packing: str | None, encoding: str) -> Iterator[str]:
    """What a file says, a part at a time."""
    decoder = codecs.getincrementaldecoder(encoding)()
    at = 0
    try:
        with opened(path, packing) as file:
            while part := file.read(PART):
                yield decoder.decode(part).removeprefix("" if at else "\ufeff")
                at += len(part)
            yield decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        value, place = error.object[error.start : error.start + 1].hex(), at + error.start
        raise DataError(
            f"{path}: byte {value} some {place} bytes in is no {encoding}: mend the file or give its 'encoding'"
        ) from error


def has_mixed_line_ends(path: Path) -> bool:
    """Whether lines of a file end in several ways."""
    both, feeds, returns = 0, 0, 0
    with opened(path, packing_of(path)) as file:
        while part := file.read(PART):
            part = part.replace(b"\0", b"")  # of UTF-16
            both += part.count(b"\r\n")
            feeds, returns = feeds + part.count(b"\n"), returns + part.count(b"\r")
    return len([count for count in (both, feeds - both, returns - both) if count > 0]) > 1


def with_one_line_end(source: Path, packing: str | None, quote: str, target: Path) -> None:
    """Write text with ``\\n`` behind each line, whatever stands there; line breaks inside quotes stay."""
    between = quote.encode() or None
    quoted, tail = False, b""
    with opened(source, packing) as read, target.open("wb") as written:
        while part := read.read(PART):
            part = tail + part
            tail = b"\r" if part.endswith(b"\r") else b""  # its line feed may come with the next part
            pieces = part[: len(part) - len(tail)].split(between) if between else [part[: len(part) - len(tail)]]
            for at, piece in enumerate(pieces):
                if at:
                    quoted = not quoted
                    written.write(quote.encode())
                written.write(piece if quoted else re.sub(rb"\r\n?", b"\n", piece))
        written.write(tail if quoted else tail.replace(b"\r", b"\n"))
