"""What a recipe may say: the tables of a TOML, typed and checked.

In: plain values read from a TOML. Out: frozen models, or a validation error that names the key. Knows no file system
and no data: whether a column exists is seen only when the raw files are read.
"""

from enum import StrEnum
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from ..core.errors import OptionError, RecipeError
from ..core.tasks import PRIMARY, Kind
from ..options import History, OnBadRow, SerializeOptions
from .tables import FileLayout, Name, RawTable, Slug, Strict, Texts


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
    unit: Literal["s", "ms", "us"] = "s"
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
    unit: str = ""
    """Written behind each value, after a space."""
    missing: str = ""
    """Written where there is no value."""
    in_text: bool = True
    """False: a column for SQL and baselines, in the texts only where a preset names it."""

    @property
    def title(self) -> str:
        """The field's name in the texts."""
        return self.header if self.header is not None else self.name.replace("_", " ").capitalize()

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.decimals is not None and (self.type is not FieldType.NUMBER or not 0 <= self.decimals <= 9):
            raise ValueError("'decimals' is between 0 and 9, and for fields of type 'number'")
        if self.names is not None and (self.type is not FieldType.TEXT or self.derive is not None):
            raise ValueError("'names' is for fields of type 'text' that are not derived")
        if self.derive in (Derive.LOG, Derive.LOG_INTEGER):
            if self.column is None:
                raise ValueError(f"derive = {self.derive.value!r} needs 'from', the number to take it of")
        elif self.derive is not None and self.column is not None:
            raise ValueError(f"derive = {self.derive.value!r} is taken from the event's time: leave out 'from'")
        return self


class Preset(Strict):
    """A choice of fields for the texts."""

    fields: Texts
    """Names of fields, in the order of the text."""


class Defaults(Strict):
    """Options of ``serialize`` where none are typed."""

    preset: str = SerializeOptions.preset
    history: History = SerializeOptions.history
    max_events: int | None = SerializeOptions.max_events
    on_bad_row: OnBadRow = SerializeOptions.on_bad_row

    @model_validator(mode="after")
    def _possible(self) -> Self:
        try:
            self.options()
        except OptionError as error:
            raise ValueError(str(error)) from error
        return self

    def options(self, **typed: Any) -> SerializeOptions:
        """What was typed (not None), else what the recipe says. One of --history full and --max-events beats it."""
        typed = SerializeOptions.coerced(typed)
        if typed.get("history") is History.FULL:
            typed.setdefault("max_events", None)
        if "max_events" in typed and self.history is History.FULL:
            typed.setdefault("history", SerializeOptions.history)
        return SerializeOptions(**{**dict(self), **typed})


class Task(Strict):
    """Something to predict for an entity."""

    kind: Kind
    metric: str = ""
    """Empty: PRIMARY of the kind."""
    table: Name
    entity: str
    """SQL expression of the entity's id; read as text."""
    label: str
    """SQL expression; rows where it is null have no label. Of two classes the last in order is the positive one."""
    description: str = ""
    uses: Texts = ()
    """Raw columns that the label is made of: a text that shows one of them gives the label away."""

    @model_validator(mode="after")
    def _default_metric(self) -> Self:
        return self if self.metric else self.model_copy(update={"metric": PRIMARY[self.kind]})


class HashSplit(Strict):
    """Shares of entities, by a hash of their ids: a new entity never moves an old one."""

    test: float = Field(default=0.2, ge=0, lt=1)
    validation: float = Field(default=0.1, ge=0, lt=1)


class PtlsSplit(Strict):
    """The pytorch-lifestream convention: labelled ids sorted as strings, shuffled by seed 42, the last share tested."""

    task: str
    test: float = Field(default=0.1, gt=0, lt=1)


class ColumnSplit(Strict):
    """A split that the data itself names."""

    table: Name
    entity: str
    split: str
    """SQL expression that is 'train', 'validation' or 'test'."""


class Splits(Strict):
    """Named splits of the entities; the first of ``default`` is what stages use."""

    default: str = "hash"
    hash: HashSplit = HashSplit()
    ptls: PtlsSplit | None = None
    columns: dict[Name, ColumnSplit] = Field(default={})

    @property
    def names(self) -> list[str]:
        """Every split there is, the default first."""
        names = ["hash", *(["ptls"] if self.ptls else []), *self.columns]
        return sorted(names, key=lambda name: (name != self.default, names.index(name)))


class Recipe(Strict):
    """All that is said about one dataset."""

    name: Slug
    description: str = ""
    layouts: dict[str, FileLayout] = Field(default={})
    tables: dict[Name, RawTable] = Field(default={})
    """Short for a single layout."""
    events: Events
    fields: tuple[FieldSpec, ...] = Field(min_length=1)
    presets: dict[Name, Preset] = Field(default={})
    texts: Defaults = Defaults()
    tasks: dict[Name, Task] = Field(default={})
    splits: Splits = Splits()
    item: str | None = None
    """Field that says what an event is about: the words of the TF-IDF baseline."""
    amount: str | None = None
    """Field of numbers that aggregate baselines add up."""
    categories: dict[Name, int] = Field(default={})
    """Categorical fields of aggregate baselines, and the number of codes kept of each."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        known = [field.name for field in self.fields]
        if len(set(known)) < len(known):
            raise ValueError(f"field {next(n for n in known if known.count(n) > 1)!r} is there twice")
        named = [("item", self.item), ("amount", self.amount), *(("categories", name) for name in self.categories)]
        named += [(f"presets.{name}", field) for name, preset in self.presets.items() for field in preset.fields]
        for key, field in named:
            if field is not None and field not in known:
                raise ValueError(f"{key} names {field!r}, which is no field: there are {', '.join(known)}")
        if self.texts.preset not in ("raw", *self.presets):
            raise ValueError(f"texts.preset {self.texts.preset!r} is none of {', '.join(['raw', *self.presets])}")
        if self.splits.default not in self.splits.names:
            raise ValueError(f"splits.default {self.splits.default!r} is none of {', '.join(self.splits.names)}")
        if self.splits.ptls and self.splits.ptls.task not in self.tasks:
            raise ValueError(f"splits.ptls.task {self.splits.ptls.task!r} is no task")
        if bool(self.layouts) == bool(self.tables):
            raise ValueError("give either 'tables', or 'layouts' where the same data comes in several shapes")
        return self._tables_known()

    def _tables_known(self) -> Self:
        needed = {self.events.table, *(join.table for join in self.events.joins)}
        needed |= {task.table for task in self.tasks.values()}
        needed |= {field.names.table for field in self.fields if isinstance(field.names, Names)}
        needed |= {split.table for split in self.splits.columns.values()}
        for name, layout in self.ways.items():
            if missing := needed - set(layout.tables):
                raise ValueError(f"layout {name!r} has no table {sorted(missing)[0]!r}, which the recipe reads")
        return self

    @property
    def ways(self) -> dict[str, FileLayout]:
        """The layouts by name; a recipe with plain ``tables`` has one called 'files'."""
        return self.layouts or {"files": FileLayout(tables=self.tables)}

    def text_fields(self, preset: str = "raw") -> tuple[FieldSpec, ...]:
        """The fields of a text, in order."""
        by_name = {field.name: field for field in self.fields}
        if preset in self.presets:
            return tuple(by_name[name] for name in self.presets[preset].fields)
        if preset != "raw":
            there = ", ".join(["raw", *(name for name in self.presets if name != "raw")])
            raise RecipeError(f"recipe {self.name!r} has no text preset {preset!r}: there are {there}")
        return tuple(field for field in self.fields if field.in_text)

    def task(self, name: str) -> Task:
        """The task of that name."""
        if name not in self.tasks:
            there = ", ".join(self.tasks) or "none"
            raise RecipeError(f"recipe {self.name!r} has no task {name!r}: there are {there}")
        return self.tasks[name]

    def fingerprint(self, preset: str = "raw") -> dict[str, Any]:
        """What changes the texts besides the data, as plain values."""
        fields = [field.model_dump(mode="json", by_alias=True) for field in self.text_fields(preset)]
        return {"recipe": self.name, "fields": fields}
