"""The live rows that a plan looks at, as SQL: of a part of the subjects, only what may be about them is read.

In: a table's snapshot, a scope, subjects. Out: a SELECT. Reads nothing.
"""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from llm4es.core.sql import Scope, identifier, literal, where

from .delta import Table
from .pruning import files_that_may_hold
from .views import select_sql


def live_sql(table: Table, scope: Scope, row_filter: str, subject: str, subjects: pa.ChunkedArray | None) -> str:
    """The scope's rows for which a condition holds, at least all those of the ``subjects``; None: of everybody."""
    files = files_that_may_hold(table, scope, subject, None if subjects is None else subjects.combine_chunks())
    rows = f"SELECT * FROM ({select_sql(table, paths=[file.path for file in files])})"
    return f"{rows} WHERE {where(scope)} AND ({row_filter}) AND {_range(subject, subjects)}"


def _range(subject: str, subjects: pa.ChunkedArray | None) -> str:
    """A condition by which groups of rows within a file are left out: their bounds are known too."""
    if subjects is None:
        return "true"
    ends = pc.min_max(subjects).as_py()
    if not isinstance(ends["min"], str | int):
        return "true"
    return f"{identifier(subject)} BETWEEN {literal(ends['min'])} AND {literal(ends['max'])}"


def planned_schema(wanted: pa.Table, key: Sequence[str], scope: Scope) -> pa.Schema:
    """The columns that a plan looks at, for a table that is not there yet."""
    asked = {column: pa.int64() if isinstance(value, int) else pa.string() for column, value in scope.items()}
    known = {column: wanted.schema.field(column).type for column in (*key, "source_hash")}
    return pa.schema(list({**asked, **known}.items()))
