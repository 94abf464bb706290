"""Raw files to labels: one row an entity and task.

In: a recipe and its files. Out: a table of the LABELS schema, in the order in which the entities first appear in the
task's table. Knows nothing of events.
"""

import logging
from collections.abc import Callable

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from ..core.errors import DataError, RecipeError
from ..core.schemas import LABELS, TIME
from ..core.sql import identifier
from ..core.tasks import Kind
from . import database
from .comparisons import compared
from .database import ROW
from .expressions import explained, expression, sentence
from .keys import key_sql, without_nan
from .label_dates import check_dates, date_sql
from .locate import Source
from .model import Recipe, Task

logger = logging.getLogger(__name__)


def read_labels(recipe: Recipe, source: Source, *, skip: bool = False) -> pa.Table:
    """Every task's labels, in the order of the files.

    Parameters
    ----------
    recipe : Recipe
        Its tasks say where labels stand.
    source : Source
        The raw files, from ``locate``.
    skip : bool, default False
        Leave out lines that are no rows, and count them, instead of failing.

    Returns
    -------
    pyarrow.Table
        Columns ``dataset``, ``entity_id``, ``task``, ``label``, all text, and ``as_of``, when the label is of; one row
        an entity and task, of a task whose labels are dated one a date. Entities without a label have no row.

    Raises
    ------
    DataError
        A label has no entity or no date, an entity has several different labels of one date, or labels are not what the
        task's kind says.
    RecipeError
        An expression of the recipe is not understood.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from llm4es.recipes import keep_frames, locate, recipe_from_frame
    >>> visits = {"user": ["a", "b"], "shop": ["tea", "milk"]}
    >>> churn = {"user": ["a", "b"], "churn": [0, 1]}
    >>> recipe = recipe_from_frame("visits", visits, entity="user", labels=churn)
    >>> recipe = keep_frames(recipe, visits, churn, Path(tempfile.mkdtemp()))
    >>> read_labels(recipe, locate(recipe)).select(["entity_id", "task", "label"]).to_pylist()[1]
    {'entity_id': 'b', 'task': 'churn', 'label': '1'}
    """
    tables = [_task_labels(recipe, source, name, task, skip) for name, task in recipe.tasks.items()]
    return pa.concat_tables([LABELS.empty_table(), *tables])


def labelled_ids(recipe: Recipe, source: Source, skip: bool = False) -> pa.Array:
    """The ids that have a label for any task."""
    return pa.array(read_labels(recipe, source, skip=skip)["entity_id"].unique())


def _task_labels(recipe: Recipe, source: Source, name: str, task: Task, skip: bool) -> pa.Table:
    """The labels of one task; an id that is there several times must always have the same label."""
    with database.connected(source) as connection:
        spoken = [task.entity, task.label, *([task.as_of.column] if task.as_of else [])]
        loaded = database.load(connection, recipe, source, {task.table: spoken}, skip)[task.table]
        try:
            table = identifier(task.table)
            try:
                rows = _rows(connection, task, table)
            except duckdb.BinderException:  # an expression such as ``age < 30``, on columns that are texts in a CSV
                table = _with_numbers(connection, task)
                rows = _rows(connection, task, table)
            check_dates(connection, name, task, table, loaded, skip)
        except (duckdb.BinderException, duckdb.ParserException, duckdb.CatalogException) as error:
            raise RecipeError(f"recipe {recipe.name!r}, tasks.{name}: {explained(error, loaded.columns)}") from error
        except duckdb.Error as error:
            raise DataError(f"tasks.{name}: cannot read the labels: {sentence(error)}") from error
    if task.as_of:
        rows = rows.filter(pc.is_valid(rows["as_of"]))
    if skip and (nobodys := pc.equal(pc.fill_null(rows["entity_id"], ""), "")) and pc.any(nobodys).as_py():
        logger.warning("%s, tasks.%s: labels without an entity id are left out", recipe.name, name)
        rows = rows.filter(pc.invert(nobodys))
    _check(name, task, rows)
    count = rows.num_rows
    columns = [pa.repeat(recipe.name, count), rows["entity_id"], pa.repeat(name, count), rows["label"]]
    return pa.table([*columns, rows["as_of"].cast(TIME)], schema=LABELS)


def _rows(connection: duckdb.DuckDBPyConnection, task: Task, table: str) -> pa.Table:
    """One row an id and date, in the order of the file."""
    entity = key_sql(connection, expression(task.entity), table)
    label = without_nan(connection, compared(connection, task.label, table), table)
    return connection.sql(
        f"SELECT entity_id, as_of, arg_min(label, {ROW}) AS label, count(DISTINCT label) AS different, "
        f"min({ROW}) AS {ROW} FROM (SELECT {entity} AS entity_id, {label} AS label, {date_sql(task)} AS as_of, {ROW} "
        f"FROM {table}) WHERE label IS NOT NULL GROUP BY entity_id, as_of ORDER BY {ROW}"
    ).to_arrow_table()


def _with_numbers(connection: duckdb.DuckDBPyConnection, task: Task) -> str:
    """The task's table with numbers in the columns of texts that hold nothing else; ids stay as they are written."""
    table, numbers = identifier(task.table), []
    for name, type, *_ in connection.execute(f"DESCRIBE {table}").fetchall():
        column = identifier(str(name))
        query = f"SELECT bool_and(TRY_CAST({column} AS DOUBLE) IS NOT NULL) FROM {table} WHERE {column} <> ''"
        if type == "VARCHAR" and name != task.entity and connection.execute(query).fetchall()[0][0]:
            numbers.append(f"TRY_CAST({column} AS DOUBLE) AS {column}")
    return f"(SELECT * REPLACE ({', '.join(numbers)}) FROM {table})" if numbers else table


def _check(name: str, task: Task, rows: pa.Table) -> None:
    """Refuse labels that cannot be what the task says they are."""
    if pc.any(pc.equal(pc.fill_null(rows["entity_id"], ""), "")).as_py():
        raise DataError(
            f"tasks.{name}: a label has no entity id: mend the file, or leave such labels out with --on-bad-row skip"
        )
    if torn := rows.filter(pc.greater(rows["different"], 1)).slice(0, 1)["entity_id"].to_pylist():
        dated = "of one date" if task.as_of else "(are they of several dates? then name their column: as_of = ...)"
        raise DataError(
            f"tasks.{name}: entity {torn[0]!r} has several different labels {dated}: keep one of them in the file"
        )
    check = CHECKS.get(task.kind)
    if check is not None and rows.num_rows:
        check(name, rows["label"].unique().to_pylist())


def _two_classes(name: str, labels: list[str]) -> None:
    if len(labels) > 2:
        raise DataError(
            f"tasks.{name} is binary and has {len(labels)} classes ({', '.join(sorted(labels)[:4])}, ...): "
            "make it 'multiclass', or write an expression of two classes"
        )


def _numbers(name: str, labels: list[str]) -> None:
    for label in labels:
        try:
            float(label)
        except ValueError:
            raise DataError(
                f"tasks.{name} is a regression and {label!r} is no number: mend the label or the kind"
            ) from None


CHECKS: dict[Kind, Callable[[str, list[str]], None]] = {Kind.BINARY: _two_classes, Kind.REGRESSION: _numbers}
"""What the labels of a kind must be."""
