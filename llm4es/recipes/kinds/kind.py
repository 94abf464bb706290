"""What kind of file a raw table is: told by its first bytes, else by the ending of its name.

In: a path and the first bytes of what is inside. Out: a FileKind, or a refusal that says what is read. Reads nothing.
"""

from enum import StrEnum
from pathlib import Path

from ...core.errors import DataError


class FileKind(StrEnum):
    """A kind of file that is read."""

    CSV = "csv"  # delimited text
    PARQUET = "parquet"
    JSON = "json"  # one object a line, or one array of objects
    ARROW = "arrow"  # Arrow IPC, a file or a stream; Feather
    EXCEL = "excel"  # .xlsx, .xls, .xlsb, .ods: one sheet
    SQLITE = "sqlite"  # one table of it
    DUCKDB = "duckdb"  # one table of it


TAKEN = (
    "delimited text (CSV, TSV), JSON lines, Parquet, Arrow or Feather, Excel, SQLite and DuckDB files, "
    "also packed as gz, bz2, xz, zst or zip"
)
"""What is read, in words."""

MAGIC = {
    b"PAR1": FileKind.PARQUET,
    b"ARROW1": FileKind.ARROW,
    b"\xff\xff\xff\xff": FileKind.ARROW,  # a stream
    b"SQLite format 3\x00": FileKind.SQLITE,
    b"\xd0\xcf\x11\xe0": FileKind.EXCEL,  # .xls
}
"""The first bytes of each kind that has such."""

ENDINGS = {
    **dict.fromkeys((".parquet", ".pq"), FileKind.PARQUET),
    **dict.fromkeys((".jsonl", ".ndjson", ".json"), FileKind.JSON),
    **dict.fromkeys((".feather", ".arrow", ".arrows", ".ipc"), FileKind.ARROW),
    **dict.fromkeys((".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"), FileKind.EXCEL),
    **dict.fromkeys((".sqlite", ".sqlite3"), FileKind.SQLITE),
    ".duckdb": FileKind.DUCKDB,
}
"""The kind of each ending in lower case; all others are delimited text."""

FOREIGN = {
    ".sas7bdat": "SAS", ".xpt": "SAS", ".dta": "Stata", ".sav": "SPSS", ".por": "SPSS", ".rds": "R", ".rda": "R",
    ".rdata": "R", ".h5": "HDF5", ".hdf5": "HDF5", ".hdf": "HDF5", ".pkl": "pickle", ".pickle": "pickle",
    ".npy": "NumPy", ".npz": "NumPy", ".mat": "Matlab", ".orc": "ORC", ".avro": "Avro", ".xml": "XML", ".xes": "XML",
    ".html": "HTML", ".pdf": "PDF", ".docx": "Word", ".mdb": "Access", ".accdb": "Access", ".7z": "7z", ".rar": "RAR",
    ".tar": "tar", ".tgz": "tar", ".lz4": "lz4", ".z": "compress",
}  # fmt: skip
"""Endings of files that are not read, and what they are called."""

FOREIGN_MAGIC = {
    b"FEA1": "Feather version 1", b"\x89HDF": "HDF5", b"\x80\x04\x95": "pickle", b"\x80\x05\x95": "pickle",
    b"Obj\x01": "Avro", b"ORC": "ORC", b"%PDF": "PDF", b"7z\xbc\xaf": "7z", b"Rar!": "RAR", b"RDX3\n": "R",
    b"<?xml": "XML", b"<!DOCTYPE": "HTML", b"<html": "HTML",
}  # fmt: skip
"""The same by their first bytes."""


def kind_of(path: Path, name: str, start: bytes, said: str | None) -> FileKind:
    """The kind of a file; ``said`` is the recipe's format, and ``name`` the file's without what packs it.

    Examples
    --------
    >>> kind_of(Path("EVENTS.PARQUET"), "EVENTS.PARQUET", b"PAR1", None).value
    'parquet'
    """
    if said is not None:
        return FileKind(said)
    ending = Path(name).suffix.lower()
    for magic, kind in MAGIC.items():
        if start.startswith(magic):
            return kind
    if start[8:12] == b"DUCK":
        return FileKind.DUCKDB
    foreign = next((what for magic, what in FOREIGN_MAGIC.items() if start.startswith(magic)), FOREIGN.get(ending))
    if foreign is not None:
        raise DataError(f"{path} is a file of kind {foreign}, which is not read: give {TAKEN}")
    return ENDINGS.get(ending, FileKind.CSV)
