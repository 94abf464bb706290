"""The fields of a recipe for a frame: names that are safe, types from Arrow, and which of them baselines count.

In: an Arrow table, what the caller says of its columns, and their profiles. Out: values of a recipe.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ...core.errors import RecipeError
from ..derive import PARTS
from ..field_names import field_name
from ..init.column_profile import ColumnProfile
from ..init.column_words import amount_score
from ..init.counted import choose
from ..init.repetition import Repetition
from ..model import FieldType
from .columns import need, sql_of

Profiles = Mapping[str, ColumnProfile]


@dataclass
class FrameFields:
    """The fields, and of which column each is."""

    specs: list[dict[str, Any]] = field(default_factory=list)
    columns: dict[str, str] = field(default_factory=dict)
    """Column -> name of the field that is read from it, in order."""

    def types(self) -> dict[str, FieldType]:
        """The type of each column's field."""
        by_name = {spec["name"]: FieldType(spec.get("type", "text")) for spec in self.specs}
        return {column: by_name[name] for column, name in self.columns.items()}


def all_fields(table: pa.Table, left_out: Iterable[str | None], derived: Sequence[str]) -> FrameFields:
    """A field a column, behind those that are ``derived`` from the time."""
    columns = [name for name in table.column_names if name not in set(left_out)]
    return chosen_fields(table, [*({"name": name, "derive": name} for name in derived), *columns])


def chosen_fields(table: pa.Table, chosen: Sequence[str | Mapping[str, Any]]) -> FrameFields:
    """The fields that the caller names: columns, or keys of a FieldSpec."""
    fields, used = FrameFields(), set[str]()
    for entry in chosen:
        spec = {"name": entry} if isinstance(entry, str) else dict(entry)
        if not isinstance(spec.get("name"), str):
            raise RecipeError(f"fields: {entry!r} has no name: give a column's name, or a dict with the key 'name'")
        column = _column(table, spec)
        if column is None:
            used.add(spec["name"])
        else:
            _complete(spec, table[column], column, used)
            used.add(spec["name"])
            fields.columns.setdefault(column, spec["name"])
        fields.specs.append(spec)
    return fields


def _column(table: pa.Table, spec: dict[str, Any]) -> str | None:
    """The column that a field is read from; None where it is derived or an expression."""
    if spec.get("derive") in PARTS:
        return None
    source = spec.pop("column", spec.pop("from", None))
    if source is None:
        need(table, spec["name"], "events")
        return str(spec["name"])
    if source in table.column_names:
        return str(source)
    spec["from"] = source
    return None


def _complete(spec: dict[str, Any], values: pa.ChunkedArray, column: str, used: set[str]) -> None:
    """What is not said of a field: a name that is safe, the header as it is written, the type."""
    name = field_name(spec["name"], used)
    if name != spec["name"]:
        spec.setdefault("header", " ".join(str(spec["name"]).split()))
    spec["name"], spec["from"] = name, sql_of(column)
    if "type" not in spec and "names" not in spec:
        spec["type"] = (FieldType.NUMBER if spec.keys() & {"decimals", "decimal_mark"} else field_type(values)).value


def field_type(values: pa.ChunkedArray) -> FieldType:
    """The field type of a column; what is neither number nor time is text, and so are whole numbers beyond 64 bits."""
    type = values.type
    if pa.types.is_integer(type):
        beyond = type == pa.uint64() and (pc.max(values).as_py() or 0) >= 2**63
        return FieldType.TEXT if beyond else FieldType.INTEGER
    if pa.types.is_floating(type) or pa.types.is_decimal(type):
        return FieldType.NUMBER
    if pa.types.is_date(type):
        return FieldType.DATE
    return FieldType.DATETIME if pa.types.is_timestamp(type) else FieldType.TEXT


def defaults(fields: FrameFields, profiles: Profiles, repeated: Mapping[str, Repetition]) -> dict[str, Any]:
    """The item, the amount and the categories that baselines take unless others are named: those of ``init``."""
    types = fields.types()

    def of(*wanted: FieldType) -> list[ColumnProfile]:
        return [profiles[column] for column, type in types.items() if type in wanted]

    words = choose(of(FieldType.TEXT, FieldType.INTEGER), repeated)
    amounts = choose(of(FieldType.NUMBER, FieldType.INTEGER), repeated).amounts
    floats = [column.name for column in of(FieldType.NUMBER) if amount_score(column.name) >= 0]
    return {
        "item": next((fields.columns[column] for column in words.items), None),
        "amount": next((fields.columns[column] for column in (*amounts, *floats)), None),
        "categories": {fields.columns[column]: codes for column, codes in words.categories.items()},
    }
