"""A raw file as one that DuckDB reads by itself: the file, or a copy of it.

In: a file, what a recipe says of it, and a folder for copies. Out: where to read it and as what. A copy is made only
where DuckDB cannot read the file: other encodings and packings, Arrow, Excel, SQLite, DuckDB.
"""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ...core.errors import DataError, one_line
from ..model import RawTable
from .encodings import encoding_of
from .kind import TAKEN, FileKind, kind_of
from .packing import BROKEN, inner_name, opened, packing_of
from .tables import CONVERTERS, as_parquet
from .texts import as_utf8, with_one_line_end

START = 1 << 16
"""First bytes that kind and encoding are told from."""

NATIVE = {"utf-8": "utf-8", "utf-8-sig": "utf-8", "iso8859-1": "latin-1"}
"""Codecs that DuckDB has too, and its names for them."""

PACKINGS = (None, "gzip", "zstd")
"""What DuckDB unpacks by itself."""


@dataclass(frozen=True)
class Readable:
    """A file that DuckDB reads."""

    path: Path
    kind: FileKind
    """CSV, PARQUET or JSON."""
    packing: str | None = None
    encoding: str = "utf-8"
    """DuckDB's name for it."""

    def with_one_line_end(self, quote: str, folder: Path) -> "Readable":
        """A copy whose lines all end in one way."""
        target = copy_in(folder)
        with_one_line_end(self.path, self.packing, quote, target)
        return Readable(target, self.kind, None, self.encoding)


def readable(path: Path, spec: RawTable, folder: Path) -> Readable:
    """Where and as what a file is read; copies are put into ``folder``."""
    try:
        packing = packing_of(path)
        with opened(path, packing) as file:
            start = file.read(START)
        kind = kind_of(path, inner_name(path, packing), start, spec.format)
        if kind is FileKind.CSV:
            return _text(path, packing, encoding_of(start, spec.encoding), folder, start)
        if kind is FileKind.JSON and packing in PACKINGS:
            return Readable(path, kind, packing)
        if packing:
            path = _unpacked(path, packing, folder)
    except BROKEN as error:
        raise DataError(f"cannot read {path}: {one_line(error)}") from error
    if kind in CONVERTERS:
        target = copy_in(folder)
        as_parquet(kind, path, spec.table, target)
        return Readable(target, FileKind.PARQUET)
    return Readable(path, kind)


def copy_in(folder: Path) -> Path:
    """The path of a new file in a folder."""
    return Path(tempfile.mkdtemp(dir=folder)) / "copy"


def _text(path: Path, packing: str | None, encoding: str, folder: Path, start: bytes) -> Readable:
    if encoding in NATIVE and packing in PACKINGS:
        if encoding.startswith("utf-8") and start[:1] and _binary(start):
            raise DataError(f"{path} is no text, and no kind of file that is read: give {TAKEN}")
        return Readable(path, FileKind.CSV, packing, NATIVE[encoding])
    target = copy_in(folder)
    as_utf8(path, packing, encoding, target)
    return Readable(target, FileKind.CSV)


def _binary(start: bytes) -> bool:
    """Bytes that no text is made of: many zero or control bytes."""
    controls = sum(start.count(byte) for byte in (*range(9), *range(14, 27)))
    return controls > 0.05 * len(start)


def _unpacked(path: Path, packing: str, folder: Path) -> Path:
    target = copy_in(folder)
    with opened(path, packing) as packed, target.open("wb") as file:
        shutil.copyfileobj(packed, file, 1 << 20)
    return target
