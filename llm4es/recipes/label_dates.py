"""When labels are of, where a task says so: read as events' times are, each checked.

In: a task, its table. Out: SQL of the date, or one line that names the row whose date is none. Knows no events.
"""

import logging

import duckdb

from ..core.errors import DataError
from .database import ROW, Loaded
from .expressions import expression
from .model import Task
from .times import not_a_time, time_sql

logger = logging.getLogger(__name__)


def date_sql(task: Task) -> str:
    """The SQL of a label's time, in UTC; null where there is none, or the task names none."""
    return time_sql(task.as_of) if task.as_of else "CAST(NULL AS TIMESTAMP)"


def check_dates(
    connection: duckdb.DuckDBPyConnection, name: str, task: Task, table: str, loaded: Loaded, skip: bool
) -> None:
    """Refuse labels without a time; with ``skip`` say how many are left out."""
    if task.as_of is None:
        return
    raw, bad = f"CAST({expression(task.as_of.column)} AS VARCHAR)", not_a_time(date_sql(task))
    entity = f"CAST({expression(task.entity)} AS VARCHAR)"
    labelled = f"FROM {table} WHERE ({expression(task.label)}) IS NOT NULL"
    query = f"""SELECT count(*), count_if({bad}), min({ROW}) FILTER ({bad}), arg_min({raw}, {ROW}) FILTER ({bad}),
        arg_min({entity}, {ROW}) FILTER ({bad}) {labelled}"""
    total, count, row, value, who = connection.execute(query).fetchall()[0]
    if not count:
        return
    has = "no cut-off" if value is None else f"{value!r}, which is not a time of format {task.as_of.format!r}"
    what = f"tasks.{name}.as_of: entity {who!r} ({loaded.place(row)}) has {has} ({count} of {total} labels)"
    if not skip:
        raise DataError(f"{what}: mend the file or the recipe, or leave such labels out with --on-bad-row skip")
    if count == total:
        raise DataError(f"{what}: with --on-bad-row skip nothing would be left")
    logger.warning("%s: left out", what)
