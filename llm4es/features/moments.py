"""Sums over an entity's events, by category where there is one.

In: a connection with the table ``events``. Out: arrays, a row an entity. Knows no feature set.

Letters: N entities, S codes of a category.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from ..core.sql import identifier, literal

_MOMENTS = "count({0}) AS n, coalesce(sum({0}), 0)::DOUBLE AS total, coalesce(sum({0} * {0}), 0)::DOUBLE AS squares"


def most_frequent_sql(events: str, category: str, size: int) -> str:
    """SELECT of the ``value`` of a category that have a code of their own, the most frequent first, ties by value."""
    value = f"{identifier(category)}::VARCHAR"
    return f"""SELECT value FROM (SELECT {value} AS value, count(*) AS n FROM ({events}) GROUP BY ALL)
        ORDER BY n DESC, value NULLS LAST LIMIT {max(size - 2, 0)}"""


def add_codes(
    connection: duckdb.DuckDBPyConnection, category: str, size: int, values: Sequence[str | None] | None = None
) -> None:
    """Add the column ``code <category>``: frequency rank from 1 on, ties by value, no more than ``size - 1``.

    ``values`` are those that have a code of their own, where other events have decided which.
    """
    name, code = identifier(category), identifier(f"code {category}")
    if values is not None:
        cases = " ".join(
            f"WHEN {name} IS NULL THEN {rank}"
            if value is None
            else f"WHEN {name}::VARCHAR = {literal(value)} THEN {rank}"
            for rank, value in enumerate(values, start=1)
        )
        coded = f"CASE {cases} ELSE {size - 1} END" if cases else str(size - 1)
        connection.execute(f"CREATE OR REPLACE TABLE events AS SELECT *, ({coded})::INTEGER AS {code} FROM events")
        return
    connection.execute(
        f"""CREATE OR REPLACE TABLE events AS
        WITH counted AS (SELECT {name}::VARCHAR AS value, count(*) AS n FROM events GROUP BY ALL),
        ranked AS (SELECT value, row_number() OVER (ORDER BY n DESC, value NULLS LAST) AS rank FROM counted)
        SELECT events.*, least(rank, {size - 1})::INTEGER AS {code}
        FROM events JOIN ranked ON events.{name}::VARCHAR IS NOT DISTINCT FROM ranked.value
        ORDER BY events.rowid"""
    )


def moments(
    connection: duckdb.DuckDBPyConnection, amount: str, category: str | None, size: int, row: Mapping[str, int]
) -> NDArray[np.float64]:
    """(N, S, 3) count, sum and sum of squares of an amount, by code (S = 1 without a category)."""
    code = "0" if category is None else identifier(f"code {category}")
    counted = _MOMENTS.format(f"{identifier(amount)}::DOUBLE")
    rows = connection.sql(f"SELECT entity_id, {code} AS code, {counted} FROM events GROUP BY ALL").to_arrow_table()
    out = np.zeros((len(row), size, 3))
    at = np.array([row[entity] for entity in rows["entity_id"].to_pylist()], dtype=np.int64)
    for i, name in enumerate(("n", "total", "squares")):
        out[at, rows["code"].to_numpy(), i] = rows[name].to_numpy()
    return out


def total_mean_deviation(moments: NDArray[np.float64]) -> tuple[Any, Any, Any]:
    """Sum, mean and standard deviation (ddof 1) from (..., 3) count, sum, squares; 0 where there is nothing."""
    n, total, squares = moments[..., 0], moments[..., 1], moments[..., 2]
    spread = squares - total**2 / np.maximum(n, 1)
    return total, mean(moments), np.sqrt(np.maximum(spread, 0) / np.maximum(n - 1, 1))


def mean(moments: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum over count, 0 where there is nothing."""
    means: NDArray[np.float64] = moments[..., 1] / np.maximum(moments[..., 0], 1)
    return means


def distinct(connection: duckdb.DuckDBPyConnection, category: str, row: Mapping[str, int]) -> NDArray[np.float64]:
    """(N, 1) distinct codes of each entity."""
    code = identifier(f"code {category}")
    rows = connection.sql(
        f"SELECT entity_id, count(DISTINCT {code})::DOUBLE AS n FROM events GROUP BY ALL"
    ).to_arrow_table()
    out = np.zeros((len(row), 1))
    out[[row[entity] for entity in rows["entity_id"].to_pylist()], 0] = rows["n"].to_numpy()
    return out
