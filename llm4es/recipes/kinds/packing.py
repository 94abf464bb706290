"""Packed files: which packing it is, and the bytes inside.

In: a path. Out: the packing's name by the first bytes, whatever the file is called, and a stream of what is inside.
A zip archive holds one file; an Excel file, which is a zip archive too, counts as not packed.
"""

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pyarrow as pa

from ...core.errors import DataError

MAGIC = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstd", b"PK\x03\x04": "zip"}

ENDINGS = (".gz", ".bz2", ".xz", ".zst", ".zip")
"""Endings of packed files, which stand behind the ending of what is inside."""

BROKEN = (OSError, EOFError, RuntimeError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)
"""What packed files raise that are not whole, or need a password."""

OFFICE = {"xl/workbook.xml", "xl/workbook.bin", "mimetype"}
"""Members of the archives that are spreadsheets."""


def packing_of(path: Path) -> str | None:
    """The packing of a file; None: it is not packed."""
    with path.open("rb") as file:
        start = file.read(6)
    packing = next((name for magic, name in MAGIC.items() if start.startswith(magic)), None)
    if packing == "zip" and OFFICE & set(_archive(path).namelist()):
        return None
    return packing


def inner_name(path: Path, packing: str | None) -> str:
    """The name of what is inside."""
    if packing == "zip":
        return _member(path)
    return path.stem if packing and path.suffix.lower() in ENDINGS else path.name


def opened(path: Path, packing: str | None) -> IO[bytes]:
    """The bytes inside, as a stream."""
    if packing == "zip":
        return _archive(path).open(_member(path))
    if packing == "zstd":
        stream: IO[bytes] = pa.input_stream(str(path), compression="zstd")
        return stream
    return OPENERS[packing](path) if packing else path.open("rb")


OPENERS: dict[str, Callable[[Path], IO[bytes]]] = {"gzip": gzip.GzipFile, "bz2": bz2.BZ2File, "xz": lzma.LZMAFile}  # type: ignore[dict-item]


def _archive(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise DataError(f"{path} is not a whole zip archive: {error}") from error


def _member(path: Path) -> str:
    """The one file of an archive."""
    names = [each.filename for each in _archive(path).infolist() if not each.is_dir()]
    names = [name for name in names if not name.startswith("__MACOSX/") and Path(name).name[:1] != "."]
    if len(names) != 1:
        raise DataError(
            f"{path} holds {len(names)} files ({', '.join(names[:3])}...), and a table is one: unpack it, and name them"
        )
    return names[0]
