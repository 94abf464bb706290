"""How values come again: with how many users, and within one user's events.

In: rows, and whose they are. Out: shares for each column. What one user alone has (a basket, a
session) is no word that tells users apart by what they share, and what never changes with a user's events adds nothing
up.
"""

from dataclasses import dataclass

import duckdb
import pyarrow as pa


@dataclass(frozen=True)
class Repetition:
    """Of one column, in the rows that were looked at."""

    shared: float
    """Share of the rows with a value whose value some other user has too, 0..1."""

    varies: float
    """Share of the users with two events or more who have two different values or more, 0..1."""

    rising: bool
    """Each number is greater than that of the row before: it counts rows."""


def repetitions(rows: pa.Table, entity: str) -> dict[str, Repetition]:
    """Of each column of some rows; ``entity`` is the one that says whose they are.

    >>> rows = pa.table({"user": ["a", "a", "b"], "basket": [1, 2, 3], "film": ["Heat", "Alien", "Heat"]})
    >>> [repetitions(rows, "user")[name].shared for name in ("basket", "film")]
    [0.0, 0.6666666666666666]
    """
    columns = ", ".join(f"nullif(c{at}::VARCHAR, '') AS c{at}" for at in range(rows.num_columns))
    with duckdb.connect() as connection:
        connection.register("given", rows.rename_columns([f"c{at}" for at in range(rows.num_columns)]))
        whose = f"c{rows.column_names.index(entity)}::VARCHAR AS whose"
        connection.execute(f"CREATE TABLE rows_of AS SELECT {whose}, {columns} FROM given")
        return {name: _repetition(connection, f"c{at}") for at, name in enumerate(rows.column_names)}


def _repetition(connection: duckdb.DuckDBPyConnection, column: str) -> Repetition:
    shared, varies, falls = connection.execute(
        f"""SELECT
            (SELECT sum(n) FILTER (users > 1) / sum(n) FROM (
                SELECT count(*) AS n, count(DISTINCT whose) AS users FROM rows_of
                WHERE {column} IS NOT NULL GROUP BY {column})),
            (SELECT count_if(different > 1) / count(*) FROM (
                SELECT count(DISTINCT {column}) AS different FROM rows_of GROUP BY whose HAVING count({column}) > 1)),
            (SELECT count_if(rises IS NOT TRUE) FROM (
                SELECT TRY_CAST({column} AS DOUBLE) > lag(TRY_CAST({column} AS DOUBLE)) OVER (ORDER BY rowid) AS rises
                FROM rows_of))"""
    ).fetchall()[0]
    return Repetition(float(shared or 0), float(1 if varies is None else varies), falls == 1)
