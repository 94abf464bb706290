"""What a recipe may say of its events: the table, whose they are, when they happened, and what is joined to them.

In: plain values read from a TOML. Out: frozen models, or a validation error that names the key. Reads nothing.
"""

from enum import StrEnum
from typing import Literal, Self

from pydantic import Field, model_validator

from .base import Name, Strict, Texts


class Mode(StrEnum):
    """What a later look at the raw files may meet."""

    WHOLE = "whole"  # anything: every row is read each time
    APPEND = "append"  # only further rows: those that have been read are not read again


class TimeFormat(StrEnum):
    """Times that are no strptime pattern."""

    ISO = "iso"  # 2017-10-21 14:05:00, with or without an offset; also typed columns of Parquet
    UNIX = "unix"  # a count of ``unit`` since 1970-01-01
    DAYS = "days"  # a count of days since ``origin``
    DAYS_TIME = "days_time"  # '15 01:40:52': days since ``origin`` and a time of day; second 60 is read as 59


class Time(Strict):
    """The time of an event."""

    column: str = Field(alias="from")
    """SQL expression over the events table."""
    format: str = TimeFormat.ISO.value
    """A TimeFormat, or a strptime pattern; month names are English whatever the locale, and times are UTC."""
    unit: Literal["s", "ms", "us", "ns"] = "s"
    """Of format 'unix'."""
    origin: str | None = None
    """First day (YYYY-MM-DD) of formats 'days' and 'days_time'."""

    @model_validator(mode="after")
    def _origin_where_days(self) -> Self:
        if (self.format in (TimeFormat.DAYS, TimeFormat.DAYS_TIME)) != (self.origin is not None):
            raise ValueError(f"'origin' is given exactly for formats 'days' and 'days_time', not for {self.format!r}")
        if self.format not in set(TimeFormat) and "%" not in self.format:
            raise ValueError(f"format {self.format!r} is neither one of {', '.join(TimeFormat)} nor a strptime pattern")
        return self


class Join(Strict):
    """A table whose columns are added to each event."""

    table: Name
    on: str | dict[str, str]
    """The key's column, or {column of the events = column of the table}."""


class Events(Strict):
    """Which rows are events, whose they are, and when they happened."""

    table: Name = "events"
    entity: str
    """SQL expression; read as text."""
    time: Time | None = None
    """None: the order of the file is the order of the events."""
    joins: tuple[Join, ...] = ()
    where: str | None = None
    """SQL condition of the rows that are events; None: all of them."""
    mode: Mode = Field(default=Mode.WHOLE, exclude_if=lambda value: value is Mode.WHOLE)
    """'append': events only come in addition, in new files or in rows beyond ``watermark``; no other row is read.
    Left out of a recipe's content where not given, as the two below."""
    watermark: str | None = Field(default=None, exclude_if=lambda value: value is None)
    """Column of the files, times or numbers, that only grows: new rows are those beyond the greatest value that was
    read. None: new rows are those of new files."""
    key: Texts = Field(default=(), exclude_if=lambda value: not value)
    """Fields that name an event of an entity, such as the number of a transaction: of several rows with the same values
    the last stands, a row that lacks one stands for itself. None: every row is an event."""

    @model_validator(mode="after")
    def _grows(self) -> Self:
        if self.watermark is not None and self.mode is not Mode.APPEND:
            raise ValueError(f"'watermark' ({self.watermark!r}) is for mode = \"append\"")
        return self
