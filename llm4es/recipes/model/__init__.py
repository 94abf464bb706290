"""What a recipe may say: the tables of a TOML, typed and checked, one module a part."""

from .base import Name, Slug, Strict, Texts
from .defaults import Defaults
from .events import Events, Join, Mode, Time, TimeFormat
from .fields import RESERVED, Derive, FieldSpec, FieldType, Names, Preset
from .files import Fetch, FileLayout, Header, RawTable
from .recipe import Recipe
from .tasks import ColumnSplit, HashSplit, PtlsSplit, Splits, Task

__all__ = [
    "RESERVED",
    "ColumnSplit",
    "Defaults",
    "Derive",
    "Events",
    "Fetch",
    "FieldSpec",
    "FieldType",
    "FileLayout",
    "HashSplit",
    "Header",
    "Join",
    "Mode",
    "Name",
    "Names",
    "Preset",
    "PtlsSplit",
    "RawTable",
    "Recipe",
    "Slug",
    "Splits",
    "Strict",
    "Task",
    "Texts",
    "Time",
    "TimeFormat",
]
