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
from ..model import FieldType
from .columns import need, sql_of

CODES = 200
"""Different values that a categorical field has at most by default: the commonest ones and one for all rarer."""

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
        spec["type"] = (FieldType.NUMBER if "decimals" in spec else field_type(values)).value


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


def defaults(fields: FrameFields, profiles: Profiles) -> dict[str, Any]:
    """The item, the amount and the categories that baselines take unless others are named."""
    types = fields.types()
    texts, numbers, integers = (
        [column for column in types if types[column] is type]
        for type in (FieldType.TEXT, FieldType.NUMBER, FieldType.INTEGER)
    )
    amounts = [column for column in numbers if profiles[column].is_amount] or numbers
    amounts = amounts or [column for column in integers if profiles[column].is_amount]
    codes = texts + [column for column in integers if column not in amounts[:1]]
    items = [column for column in codes if profiles[column].distinct > 1 and not profiles[column].unique] or codes
    few = [column for column in codes if 1 < profiles[column].distinct < CODES]
    return {
        "item": fields.columns[items[0]] if items else None,
        "amount": fields.columns[amounts[0]] if amounts else None,
        "categories": {fields.columns[column]: codes_of(profiles[column]) for column in few},
    }


def codes_of(profile: ColumnProfile) -> int:
    """Codes of a categorical field: one a value, and one for those that come later."""
    return min(profile.distinct + 1, CODES)
