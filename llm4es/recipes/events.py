"""Raw files to events: typed, checked, in order, and never all in memory.

In: a recipe, its files, and which of the events are wanted. Out: record batches of EVENT_KEYS and one column a field,
sorted by entity and time. Knows nothing of texts.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb
import pyarrow as pa

from ..config import SerializeOptions
from ..errors import DataError, RecipeError
from . import database
from .database import explained, expression, literal, nearest, quoted
from .derive import LOGARITHMS, PARTS, Order, events_schema
from .labels import labelled_ids
from .load import Recipe
from .locate import Source
from .model import FieldSpec, FieldType, Names
from .times import time_sql

logger = logging.getLogger(__name__)

BATCH_ROWS = 122_880
"""Rows a batch: DuckDB's own row group."""

SQL_TYPES = {
    FieldType.TEXT: "VARCHAR",
    FieldType.INTEGER: "BIGINT",
    FieldType.NUMBER: "DOUBLE",
    FieldType.DATE: "DATE",
    FieldType.DATETIME: "TIMESTAMP",
}


@dataclass(frozen=True)
class Column:
    """One column that is read, and when its value is no good."""

    key: str
    """Where the recipe says it."""
    name: str
    """Of the column that is read."""
    raw: str
    """SQL of the value as it is in the file."""
    sql: str
    """SQL of the value as it is wanted; null where it cannot be."""
    bad: str
    """SQL condition over ``raw`` and ``sql`` that is true for a value that cannot be read; '' where any can."""
    wanted: str
    """What the value should be, in words."""


def read_events(
    recipe: Recipe, source: Source, options: SerializeOptions, max_entities: int | None = None
) -> pa.RecordBatchReader:
    """The events of every entity, or of ``max_entities``: labelled ones first, then by the MD5 of their ids."""
    with ExitStack() as stack:
        connection = stack.enter_context(database.connected(source))
        rows = _sorted_rows(connection, recipe, source, options, max_entities)
        order = Order(recipe.name, recipe.fields, _names(recipe, source))
        try:
            reader = connection.sql(rows).to_arrow_reader(BATCH_ROWS)
            first = next((batch for batch in reader if batch.num_rows), None)  # sorts: what can fail, fails here
        except duckdb.Error as error:
            raise DataError(f"cannot read the events of {recipe.name!r}: {database.one_line(error)}") from error
        batches = order.events(_chained(first, reader))
        return pa.RecordBatchReader.from_batches(
            events_schema(recipe.fields), _to_the_end(recipe, order, batches, stack.pop_all())
        )


def _chained(first: pa.RecordBatch | None, rest: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    if first is not None:
        yield first
        yield from rest


def _to_the_end(
    recipe: Recipe, order: Order, batches: Iterator[pa.RecordBatch], resources: ExitStack
) -> Iterator[pa.RecordBatch]:
    """The batches; then what was met on the way is told, and the connection closed, whatever happens."""
    with resources:
        yield from batches
    for name, count in order.unknown.items():
        if count:
            logger.warning(
                "%s: %d values of %r have no name in its dictionary and stay codes", recipe.name, count, name
            )


def _sorted_rows(
    connection: duckdb.DuckDBPyConnection,
    recipe: Recipe,
    source: Source,
    options: SerializeOptions,
    max_entities: int | None,
) -> str:
    """The query of all wanted rows in order, after every row has been checked."""
    columns = _columns(recipe)
    skip = options.on_bad_row == "skip"
    joined = _scope(connection, recipe, source, columns, skip)
    good = _checked(connection, recipe, joined, columns, skip)
    selected = ", ".join(f"{column.sql} AS {quoted(column.name)}" for column in columns)
    if recipe.events.time is None:
        selected += ", CAST(NULL AS TIMESTAMP) AS event_time"
    rows = f"SELECT {selected}, events._row AS _row FROM {joined}{good}"
    conditions = []
    if options.as_of is not None:
        if recipe.events.time is None:
            raise RecipeError(f"--as-of needs times, and recipe {recipe.name!r} has no events.time")
        moment = as_utc(options.as_of).replace(tzinfo=None).isoformat(sep=" ")
        conditions.append(f"event_time < TIMESTAMP {literal(moment)}")
    if max_entities is not None:
        connection.register("_labelled", pa.table({"entity_id": labelled_ids(recipe, source)}))
        connection.execute(
            f"CREATE TEMP TABLE _chosen AS SELECT entity_id FROM (SELECT DISTINCT entity_id FROM ({rows})) "
            f"ORDER BY entity_id NOT IN (FROM _labelled), md5(entity_id) LIMIT {max_entities}"
        )
        conditions.append("entity_id IN (FROM _chosen)")
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"SELECT * EXCLUDE (_row) FROM ({rows}){where} ORDER BY entity_id, event_time, _row"


def _columns(recipe: Recipe) -> list[Column]:
    """Entity, time, and every field that is read from the files."""
    raw = expression(recipe.events.entity)
    entity = f"CAST({raw} AS VARCHAR)"
    columns = [Column("events.entity", "entity_id", raw, entity, f"coalesce({entity}, '') = ''", "an id")]
    if time := recipe.events.time:
        sql = time_sql(time)
        columns.append(
            Column(
                "events.time.from",
                "event_time",
                expression(time.column),
                sql,
                f"({sql}) IS NULL",
                f"a time of format {time.format!r}",
            )
        )
    return columns + [_field_column(field) for field in recipe.fields if field.derive not in PARTS]


def _field_column(field: FieldSpec) -> Column:
    """How a field is read. Codes keep their names for later: the sort carries what is short."""
    key, name, raw = f"fields.{field.name}", f"f_{field.name}", expression(field.column or field.name)
    type = FieldType.NUMBER if field.derive in LOGARITHMS else field.type
    sql = f"TRY_CAST({raw} AS {SQL_TYPES[type]})"
    bad = f"{raw} IS NOT NULL AND {sql} IS NULL"
    if type is FieldType.TEXT:
        return Column(key, name, raw, f"CAST({raw} AS VARCHAR)", "", "a text")
    if type is FieldType.NUMBER:
        bad = f"{raw} IS NOT NULL AND ({sql} IS NULL OR NOT isfinite({sql}))"
    if type is FieldType.INTEGER:
        bad = f"{raw} IS NOT NULL AND ({sql} IS NULL OR TRY_CAST({raw} AS DOUBLE) <> {sql})"
    if field.derive in LOGARITHMS:
        sql = f"(sign({sql}) * ln(abs({sql}) + 1))"
        sql = f"CAST(trunc({sql}) AS BIGINT)" if field.derive == "log_integer" else sql
    return Column(key, name, raw, sql, bad, "a finite number" if type is FieldType.NUMBER else f"of type {type.value}")


def _scope(
    connection: duckdb.DuckDBPyConnection, recipe: Recipe, source: Source, columns: Sequence[Column], skip: bool
) -> str:
    """Load the events and what is joined to them; the FROM clause, every expression tried out."""
    events = recipe.events
    keys = [{join.on: join.on} if isinstance(join.on, str) else join.on for join in events.joins]
    spoken = [column.raw for column in columns] + [events.where or ""]
    loaded = database.load(connection, recipe, source, events.table, [*spoken, *(k for on in keys for k in on)], skip)
    if loaded.rejected:
        logger.warning("%s: %d lines of the events are no rows and were left out", recipe.name, loaded.rejected)
    known = list(loaded.columns)
    clause = f"{quoted(events.table)} AS events"
    for join, on in zip(events.joins, keys, strict=True):
        known += _joined(connection, recipe, source, join.table, spoken, on, known, skip)
        matches = " AND ".join(f"CAST(events.{quoted(a)} AS VARCHAR) = {join.table}._key{i}" for i, a in enumerate(on))
        without = ", ".join(map(quoted, [*on.values(), "_row"]))
        made = ", ".join(f"CAST({quoted(b)} AS VARCHAR) AS _key{i}" for i, b in enumerate(on.values()))
        clause += (
            f" LEFT JOIN (SELECT * EXCLUDE ({without}), {made} FROM {quoted(join.table)}) AS {join.table} ON {matches}"
        )
    for column in columns:
        bare = column.raw[1:-1] if column.raw.startswith('"') else None
        if bare and bare.lower() not in [name.lower() for name in known]:
            raise DataError(f"{recipe.name}, {column.key}: there is no column {bare!r}; {nearest(bare, known)}")
    for key, sql in [(column.key, column.sql) for column in columns] + [
        ("events.where", expression(events.where or "1 = 1"))
    ]:
        try:
            connection.execute(f"SELECT {sql} FROM {clause} LIMIT 0").fetchall()
        except duckdb.Error as error:
            raise RecipeError(f"recipe {recipe.name!r}, {key}: {explained(error, known)}") from error
    return f"{clause} WHERE {expression(events.where or '1 = 1')}"


def _joined(
    connection: duckdb.DuckDBPyConnection,
    recipe: Recipe,
    source: Source,
    table: str,
    spoken: Sequence[str],
    on: dict[str, str],
    events: Sequence[str],
    skip: bool,
) -> tuple[str, ...]:
    """Load a table that is joined; its columns. Its keys must be there, and each must be there once."""
    loaded = database.load(connection, recipe, source, table, [*spoken, *on.values()], skip)
    for side, name, columns in [("events", a, events) for a in on] + [(table, b, loaded.columns) for b in on.values()]:
        if name.lower() not in [column.lower() for column in columns]:
            raise DataError(f"table {side!r} has no column {name!r} to join on; {nearest(name, columns)}")
    keys = ", ".join(map(quoted, on.values()))
    twice = connection.execute(
        f"SELECT {keys} FROM {quoted(table)} GROUP BY {keys} HAVING count(*) > 1 LIMIT 1"
    ).fetchall()
    if twice:
        raise DataError(
            f"table {table!r} has {keys} {twice[0][0]!r} more than once: each event would be there as often"
        )
    return loaded.columns


def _checked(
    connection: duckdb.DuckDBPyConnection, recipe: Recipe, joined: str, columns: Sequence[Column], skip: bool
) -> str:
    """Look at every row; the condition that leaves out the bad ones, after they have been told of or refused."""
    checks = [column for column in columns if column.bad]
    asked = ["count(*)"]
    for check in checks:
        asked += [f"count_if({check.bad})", f"min(events._row) FILTER ({check.bad})"]
        asked += [f"arg_min(CAST({check.raw} AS VARCHAR), events._row) FILTER ({check.bad})"]
    try:
        found = connection.execute(f"SELECT {', '.join(asked)} FROM {joined}").fetchall()[0]
    except duckdb.Error as error:
        raise DataError(f"cannot read the events of {recipe.name!r}: {database.one_line(error)}") from error
    total, bad_any = int(found[0]), False
    if not total:
        raise DataError(f"there are no events in the files of {recipe.name!r}: check them and events.where")
    for at, check in enumerate(checks):
        count, row, value = found[1 + 3 * at : 4 + 3 * at]
        if not count:
            continue
        bad_any = True
        what = (
            f"{check.key}: row {row + 1} has {value!r}, which is not {check.wanted} "
            f"({count} of {total} rows, {100 * count / total:.3g} %)"
        )
        if not skip:
            raise DataError(
                f"{recipe.name}, {what}: mend the file or the recipe, or leave such rows out with --on-bad-row skip"
            )
        logger.warning("%s, %s: left out", recipe.name, what)
    return "".join(f" AND NOT coalesce({check.bad}, false)" for check in checks) if bad_any else ""


def _names(recipe: Recipe, source: Source) -> dict[str, dict[str, str]]:
    """What codes stand for, of each field that has names."""
    names: dict[str, dict[str, str]] = {}
    for field in recipe.fields:
        if isinstance(field.names, dict):
            names[field.name] = field.names
        elif isinstance(field.names, Names):
            names[field.name] = _dictionary(recipe, source, field.names)
    return names


def _dictionary(recipe: Recipe, source: Source, names: Names) -> dict[str, str]:
    """Code to name, of a table of the raw data; the first name where a code has several."""
    code, name = (f"CAST({expression(sql)} AS VARCHAR)" for sql in (names.code, names.name))
    with database.connected(source) as connection:
        loaded = database.load(connection, recipe, source, names.table, [names.code, names.name], skip=False)
        try:
            query = f"SELECT {code}, {name} FROM {quoted(names.table)} WHERE {code} || {name} <> '' ORDER BY _row DESC"
            return dict(connection.execute(query).fetchall())
        except duckdb.Error as error:
            raise DataError(f"table {names.table!r}: {explained(error, loaded.columns)}") from error


def as_utc(moment: datetime) -> datetime:
    """A time in UTC; one without a zone is taken to be in UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
