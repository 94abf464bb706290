"""What a recipe may say of a field: where it comes from, what its values are, and how they are written.

In: plain values read from a TOML. Out: frozen models, or a validation error that names the key. Reads nothing.
"""

from enum import StrEnum
from itertools import pairwise
from math import isfinite
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from ...core.schemas import EVENT_KEYS
from .base import Name, Strict, Texts

RESERVED = frozenset({*EVENT_KEYS.names, "source_hash", "config_id", "run_id"})
"""Columns that every event has: no field bears the name of one."""


class FieldType(StrEnum):
    """What a field's values are, and so the type of its column."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    DATE = "date"
    DATETIME = "datetime"


class Derive(StrEnum):
    """A field computed from the event's time, or from another expression, after reading."""

    DATE = "date"  # 1997-09-22
    WEEKDAY = "weekday"  # Monday
    MONTH = "month"  # 1997-09
    HOUR = "hour"  # 0..23
    TIME = "time"  # 14:05
    GAP_DAYS = "gap_days"  # whole days since the entity's previous event; null for the first
    GAP_HOURS = "gap_hours"  # whole hours since the entity's previous event; null for the first
    LOG = "log"  # sign(x) * ln(|x| + 1) of ``from``, a number
    LOG_INTEGER = "log_integer"  # the same, cut to an integer towards zero


_NUMBERS = frozenset({Derive.LOG, Derive.LOG_INTEGER, Derive.GAP_DAYS, Derive.GAP_HOURS})
"""What is derived and can be small or large."""

MOST_BINS = 100
"""Of a number: more words than that tell nobody what is large."""


class Names(Strict):
    """A table of the raw data that says what codes stand for."""

    table: Name
    code: str
    name: str


class FieldSpec(Strict):
    """One column of the events, and how it is written in a text."""

    name: Name
    header: str | None = None
    """Name in the texts; None: ``name`` with its first letter capital and spaces for underscores."""
    column: str | None = Field(default=None, alias="from")
    """SQL expression over the joined tables; None: the column called ``name``."""
    type: FieldType = FieldType.TEXT
    derive: Derive | None = None
    names: Names | dict[str, str] | None = Field(default=None, union_mode="left_to_right")
    """What codes stand for; a code that is not there stays a code, and is counted."""
    decimals: int | None = None
    """Digits after the point of a number; None: as many as it takes."""
    decimal_mark: Literal[".", ","] | None = Field(default=None, exclude_if=lambda value: value is None)
    """What stands before the fraction of numbers as people write them: ``$1,234.50``, ``1.234,50 €``, ``12 %``, and
    ``(1.00)`` for -1; None: the numbers are plain. Left out of a recipe's content where not given."""
    bins: int | tuple[float, ...] | None = Field(default=None, exclude_if=lambda value: value is None)
    """A number shown as a word, 'very small' to 'very large', so that events repeat: how many bins, whose edges are
    fitted once as quantiles of train entities' events, or the edges, rising, each the lowest value of the bin above it.
    The events keep the number. None: the number itself. Left out of a recipe's content where not given."""
    unit: str = ""
    """Written behind each value, after a space."""
    missing: str = ""
    """Written where there is no value."""
    paraphrase: bool = Field(default=False, exclude_if=lambda value: not value)
    """True: a language model that rewrites texts may say the values in other words that mean the same. Names of
    categories, descriptions: what no sum and no join depends on. Changes no raw text."""
    in_text: bool = True
    """False: a column for SQL and baselines, in the texts only where a preset names it."""

    @field_validator("bins", mode="before")
    @classmethod
    def _number_or_edges(cls, bins: Any) -> Any:
        given = bins if isinstance(bins, list | tuple) else [bins]
        if bins is not None and any(isinstance(each, bool) or not isinstance(each, int | float) for each in given):
            raise ValueError("'bins' is a number of bins, or the edges between them: bins = [10.0, 100.0]")
        if isinstance(bins, float) and not bins.is_integer():
            raise ValueError("'bins' is a whole number of bins; one edge is bins = [10.0]")
        return bins

    @property
    def title(self) -> str:
        """The field's name in the texts."""
        return self.header if self.header is not None else self.name.replace("_", " ").capitalize()

    @property
    def is_number(self) -> bool:
        """Whether its values can be small or large: numbers, logarithms and gaps, not hours."""
        return self.derive in _NUMBERS if self.derive else self.type in (FieldType.INTEGER, FieldType.NUMBER)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.name in RESERVED:
            raise ValueError(f"every event has a column {self.name!r} already: name the field otherwise, with 'from'")
        if self.decimals is not None and (self.type is not FieldType.NUMBER or not 0 <= self.decimals <= 9):
            raise ValueError("'decimals' is between 0 and 9, and for fields of type 'number'")
        if self.decimal_mark is not None and (self.type is not FieldType.NUMBER or self.derive is not None):
            raise ValueError("'decimal_mark' is for fields of type 'number' that are not derived")
        if self.bins is not None:
            self._bins_fit()
        if self.names is not None and (self.type is not FieldType.TEXT or self.derive is not None):
            raise ValueError("'names' is for fields of type 'text' that are not derived")
        if self.paraphrase and (self.type is not FieldType.TEXT or self.derive is not None):
            raise ValueError("'paraphrase' is for fields of type 'text' that are not derived")
        if self.derive in (Derive.LOG, Derive.LOG_INTEGER):
            if self.column is None:
                raise ValueError(f"derive = {self.derive.value!r} needs 'from', the number to take it of")
        elif self.derive is not None and self.column is not None:
            raise ValueError(f"derive = {self.derive.value!r} is taken from the event's time: leave out 'from'")
        return self

    def _bins_fit(self) -> None:
        """Raise ValueError for bins that cannot be."""
        if not self.is_number:
            raise ValueError("'bins' is for fields of type 'integer' or 'number', and for logarithms and gaps")
        if isinstance(self.bins, int):
            if not 2 <= self.bins <= MOST_BINS:
                raise ValueError(f"'bins' is between 2 and {MOST_BINS}, or the edges: bins = [10.0, 100.0]")
        elif not self.bins or not all(map(isfinite, self.bins)):
            raise ValueError("'bins' gives one edge or more, each a finite number: bins = [10.0, 100.0]")
        elif any(upper <= lower for lower, upper in pairwise(self.bins)):
            raise ValueError(f"'bins' gives edges in rising order, each once, not {list(self.bins)}")
        elif len(self.bins) >= MOST_BINS:
            raise ValueError(f"'bins' gives at most {MOST_BINS - 1} edges, not {len(self.bins)}")


class Preset(Strict):
    """A choice of fields for the texts."""

    fields: Texts = Field(min_length=1)
    """Names of fields, in the order of the text."""
