"""Aggregates of an entity's events: the baseline that papers on event sequences have to beat.

In: events batches, and which columns are amounts and which are categories. Out: one wide row an entity, computed by
DuckDB from the stream. The widths are those of pytorch-lifestream's ``AggFeatureSeqEncoder``; the amounts are the
true ones. Knows no labels and no scaling.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..core.hashing import canonical_json, text_hash
from ..core.sql import identifier
from .events_table import loaded
from .feature_set import FeatureSet


@dataclass(frozen=True)
class Columns:
    """Which columns of the events are aggregated, and how finely."""

    numeric: tuple[str, ...] = ()
    """Columns whose sum, mean and standard deviation count."""

    categorical: Mapping[str, int] = field(default_factory=dict)
    """Column -> number of codes: 0 stands for nothing, 1 for the most frequent value, ..., the last for all rarer."""

    def width(self) -> int:
        """Columns of the result: 1 + numeric * (3 + 3 * codes) + categorical."""
        return 1 + len(self.numeric) * (3 + 3 * sum(self.categorical.values())) + len(self.categorical)


MOMENTS = "count({0}) AS n, coalesce(sum({0}), 0)::DOUBLE AS total, coalesce(sum({0} * {0}), 0)::DOUBLE AS squares"


def aggregates(events: Iterable[pa.RecordBatch], columns: Columns) -> FeatureSet:
    """Per entity: events; sum, mean and standard deviation of each amount; the same of each amount within each code
    (with a count for the sum); distinct codes of each category."""
    with loaded(events, (*columns.numeric, *columns.categorical)) as connection:
        people = connection.sql("SELECT entity_id, count(*)::DOUBLE AS n FROM events GROUP BY ALL ORDER BY entity_id")
        table = people.to_arrow_table()
        row = {entity: i for i, entity in enumerate(table["entity_id"].to_pylist())}
        parts: list[NDArray[np.float64]] = [table["n"].to_numpy()[:, None]]  # (N, 1)
        for amount in columns.numeric:
            whole = _moments(connection, amount, None, 1, row)[:, 0]  # (N, 3)
            total, _, deviation = _total_mean_deviation(whole)
            parts.append(np.stack([total, _mean(whole), deviation], axis=1))  # (N, 3)
        for category, size in columns.categorical.items():
            _code(connection, category, size)
            for amount in columns.numeric:
                each = _moments(connection, amount, category, size, row)  # (N, S, 3)
                _, mean, deviation = _total_mean_deviation(each)
                parts += [each[..., 0], mean, deviation]  # (N, S) each
        for category in columns.categorical:
            parts.append(_distinct(connection, category, row))  # (N, 1)
    matrix = np.concatenate(parts, axis=1)  # (N, D)
    content = [list(columns.numeric), dict(columns.categorical), list(row), matrix.tolist()]
    return FeatureSet(
        name="aggregates",
        entity_ids=list(row),
        matrix=matrix,
        model=None,
        k=None,
        seen=frozenset(),
        source_hash=text_hash(canonical_json(content)),
    )


def counts(events: Iterable[pa.RecordBatch], columns: Sequence[str]) -> FeatureSet:
    """Per entity, how much history there is and not what: logarithms of events and of each column's distinct values."""
    with loaded(events, columns) as connection:
        distinct = "".join(f", count(DISTINCT {identifier(column)})" for column in columns)
        found = connection.sql(
            f"SELECT entity_id, count(*){distinct} FROM events GROUP BY entity_id ORDER BY entity_id"
        )
        table = found.to_arrow_table()
    numbers = [np.log1p(table.column(i).to_numpy().astype(float)) for i in range(1, table.num_columns)]
    matrix = np.stack(numbers, axis=1)  # (N, 1 + columns)
    ids = table["entity_id"].to_pylist()
    return FeatureSet(
        name="counts",
        entity_ids=ids,
        matrix=matrix,
        model=None,
        k=None,
        seen=frozenset(),
        source_hash=text_hash(canonical_json([list(columns), ids, matrix.tolist()])),
    )


def _code(connection: duckdb.DuckDBPyConnection, category: str, size: int) -> None:
    """Adds the column ``code <category>``: frequency rank from 1 on, ties by value, no more than ``size - 1``."""
    name, code = identifier(category), identifier(f"code {category}")
    connection.execute(
        f"""CREATE OR REPLACE TABLE events AS
        WITH counted AS (SELECT {name}::VARCHAR AS value, count(*) AS n FROM events GROUP BY ALL),
        ranked AS (SELECT value, row_number() OVER (ORDER BY n DESC, value NULLS LAST) AS rank FROM counted)
        SELECT events.*, least(rank, {size - 1})::INTEGER AS {code}
        FROM events JOIN ranked ON events.{name}::VARCHAR IS NOT DISTINCT FROM ranked.value
        ORDER BY events.rowid"""
    )


def _moments(
    connection: duckdb.DuckDBPyConnection, amount: str, category: str | None, size: int, row: Mapping[str, int]
) -> NDArray[np.float64]:
    """(N, S, 3) count, sum and sum of squares of an amount, by code (S = 1 without a category)."""
    code = "0" if category is None else identifier(f"code {category}")
    counted = MOMENTS.format(f"{identifier(amount)}::DOUBLE")
    found = connection.sql(f"SELECT entity_id, {code} AS code, {counted} FROM events GROUP BY ALL").to_arrow_table()
    out = np.zeros((len(row), size, 3))
    at = np.array([row[entity] for entity in found["entity_id"].to_pylist()], dtype=np.int64)
    for i, name in enumerate(("n", "total", "squares")):
        out[at, found["code"].to_numpy(), i] = found[name].to_numpy()
    return out


def _total_mean_deviation(moments: NDArray[np.float64]) -> tuple[Any, Any, Any]:
    """Sum, mean and standard deviation (ddof 1) from (..., 3) count, sum, squares; 0 where there is nothing."""
    n, total, squares = moments[..., 0], moments[..., 1], moments[..., 2]
    spread = squares - total**2 / np.maximum(n, 1)
    return total, _mean(moments), np.sqrt(np.maximum(spread, 0) / np.maximum(n - 1, 1))


def _mean(moments: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum over count, 0 where there is nothing."""
    mean: NDArray[np.float64] = moments[..., 1] / np.maximum(moments[..., 0], 1)
    return mean


def _distinct(connection: duckdb.DuckDBPyConnection, category: str, row: Mapping[str, int]) -> NDArray[np.float64]:
    """(N, 1) distinct codes of each entity."""
    code = identifier(f"code {category}")
    found = connection.sql(
        f"SELECT entity_id, count(DISTINCT {code})::DOUBLE AS n FROM events GROUP BY ALL"
    ).to_arrow_table()
    out = np.zeros((len(row), 1))
    out[[row[entity] for entity in found["entity_id"].to_pylist()], 0] = found["n"].to_numpy()
    return out
