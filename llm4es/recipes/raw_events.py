"""The raw events of a recipe, loaded and checked, before any is put in order.

In: a recipe, its files, and which of the events are wanted. Out: whose they are, in a few bytes what the rows of each
entity hold, and the events of those that are asked for. Knows nothing of texts.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import duckdb
import pyarrow as pa

from ..core.errors import DataError, RecipeError
from ..core.hashing import canonical_json, text_hash
from ..core.interrupts import interruptible
from ..core.phases import phase
from ..core.raw_rows import RAW_ROWS
from ..core.sample import sample_order
from ..core.sql import identifier, literal
from ..options import SerializeOptions
from . import database
from .bin_edges import BinEdges
from .code_names import code_names
from .database import ROW
from .derive import EventBuilder, events_schema
from .events_query import EventsQuery, load_query
from .expressions import sentence
from .joins import FEW
from .labels import labelled_ids
from .locate import Source
from .model import Recipe

logger = logging.getLogger(__name__)

BATCH_ROWS = 61_440
"""Rows a batch: half of DuckDB's row group. What is made of them takes the memory of those before, and no new pages."""


class RawEvents:
    """Raw events that are loaded, and can be read once. A context manager; reading to the end closes it too.

    Parameters
    ----------
    recipe, source, options, max_entities, edges
        As of ``read_events``.
    hashed : bool, default False
        Whether ``rows`` will be asked for.

    Raises
    ------
    DataError, RecipeError
        As ``read_events``.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from llm4es.recipes import keep_frames, locate, recipe_from_frame
    >>> visits = [{"user": "b", "shop": "tea"}, {"user": "a", "shop": "milk"}, {"user": "b", "shop": "rice"}]
    >>> recipe = recipe_from_frame("visits", visits, entity="user")
    >>> recipe = keep_frames(recipe, visits, None, Path(tempfile.mkdtemp()))
    >>> with RawEvents(recipe, locate(recipe), SerializeOptions(), hashed=True) as raw:
    ...     raw.entities.to_pylist(), raw.rows().num_rows
    ...     raw.read(pa.array(["b"])).read_all()["shop"].to_pylist()
    (['a', 'b'], 2)
    ['tea', 'rice']
    """

    def __init__(
        self,
        recipe: Recipe,
        source: Source,
        options: SerializeOptions,
        max_entities: int | None = None,
        edges: BinEdges | None = None,
        *,
        hashed: bool = False,
    ) -> None:
        if options.as_of is not None and recipe.events.time is None:
            raise RecipeError(f"--as-of needs times, and recipe {recipe.name!r} has no events.time")
        self.recipe, self.options = recipe, options
        self._skip = options.on_bad_row == "skip"
        self._names = code_names(recipe, source, self._skip)
        with phase("reading the raw files"), ExitStack() as stack:
            self._connection = stack.enter_context(database.connected(source))
            try:
                with interruptible(self._connection.interrupt):
                    self._query = load_query(self._connection, recipe, source, self._skip)
                    self.entities = _entities(
                        self._connection, recipe, source, self._query, max_entities, self._skip, hashed=hashed
                    )
                    if edges is not None and edges.fields:
                        edges.fit(self._connection, self._query, recipe, source, self.entities, self._skip)
            except duckdb.Error as error:
                raise self._refused(error) from error
            self._resources = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._resources.close()

    @property
    def made_from(self) -> str:
        """What the hashes of ``rows`` are hashes of: where it is another, none can be compared."""
        columns = [(column.name, column.sql) for column in (self._query.entity, *self._query.values)]
        read = [duckdb.__version__, self.recipe.serialized_hash(), self._query.clause, columns, self._names]
        return text_hash(canonical_json(read))

    def rows(self) -> pa.Table:
        """RAW_ROWS of everybody, ids ascending. Equal hashes of one ``made_from`` mean equal rows."""
        columns = ", ".join([f"{literal(self.recipe.name)} AS dataset", *RAW_ROWS.names[1:]])
        return self._connection.sql(f"SELECT {columns} FROM _entities ORDER BY number").to_arrow_table()

    def in_no_order(self, entity_ids: pa.Array | pa.ChunkedArray) -> pa.Array:
        """Those of some entities that have events of one time, whose order is that of the files; with a key, all."""
        if self.recipe.events.key:  # of the rows with one key the last in the files is taken
            return pa.array(entity_ids)
        time = next((column.sql for column in self._query.values if column.name == "event_time"), "NULL")
        self._connection.register("_asked", pa.table({"entity_id": entity_ids}))
        rows = f"SELECT {self._query.entity.sql} AS _id, {time} AS _time FROM {self._query.clause}"
        query = (
            f"SELECT DISTINCT _id FROM (FROM ({rows}) SEMI JOIN _asked ON _id = _asked.entity_id) "
            "GROUP BY _id, _time HAVING count(*) > 1"
        )
        return self._connection.sql(query).to_arrow_table()["_id"].combine_chunks()

    def read(self, only: pa.Array | pa.ChunkedArray | None = None) -> pa.RecordBatchReader:
        """The events in order, as ``read_events`` gives them: of everybody, or of some entities only."""
        wanted = "_entities"
        if only is not None:
            self._connection.register("_only", pa.table({"entity_id": only}))
            wanted = "(SELECT entity_id, number FROM _entities SEMI JOIN _only USING (entity_id))"
        try:
            with interruptible(self._connection.interrupt):
                reader = self._connection.sql(_sorted(self.recipe, self._query, self.options, wanted)).to_arrow_reader(
                    BATCH_ROWS
                )
                first = next((batch for batch in reader if batch.num_rows), None)  # sorts: what can fail, fails here
        except duckdb.Error as error:
            raise self._refused(error) from error
        order = EventBuilder(self.recipe.name, self.recipe.fields, self._names, self.entities)
        batches = order.events(_chained(first, reader))
        resources = self._resources.pop_all()
        return pa.RecordBatchReader.from_batches(
            events_schema(self.recipe.fields), _to_the_end(self.recipe, order, batches, resources)
        )

    def _refused(self, error: duckdb.Error) -> DataError:
        return DataError(f"cannot read the events of {self.recipe.name!r}: {sentence(error)}")


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
    *,
    hashed: bool,
) -> pa.Array:
    """The wanted ids in order; a table ``_entities`` gives each its number, which is quicker to sort by."""
    hashes = f", {_hashes(connection, query)}" if hashed else ""
    wanted = f"SELECT {query.entity.sql} AS entity_id{hashes} FROM {query.clause} GROUP BY ALL"
    if max_entities is not None:
        connection.register("_labelled", pa.table({"entity_id": labelled_ids(recipe, source, skip)}))
        order = sample_order("entity_id IN (FROM _labelled)")
        wanted = f"SELECT * FROM ({wanted}) ORDER BY {order} LIMIT {max_entities}"
    connection.execute(
        "CREATE TEMP TABLE _entities AS SELECT *, CAST(row_number() OVER (ORDER BY entity_id) - 1 AS INTEGER) "
        f"AS number FROM ({wanted})"
    )
    ids = connection.sql("SELECT entity_id FROM _entities ORDER BY number").to_arrow_table()
    if not len(ids) and not source.partial:
        raise DataError(f"{recipe.name}: every row of the events is left out: mend the files, or the recipe")
    return ids["entity_id"].combine_chunks()


def _hashes(connection: duckdb.DuckDBPyConnection, query: EventsQuery) -> str:
    """SQL of the hashes of an entity's rows: sums over them, so that no row has to be put in order.

    A zero and a zero below zero are equal in SQL, and two texts.
    """
    selected = ", ".join(f"{column.sql} AS {identifier(column.name)}" for column in query.values)
    types = connection.execute(f"DESCRIBE SELECT {selected} FROM {query.clause}").fetchall() if selected else []
    floats = {str(name) for name, type, *_ in types if type in ("DOUBLE", "FLOAT")}
    values = [part for column in query.values for part in _parts(column.sql, column.name in floats)]
    place = f"events.{ROW}"
    return (
        f"{_summed(values or ['0'])} AS values_hash, {_summed([*values, place])} AS places_hash"  # of no fields: count
    )


def _parts(sql: str, is_float: bool) -> list[str]:
    return [sql, f"signbit({sql})"] if is_float else [sql]


def _summed(values: list[str]) -> str:
    """Sum of the rows' hashes, and their number, in 63 bits."""
    return f"CAST(hash(sum(hash({', '.join(values)})), count(*)) >> 1 AS BIGINT)"


def _sorted(recipe: Recipe, query: EventsQuery, options: SerializeOptions, wanted: str) -> str:
    """The query of all wanted rows in order; of those with one key the last."""
    selected = ", ".join(f"{column.sql} AS {identifier(column.name)}" for column in query.values)
    if not any(column.name == "event_time" for column in query.values):
        selected += ", CAST(NULL AS TIMESTAMP) AS event_time"
    names = ", ".join(identifier(column.name) for column in query.values if column.name != "event_time")
    rows = f"SELECT {query.entity.sql} AS _id, {selected}, events.{ROW} FROM {query.clause}"
    before = ""
    if options.as_of is not None:
        moment = as_utc(options.as_of).replace(tzinfo=None).isoformat(sep=" ")
        before = f" WHERE event_time < TIMESTAMP {literal(moment)}"
    columns = ", ".join(filter(None, [names, "event_time", "number"]))
    key = [name if name == "event_time" else f"f_{name}" for name in recipe.events.key]
    return (
        f"SELECT {columns} FROM ({rows}) AS rows JOIN {wanted} AS wanted ON rows._id = wanted.entity_id{before} "
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


def as_utc(moment: datetime) -> datetime:
    """A time in UTC; one without a zone is taken to be in UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
