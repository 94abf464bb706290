"""Rows of a frame that could not be read later: refused before anything of the frame is kept.

In: an Arrow table, and the recipe that was made of it. Out: nothing, or one line with the first such row. The
conditions are those that ``read_events`` asks of files.
"""

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from ...core.errors import DataError, RecipeError
from ..columns import SqlColumn, value_columns
from ..expressions import explained
from ..model import Recipe

ROW = "_llm4es_row"
"""The column of a row's number while rows are looked at."""


def check_ids(table: pa.Table, entity: str, what: str) -> None:
    """Refuse rows that are nobody's: without an id, with an empty one, with an infinite one."""
    ids = table[entity]
    bad = pc.is_null(ids)
    if pa.types.is_string(ids.type):
        bad = pc.or_kleene(bad, pc.equal(ids, ""))
    if pa.types.is_floating(ids.type):
        bad = pc.or_kleene(bad, pc.is_inf(ids))
    rows = pc.indices_nonzero(bad.combine_chunks())
    if len(rows):
        raise DataError(
            f"{what}: row {rows[0].as_py() + 1} has no id in {entity!r} ({_share(len(rows), table.num_rows)}): "
            "give it one, or drop such rows"
        )


def check_values(table: pa.Table, recipe: Recipe) -> None:
    """Refuse events whose time or number cannot be read."""
    numbered = table.append_column(ROW, pa.arange(0, table.num_rows))
    with duckdb.connect() as connection:
        connection.register("frame", numbered)
        connection.execute("SET TimeZone = 'UTC'; SET python_enable_replacements = false")
        connection.execute("SET temp_directory = ''")  # what can be spilled to can be written to
        connection.execute("SET enable_external_access = false; SET lock_configuration = true")
        for column in value_columns(recipe):
            if column.bad:
                _check(connection, recipe, column, table)


def _check(connection: duckdb.DuckDBPyConnection, recipe: Recipe, column: SqlColumn, table: pa.Table) -> None:
    """Refuse the first value of a column that cannot be read."""
    try:
        column = column.of_type(str(connection.execute(f"DESCRIBE SELECT {column.raw} FROM frame").fetchall()[0][1]))
        asked = f"count(*), min({ROW}), arg_min(CAST({column.raw} AS VARCHAR), {ROW})"
        count, row, value = connection.execute(f"SELECT {asked} FROM frame WHERE {column.bad}").fetchall()[0]
    except duckdb.Error as error:
        raise RecipeError(f"recipe {recipe.name!r}, {column.key}: {explained(error, table.column_names)}") from error
    if count:
        shown = "nothing" if value is None else repr(value)
        source = column.raw.removeprefix("(").removesuffix("\n)").strip('"')
        raise DataError(
            f"events: row {row + 1} has {shown} in {source!r}, which is not {column.wanted} "
            f"({_share(count, table.num_rows)}): mend or drop such rows"
        )


def _share(count: int, total: int) -> str:
    return f"{count} of {total} rows"
