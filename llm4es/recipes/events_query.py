"""The events' table and what is joined to it, loaded and checked row by row.

In: a connection, a recipe and its files. Out: a FROM clause that expressions of the recipe can be read from, without
the rows that are no good. Knows nothing of order.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from ..core.errors import DataError, RecipeError, nearest
from . import database
from .columns import SqlColumn, coded, entity_column, keyed, value_columns
from .comparisons import compared
from .database import ROW
from .expressions import explained, expression, sentence
from .joins import Joins, keys_of
from .locate import Source
from .model import Recipe

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class EventsQuery:
    """Where the columns of the events can be read."""

    clause: str
    """What stands behind FROM; the row's number in the files is ``events.{ROW}``."""

    entity: SqlColumn
    """Whose an event is."""

    values: tuple[SqlColumn, ...]
    """The time and the fields."""


def load_query(connection: duckdb.DuckDBPyConnection, recipe: Recipe, source: Source, skip: bool) -> EventsQuery:
    """Load everything that the events need. ``skip`` leaves out rows that are no good, and counts them."""
    events, entity, values = recipe.events, entity_column(recipe), value_columns(recipe)
    where = expression(events.where or "1 = 1", "events.where")
    keys = [key for join in events.joins for pair in keys_of(join).items() for key in pair]
    spoken = [column.raw for column in (entity, *values)] + [where, *keys]
    wanted = dict.fromkeys([events.table, *(join.table for join in events.joins)], spoken)
    tables = database.load(connection, recipe, source, wanted, skip)
    loaded = tables[events.table]
    joins = Joins.of(connection, events.table, loaded.columns)
    new = joins.add_all(events.joins, {table: each.columns for table, each in tables.items()})
    known, clause = [*loaded.columns, *new], joins.clause
    where = compared(connection, events.where, clause) if events.where else where
    values = value_columns(_as_numbers(connection, recipe, clause))
    types = _types(connection, recipe, clause, (entity, *values), known, where)
    clause += f" WHERE {where}"
    named = {f"f_{field.name}" for field in recipe.fields if field.names is not None}
    values = [
        coded(connection, column, types[column.name], clause)
        if column.name in named
        else column.of_type(types[column.name])
        for column in values
    ]
    entity = keyed(connection, entity, clause)
    good = _good_rows(connection, recipe, loaded, clause, (entity, *values), skip, joins, source.partial)
    return EventsQuery(clause + good, entity, tuple(values))


def _as_numbers(connection: duckdb.DuckDBPyConnection, recipe: Recipe, clause: str) -> Recipe:
    """The recipe, its fields' expressions with numbers compared as such."""
    fields = []
    for field in recipe.fields:
        sql = field.column
        if (
            sql is not None
            and not sql.isidentifier()
            and (made := compared(connection, sql, clause)) != expression(sql)
        ):
            field = field.model_copy(update={"column": made})
        fields.append(field)
    return recipe.model_copy(update={"fields": tuple(fields)})


def _types(
    connection: duckdb.DuckDBPyConnection,
    recipe: Recipe,
    clause: str,
    columns: Sequence[SqlColumn],
    known: Sequence[str],
    where: str,
) -> dict[str, str]:
    """The SQL type of each column's raw value; what cannot be understood is refused by its key."""
    lower, types = {name.lower() for name in known}, {}
    for column in columns:
        if column.bare is not None and column.bare.lower() not in lower:
            what = f"there is no column {column.bare!r}; {nearest(column.bare, known)}"
            raise DataError(f"{recipe.name}, {column.key}: {what}")
        types[column.name] = _described(connection, recipe, column.key, column.raw, clause, known)
        _described(connection, recipe, column.key, column.sql, clause, known)
    _described(connection, recipe, "events.where", where, clause, known)
    return types


def _described(
    connection: duckdb.DuckDBPyConnection, recipe: Recipe, key: str, sql: str, clause: str, known: Sequence[str]
) -> str:
    try:
        return str(connection.execute(f"DESCRIBE SELECT {sql} FROM {clause}").fetchall()[0][1])
    except duckdb.Error as error:
        raise RecipeError(f"recipe {recipe.name!r}, {key}: {explained(error, known)}") from error


def _good_rows(
    connection: duckdb.DuckDBPyConnection,
    recipe: Recipe,
    loaded: database.Loaded,
    clause: str,
    columns: Sequence[SqlColumn],
    skip: bool,
    joins: Joins,
    partial: bool,
) -> str:
    """Look at every row; the condition that leaves out the bad ones, after they have been told of or refused."""
    checks = [column for column in columns if column.bad]
    doubts = [(column, doubt) for column in columns for doubt in column.doubts]
    conditions = [*(check.bad for check in checks), *(doubt.condition for _, doubt in doubts)]
    asked = ["count(*)", *(f"count_if({each})" for each in (*conditions, *(join.matched for join in joins.done)))]
    try:
        total, *counts = connection.execute(f"SELECT {', '.join(asked)} FROM {clause}").fetchall()[0]
        # which they are is asked of those columns alone that have some: to write all values as texts is dear
        found = [_example(connection, clause, each) for each, count in zip(checks, counts, strict=False) if count]
    except duckdb.Error as error:
        raise DataError(f"cannot read the events of {recipe.name!r}: {sentence(error)}") from error
    if not total and not partial:
        raise DataError(f"there are no events in the files of {recipe.name!r}: check them and events.where")
    for (column, doubt), count in zip(doubts, counts[len(checks) :], strict=False):
        if count and (count == total or not doubt.of_all):
            query = f"SELECT min(CAST({column.raw} AS VARCHAR)) FILTER ({doubt.condition}) FROM {clause}"
            value = connection.execute(query).fetchall()[0][0]
            what = "%s, %s: %d of %d values, such as %r, %s"
            logger.warning(what, recipe.name, column.key, count, total, value, doubt.says)
    joins.tell(recipe.name, counts[len(conditions) :], total)
    left_out = []
    bad = [(check, count) for check, count in zip(checks, counts, strict=False) if count]
    for (check, count), (row, value) in zip(bad, found, strict=True):
        share = f"{count} of {total} rows, {100 * count / total:.3g} %"
        shown = "nothing" if value is None else repr(value)
        where = loaded.place(row)
        what = f"{recipe.name}, {check.key}: {where} has {shown}, which is not {check.wanted} ({share})"
        if not skip:
            raise DataError(f"{what}: mend the file or the recipe, or leave such rows out with --on-bad-row skip")
        if count == total and not partial:
            raise DataError(f"{what}: with --on-bad-row skip nothing would be left")
        logger.warning("%s: left out", what)
        left_out.append(f" AND NOT coalesce({check.bad}, false)")
    return "".join(left_out)


def _example(connection: duckdb.DuckDBPyConnection, clause: str, check: SqlColumn) -> tuple[int, str | None]:
    """The number of the first bad row, and what it has."""
    first = f"min(events.{ROW}), arg_min(CAST({check.raw} AS VARCHAR), events.{ROW})"
    row, value = connection.execute(f"SELECT {first} FROM {clause} AND ({check.bad})").fetchall()[0]
    return int(row), value
