"""Which columns are read from the raw files, as SQL, and which values of them are no good.

In: a recipe. Out: one Column for the entity, the time, and each field that is not derived later. Reads nothing.
"""

from dataclasses import dataclass, replace

from .derive import LOGARITHMS, PARTS
from .expressions import expression
from .model import Derive, FieldSpec, FieldType, Recipe
from .times import Doubt, not_a_time, time_doubts, time_sql, whole_days_sql, with_whole_years

SQL_TYPES = {
    FieldType.TEXT: "VARCHAR",
    FieldType.INTEGER: "BIGINT",
    FieldType.NUMBER: "DOUBLE",
    FieldType.DATE: "DATE",
    FieldType.DATETIME: "TIMESTAMP",
}

INTEGERS = frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"})
"""Column types that are sorted as they are and become text afterwards: a sort of short rows takes half the time."""

WANTED = {
    FieldType.INTEGER: "a whole number",
    FieldType.NUMBER: "a finite number",
    FieldType.DATE: "a date",
    FieldType.DATETIME: "a time",
}
"""What a value of a type should be, in words."""


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

    whole: str | None = None
    """What stands for ``sql`` where the raw values are whole numbers; None: nothing else."""

    doubts: tuple[Doubt, ...] = ()
    """What is told of values that are read."""

    @property
    def bare(self) -> str | None:
        """The column that is meant, where the expression is just its name."""
        return self.raw[1:-1] if self.raw.startswith('"') else None

    def of_type(self, type: str) -> "SqlColumn":
        """The column, now that the type of its raw value is known."""
        if type not in INTEGERS:
            return self
        if self.whole is not None:
            return replace(self, sql=self.whole, bad=not_a_time(self.whole))
        return replace(self, sql=self.raw) if self.sql == _text(self.raw) else self


def entity_column(recipe: Recipe) -> SqlColumn:
    """Whose an event is."""
    raw = expression(recipe.events.entity)
    return SqlColumn("events.entity", "entity_id", raw, _text(raw), f"coalesce({_text(raw)}, '') = ''", "an id")


def value_columns(recipe: Recipe) -> list[SqlColumn]:
    """The time, if there is one, and every field that is read from the files."""
    columns = [field_column(field) for field in recipe.fields if field.derive not in PARTS]
    if time := recipe.events.time:
        sql, wanted = time_sql(time), f"a time of format {time.format!r}"
        bad, whole, doubts = not_a_time(sql), whole_days_sql(time), tuple(time_doubts(time))
        raw = expression(time.column)
        return [SqlColumn("events.time.from", "event_time", raw, sql, bad, wanted, whole, doubts), *columns]
    return columns


def field_column(field: FieldSpec) -> SqlColumn:
    """How a field is read. Codes are not yet replaced by names."""
    key, name, raw = f"fields.{field.name}", f"f_{field.name}", expression(field.column or field.name)
    type = FieldType.NUMBER if field.derive in LOGARITHMS else field.type
    if type is FieldType.TEXT:
        return SqlColumn(key, name, raw, _text(raw))
    sql = f"TRY_CAST({raw} AS {SQL_TYPES[type]})"
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
    return SqlColumn(key, name, raw, sql, bad, WANTED[type])


def _text(raw: str) -> str:
    return f"CAST({raw} AS VARCHAR)"
