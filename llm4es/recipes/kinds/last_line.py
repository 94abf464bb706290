"""The last line of delimited text: DuckDB drops one that is longer than what it reads at once, and says nothing.

In: a file. Out: nothing, or a refusal. Lines before the last one DuckDB refuses by itself.
"""

import os
from pathlib import Path

from ...core.errors import DataError, one_line
from .packing import BROKEN, opened, packing_of

LONGEST = 16 << 20
"""Bytes; DuckDB reads 32 MB at once, and lines of up to 2 MB."""

PART = 1 << 20
"""Bytes at a time."""


def check_last_line(path: Path) -> None:
    """Refuse a file whose last line would be left out."""
    packing = packing_of(path)
    if packing is None:
        length = _of_end(path)
    elif packing == "gzip" and _said_size(path) <= LONGEST:
        return
    else:
        try:
            length = _of_stream(path, packing)
        except BROKEN as error:
            raise DataError(f"cannot read {path}: {one_line(error)}") from error
    if length > LONGEST:
        raise DataError(f"{path.name}: the last line has {length >> 20} MB, and a line has 2 MB at most: mend the file")


def _of_end(path: Path) -> int:
    """The length of the last line, at least: read from the end until a line ends."""
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        at, first = end, True
        while at > 0 and end - at <= 2 * LONGEST:
            start = max(at - PART, 0)
            file.seek(start)
            part = file.read(at - start)
            part, first = part.rstrip(b"\r\n") if first else part, False
            if max(part.rfind(b"\n"), part.rfind(b"\r")) >= 0:
                break
            at = start
    return end - at


def _of_stream(path: Path, packing: str) -> int:
    """The length of the last line of a packed file, which has to be read as a whole."""
    length, ended = 0, False
    with opened(path, packing) as file:
        while part := file.read(PART):
            line = part.rstrip(b"\r\n")
            if line:
                ends = max(line.rfind(b"\n"), line.rfind(b"\r"))
                length = len(line) - ends - 1 if ends >= 0 else len(line) + (0 if ended else length)
            ended = len(line) < len(part) or (ended and not line)
    return length


def _said_size(path: Path) -> int:
    """What a gzip file says of its size: of the last member, and of large ones the remainder of 4 GB."""
    with path.open("rb") as file:
        file.seek(-4, os.SEEK_END)
        size = int.from_bytes(file.read(4), "little")
    return size if path.stat().st_size < PART else max(size, LONGEST + 1)
