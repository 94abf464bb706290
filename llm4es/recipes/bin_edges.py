"""Where the bins of numbers meet: quantiles of the events of those who train, fitted while the raw events are read.

In: fields with a number of bins, and a connection that holds the raw events. Out: their edges. Exact, and the same on
every machine: no row is sampled, and what does not fit in memory is spilled to disk. Knows no text and no store.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from ..core.sql import identifier
from .database import ROW
from .derive import GAP_US
from .events_query import EventsQuery
from .locate import Source
from .model import FieldSpec, Recipe
from .splits import read_splits

TRAIN = "train"
"""The part of the default split whose events the edges are quantiles of."""


@dataclass
class BinEdges:
    """Edges that are wanted, and then found: ``read_events`` fits them before it gives the first event.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from llm4es.options import SerializeOptions
    >>> from llm4es.recipes import keep_frames, locate, read_events, recipe_from_frame
    >>> events = {"user": ["a"] * 6, "amount": [1, 2, 3, 4, 5, 6]}
    >>> recipe = recipe_from_frame("shop", events, entity="user", fields=[{"name": "amount", "bins": 3}])
    >>> recipe = keep_frames(recipe, events, None, Path(tempfile.mkdtemp()))
    >>> wanted = BinEdges(recipe.counted_bins())
    >>> _ = read_events(recipe, locate(recipe), SerializeOptions(), edges=wanted).read_all()
    >>> wanted.edges, wanted.n_entities
    ({'amount': (3.0, 5.0)}, 1)
    """

    fields: Sequence[FieldSpec]
    """Those with a number of bins."""
    edges: dict[str, tuple[float, ...]] = field(default_factory=dict)
    """Of each field by name: rising, each the lowest value of the bin above it, fewer where many values are equal."""
    n_entities: int = 0
    """Whose events they are quantiles of."""

    def fit(
        self,
        connection: duckdb.DuckDBPyConnection,
        query: EventsQuery,
        recipe: Recipe,
        source: Source,
        entities: pa.Array,
        skip: bool,
    ) -> None:
        """Find the edges.

        Parameters
        ----------
        connection : duckdb.DuckDBPyConnection
            Holds the raw events.
        query : EventsQuery
            Where their columns can be read.
        recipe, source, skip
            As of ``read_splits``.
        entities : pyarrow.Array of str
            All that are read; where none of them trains, the edges are quantiles of everybody's events.
        """
        splits = read_splits(recipe, entities, source, recipe.splits.default, skip)
        trained = splits.filter(pc.equal(splits["split"], TRAIN))["entity_id"]
        fitted = pa.table({"entity_id": trained if len(trained) else entities})
        self.n_entities = len(fitted)
        connection.register("_fitted", fitted)
        try:
            for each in self.fields:
                self.edges[each.name] = _edges(connection, _values(query, each), int(str(each.bins)))
        finally:
            connection.unregister("_fitted")


def _values(query: EventsQuery, field: FieldSpec) -> str:
    """SELECT of the field's values ``x`` in the events of those who train."""
    by_name = {column.name: column.sql for column in query.values}
    columns = [f"{query.entity.sql} AS _id"]
    if field.derive in GAP_US:
        columns += [
            f"epoch_us({by_name.get('event_time', 'CAST(NULL AS TIMESTAMP)')}) AS _time",
            f"events.{ROW} AS _row",
        ]
        before = "lag(_time) OVER (PARTITION BY _id ORDER BY _time, _row)"
        value = f"(_time - {before}) // {GAP_US[field.derive]}"
    else:
        value = identifier(f"f_{field.name}")
        columns.append(f"{by_name[f'f_{field.name}']} AS {value}")
    rows = f"SELECT {', '.join(columns)} FROM {query.clause}"
    return f"SELECT CAST({value} AS DOUBLE) AS x FROM ({rows}) SEMI JOIN _fitted ON _id = _fitted.entity_id"


def _edges(connection: duckdb.DuckDBPyConnection, values: str, n_bins: int) -> tuple[float, ...]:
    """The lowest value of each bin but the first: at most its share of the values lies below it.

    Counted by value and not by ``quantile_cont``, which holds all values in memory.
    """
    shares = ", ".join(f"min(x) FILTER (upto * {n_bins} > total * {part})" for part in range(1, n_bins))
    lowest, *edges = connection.execute(f"""
        WITH counted AS (SELECT x, count(*) AS n FROM ({values}) WHERE x IS NOT NULL GROUP BY x),
        summed AS (SELECT x, sum(n) OVER (ORDER BY x) AS upto, sum(n) OVER () AS total FROM counted)
        SELECT min(x), {shares} FROM summed""").fetchall()[0]
    return tuple(sorted({edge for edge in edges if edge is not None and edge > lowest}))
