"""Which columns are read from the raw files, as SQL, and which values of them are no good.

In: a recipe. Out: one Column for the entity, the time, and each field that is not derived later. Reads nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import duckdb

from .derive import LOGARITHMS, PARTS
from .exact import HELD, is_lost, rounded_doubt, shortest
from .expressions import expression
from .keys import key_sql
from .model import Derive, FieldSpec, FieldType, Recipe, TimeFormat
from .times import Doubt, not_a_time, time_doubts, time_sql, whole_days_sql, with_whole_years
from .written_numbers import plain_number

SQL_TYPES = {
    FieldType.TEXT: "VARCHAR",
    FieldType.INTEGER: "BIGINT",
    FieldType.NUMBER: "DOUBLE",
    FieldType.DATE: "DATE",
    FieldType.DATETIME: "TIMESTAMP",
}

INTEGERS = frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"})
"""Column types that are sorted as they are and become text afterwards: a sort of short rows takes half the time."""

FLOATS = frozenset({"DOUBLE", "FLOAT"})

WANTED = {
    FieldType.INTEGER: "a whole number",
    FieldType.NUMBER: "a finite number",
    FieldType.DATE: "a date",
    FieldType.DATETIME: "a time",
}
"""What a value of a type should be, in words."""


WRITTEN = {".": "a number written like 1,234.50", ",": "a number written like 1.234,50"}
"""The same of numbers as people write them, by their decimal mark."""


@dataclass(frozen=True)
class SqlColumn:
    """One column that is read."""

    key: str
    """Where the recipe says it."""

    name: str
    """Of the column that is made; a field's is ``f_`` and its name."""

    raw: str
    """SQL of the value as it is in the file."""

    sql: str
    """SQL of the value as it is wanted; null where it cannot be."""

    bad: str = ""
    """SQL condition that is true for a value that cannot be read; '' where any can."""

    wanted: str = ""
    """What the value should be, in words."""

    typed: Callable[[str], dict[str, Any]] | None = None
    """The type of the raw values to what it changes of this column; None: nothing."""

    doubts: tuple[Doubt, ...] = ()
    """What is told of values that are read."""

    @property
    def bare(self) -> str | None:
        """The column that is meant, where the expression is just its name."""
        return self.raw[1:-1] if self.raw.startswith('"') else None

    def of_type(self, type: str) -> "SqlColumn":
        """The column, now that the type of its raw value is known."""
        return replace(self, **self.typed(type)) if self.typed is not None else self


def entity_column(recipe: Recipe) -> SqlColumn:
    """Whose an event is."""
    raw = expression(recipe.events.entity, "events.entity")
    return SqlColumn("events.entity", "entity_id", raw, _text(raw), f"coalesce({_text(raw)}, '') = ''", "an id")


def keyed(connection: duckdb.DuckDBPyConnection, column: SqlColumn, clause: str) -> SqlColumn:
    """The column of ids, one text each, now that its rows are there."""
    sql = key_sql(connection, column.raw, clause)
    wanted = column.wanted if sql == column.sql else f"{column.wanted} (floats tell none apart from 2**53 on)"
    return replace(column, sql=sql, bad=f"coalesce({sql}, '') = ''", wanted=wanted)


def coded(connection: duckdb.DuckDBPyConnection, column: SqlColumn, type: str, clause: str) -> SqlColumn:
    """A column of codes that a dictionary names, written as its keys are."""
    return replace(column, sql=key_sql(connection, column.raw, clause)) if type == "VARCHAR" else column.of_type(type)


def value_columns(recipe: Recipe) -> list[SqlColumn]:
    """The time, if there is one, and every field that is read from the files."""
    columns = [field_column(field) for field in recipe.fields if field.derive not in PARTS]
    if time := recipe.events.time:
        sql, wanted = time_sql(time), f"a time of format {time.format!r}"
        raw, doubts = expression(time.column, "events.time.from"), tuple(time_doubts(time))
        plain = raw if time.format == TimeFormat.ISO else None
        typed = partial(_typed_time, whole_days_sql(time), plain)
        return [SqlColumn("events.time.from", "event_time", raw, sql, not_a_time(sql), wanted, typed, doubts), *columns]
    return columns


def field_column(field: FieldSpec) -> SqlColumn:
    """How a field is read. Codes are not yet replaced by names."""
    key, name, raw = (
        f"fields.{field.name}",
        f"f_{field.name}",
        expression(field.column or field.name, f"fields.{field.name}"),
    )
    type = FieldType.NUMBER if field.derive in LOGARITHMS else field.type
    if type is FieldType.TEXT:
        return SqlColumn(key, name, raw, _text(raw), typed=partial(_typed_text, raw))
    number = plain_number(_text(raw), field.decimal_mark) if field.decimal_mark else raw
    sql = f"TRY_CAST({number} AS {SQL_TYPES[type]})"
    bad = f"{raw} IS NOT NULL AND {sql} IS NULL"
    if type is FieldType.NUMBER:
        bad = f"{raw} IS NOT NULL AND ({sql} IS NULL OR NOT isfinite({sql}))"
    if type in (FieldType.DATE, FieldType.DATETIME):
        sql = with_whole_years(raw, sql)
        bad = f"{raw} IS NOT NULL AND {not_a_time(sql)}"
    if type is FieldType.INTEGER:
        bad = f"{raw} IS NOT NULL AND ({sql} IS NULL OR TRY_CAST({raw} AS DOUBLE) <> {sql})"
    if field.derive in LOGARITHMS:
        sql = f"(sign({sql}) * ln(abs({sql}) + 1))"
        sql = f"CAST(trunc({sql}) AS BIGINT)" if field.derive is Derive.LOG_INTEGER else sql
    typed = partial(_typed_number, field, raw, number) if type is FieldType.NUMBER and field.derive is None else None
    wanted = WRITTEN[field.decimal_mark] if field.decimal_mark else WANTED[type]
    return SqlColumn(key, name, raw, sql, bad, wanted, typed)


def _typed_time(whole_days: str | None, plain: str | None, type: str) -> dict[str, Any]:
    """The same times, read quicker where the file's own type says what they are."""
    typed = whole_days if type in INTEGERS else plain if type == "TIMESTAMP" else None
    return {"sql": typed, "bad": not_a_time(typed)} if typed else {}


def _typed_text(raw: str, type: str) -> dict[str, Any]:
    """Numbers become text after the sort, without an exponent, and whole ones without a point."""
    if type in FLOATS:
        number = shortest(raw) if type == "FLOAT" else raw
        return {"sql": f"CASE WHEN NOT isnan({raw}) THEN {number} END"}
    return {"sql": raw} if type in INTEGERS else {}


def _typed_number(field: FieldSpec, raw: str, number: str, type: str) -> dict[str, Any]:
    if type == "FLOAT" and number == raw:
        return {"sql": shortest(raw)}
    if type in HELD:
        return {}
    sql = f"TRY_CAST({number} AS DOUBLE)"
    lost = is_lost(number, sql, type, field.decimals)
    bad = f"{raw} IS NOT NULL AND ({sql} IS NULL OR NOT isfinite({sql}) OR {lost})"
    wanted = WRITTEN[field.decimal_mark] if field.decimal_mark else WANTED[FieldType.NUMBER]
    doubts = (rounded_doubt(number, sql),) if type == "VARCHAR" and field.decimals is None else ()
    return {
        "bad": bad,
        "wanted": f'{wanted} that a float holds (type = "text" keeps all digits)',
        "doubts": doubts,
    }


def _text(raw: str) -> str:
    return f"CAST({raw} AS VARCHAR)"
