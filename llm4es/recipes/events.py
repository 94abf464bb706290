"""Raw files to events: typed, checked, in order, and never all in memory.

In: a recipe, its files, and which of the events are wanted. Out: record batches of EVENT_KEYS and one column a field,
sorted by entity and time. Knows nothing of texts.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime

import duckdb
import pyarrow as pa

from ..core.errors import DataError, RecipeError
from ..core.interrupts import interruptible
from ..core.sample import sample_order
from ..core.sql import identifier, literal
from ..options import SerializeOptions
from . import database
from .bin_edges import BinEdges
from .database import ROW
from .derive import EventBuilder, events_schema
from .events_query import EventsQuery, load_query
from .expressions import explained, expression, sentence
from .joins import FEW
from .keys import key_sql
from .labels import labelled_ids
from .locate import Source
from .model import Names, Recipe

logger = logging.getLogger(__name__)

BATCH_ROWS = 122_880
"""Rows a batch: DuckDB's own row group."""


def read_events(
    recipe: Recipe,
    source: Source,
    options: SerializeOptions,
    max_entities: int | None = None,
    edges: BinEdges | None = None,
) -> pa.RecordBatchReader:
    """Every entity's events, in order, typed and checked; sorted on disk where memory does not hold them.

    Parameters
    ----------
    recipe : Recipe
        What an event is.
    source : Source
        The raw files, from ``locate``.
    options : SerializeOptions
        Events before ``as_of`` only; ``on_bad_row`` says whether rows that cannot be read are refused or left out.
    max_entities : int, optional
        A sample of that many entities: labelled ones first, then by a hash of the id, so that a smaller sample is part
        of a larger one. None: all.
    edges : BinEdges, optional
        Bins whose edges are found on the way, whatever ``as_of``: when this returns, they are there.

    Returns
    -------
    pyarrow.RecordBatchReader
        Columns ``dataset``, ``entity_id`` (text), ``position`` (int32, 0 the oldest), ``event_time`` (UTC,
        microseconds; null without times), then one a field; sorted by entity and time. Read it to the end or close it.

    Raises
    ------
    DataError
        A file or a row cannot be read, or a column is not there.
    RecipeError
        An expression of the recipe is not understood, or ``as_of`` is asked of a recipe without times.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from llm4es.recipes import keep_frames, locate, recipe_from_frame
    >>> visits = [{"user": "b", "shop": "tea"}, {"user": "a", "shop": "milk"}, {"user": "b", "shop": "rice"}]
    >>> recipe = recipe_from_frame("visits", visits, entity="user")
    >>> recipe = keep_frames(recipe, visits, None, Path(tempfile.mkdtemp()))
    >>> events = read_events(recipe, locate(recipe), SerializeOptions()).read_all()
    >>> [tuple(row.values()) for row in events.select(["entity_id", "position", "shop"]).to_pylist()]
    [('a', 0, 'milk'), ('b', 0, 'tea'), ('b', 1, 'rice')]
    """
    if options.as_of is not None and recipe.events.time is None:
        raise RecipeError(f"--as-of needs times, and recipe {recipe.name!r} has no events.time")
    with ExitStack() as stack:
        connection = stack.enter_context(database.connected(source))
        skip = options.on_bad_row == "skip"
        try:
            with interruptible(connection.interrupt):
                query = load_query(connection, recipe, source, skip)
                entities = _entities(connection, recipe, source, query, max_entities, skip)
                if edges is not None and edges.fields:
                    edges.fit(connection, query, recipe, source, entities, skip)
                reader = connection.sql(_sorted(recipe, query, options)).to_arrow_reader(BATCH_ROWS)
                first = next((batch for batch in reader if batch.num_rows), None)  # sorts: what can fail, fails here
        except duckdb.Error as error:
            raise DataError(f"cannot read the events of {recipe.name!r}: {sentence(error)}") from error
        order = EventBuilder(recipe.name, recipe.fields, _names(recipe, source, skip), entities)
        batches = order.events(_chained(first, reader))
        return pa.RecordBatchReader.from_batches(
            events_schema(recipe.fields), _to_the_end(recipe, order, batches, stack.pop_all())
        )


def entity_ids(recipe: Recipe, source: Source, options: SerializeOptions, max_entities: int | None = None) -> pa.Array:
    """The ids of the entities that ``read_events`` would give the events of, in order.

    Parameters
    ----------
    recipe, source, options, max_entities
        As of ``read_events``.

    Returns
    -------
    pyarrow.StringArray
        Ascending, each once.

    Raises
    ------
    DataError, RecipeError
        As ``read_events``.
    """
    skip = options.on_bad_row == "skip"
    with database.connected(source) as connection:
        query = load_query(connection, recipe, source, skip)
        return _entities(connection, recipe, source, query, max_entities, skip)


def _chained(first: pa.RecordBatch | None, rest: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    if first is not None:
        yield first
        yield from rest


def _to_the_end(
    recipe: Recipe, order: EventBuilder, batches: Iterator[pa.RecordBatch], resources: ExitStack
) -> Iterator[pa.RecordBatch]:
    """The batches; then what was met on the way is told, and the connection closed, whatever happens."""
    with resources:
        yield from batches
    for name, count in order.unknown.items():
        if count:
            what = f"{recipe.name}: {count} values of {name!r} have no name in its dictionary and stay codes"
            if count > (1 - FEW) * order.met[name]:
                share, first = 100 * count / order.met[name], next(iter(order.names[name]), None)
                what += f": {share:.3g} % of all, such as {order.strange[name]!r}, where the dictionary has {first!r}"
            logger.warning("%s", what)


def _entities(
    connection: duckdb.DuckDBPyConnection,
    recipe: Recipe,
    source: Source,
    query: EventsQuery,
    max_entities: int | None,
    skip: bool,
) -> pa.Array:
    """The wanted ids in order; a table ``_entities`` gives each its number, which is quicker to sort by."""
    wanted = f"SELECT DISTINCT {query.entity.sql} AS entity_id FROM {query.clause}"
    if max_entities is not None:
        connection.register("_labelled", pa.table({"entity_id": labelled_ids(recipe, source, skip)}))
        order = sample_order("entity_id IN (FROM _labelled)")
        wanted = f"SELECT entity_id FROM ({wanted}) ORDER BY {order} LIMIT {max_entities}"
    connection.execute(
        "CREATE TEMP TABLE _entities AS SELECT entity_id, CAST(row_number() OVER (ORDER BY entity_id) - 1 AS INTEGER) "
        f"AS number FROM ({wanted})"
    )
    ids = connection.sql("SELECT entity_id FROM _entities ORDER BY number").to_arrow_table()
    if not len(ids) and not source.partial:
        raise DataError(f"{recipe.name}: every row of the events is left out: mend the files, or the recipe")
    return ids["entity_id"].combine_chunks()


def _sorted(recipe: Recipe, query: EventsQuery, options: SerializeOptions) -> str:
    """The query of all wanted rows in order; of those with one key the last."""
    selected = ", ".join(f"{column.sql} AS {identifier(column.name)}" for column in query.values)
    if not any(column.name == "event_time" for column in query.values):
        selected += ", CAST(NULL AS TIMESTAMP) AS event_time"
    rows = f"SELECT {query.entity.sql} AS _id, {selected}, events.{ROW} FROM {query.clause}"
    before = ""
    if options.as_of is not None:
        moment = as_utc(options.as_of).replace(tzinfo=None).isoformat(sep=" ")
        before = f" WHERE event_time < TIMESTAMP {literal(moment)}"
    key = [name if name == "event_time" else f"f_{name}" for name in recipe.events.key]
    return (
        f"SELECT * EXCLUDE (_id, {ROW}, entity_id) FROM ({rows}) JOIN _entities ON _id = entity_id{before} "
        f"{last_of_key('number', key, f'{ROW} DESC')}"
        f"ORDER BY number, event_time, {ROW}"
    )


def last_of_key(entity: str, key: Sequence[str], newest: str) -> str:
    """The clause of a query that keeps one row of those of an entity that agree in a key; all that lack one stay.

    Parameters
    ----------
    entity : str
        Column that says whose a row is.
    key : sequence of str
        Columns; none: every row stays.
    newest : str
        What to order by so that the row that stays is the first.

    Returns
    -------
    str
        SQL with a space behind it; '' where there is no key.

    Examples
    --------
    >>> last_of_key("number", ["f_receipt"], "row DESC")
    'QUALIFY "f_receipt" IS NULL OR row_number() OVER (PARTITION BY number, "f_receipt" ORDER BY row DESC) = 1 '
    """
    if not key:
        return ""
    columns = [identifier(name) for name in key]
    lacking = " OR ".join(f"{column} IS NULL" for column in columns)
    return (
        f"QUALIFY {lacking} OR row_number() OVER (PARTITION BY {entity}, {', '.join(columns)} ORDER BY {newest}) = 1 "
    )


def _names(recipe: Recipe, source: Source, skip: bool) -> dict[str, dict[str, str]]:
    """What codes stand for, of each field that has names."""
    names: dict[str, dict[str, str]] = {}
    for field in recipe.fields:
        if isinstance(field.names, dict):
            names[field.name] = field.names
        elif isinstance(field.names, Names):
            names[field.name] = _dictionary(recipe, source, field.names, skip)
    return names


def _dictionary(recipe: Recipe, source: Source, names: Names, skip: bool) -> dict[str, str]:
    """Code to name, of a table of the raw data; the first name where a code has several."""
    with database.connected(source) as connection:
        loaded = database.load(connection, recipe, source, {names.table: [names.code, names.name]}, skip)[names.table]
        try:
            code = key_sql(connection, expression(names.code, "fields.names"), identifier(names.table))
            name = f"CAST({expression(names.name, 'fields.names')} AS VARCHAR)"
            query = (
                f"SELECT {code}, {name} FROM {identifier(names.table)} WHERE {code} || {name} <> '' ORDER BY {ROW} DESC"
            )
            return dict(connection.execute(query).fetchall())
        except duckdb.Error as error:
            raise DataError(f"table {names.table!r}: {explained(error, loaded.columns)}") from error


def as_utc(moment: datetime) -> datetime:
    """A time in UTC; one without a zone is taken to be in UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
