"""Scores as a table for other tools: a row an entity, task and predictor.

In: a context, since when. Out: rows, and what the columns stand for. Writes nothing.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pyarrow as pa

from ..core.errors import ProbeError
from ..core.limits import LEAN
from ..core.sql import literal, where
from ..features.column_names import cleaned
from .changed_since import rows_then, version_of
from .context import Context

_COLUMNS = ("entity_id", "task", "features", "model_version", "as_of", "value", "trained")

_AT_ONCE = 10_000
"""Rows in memory."""


def scores_rows(
    context: Context, since: str | None
) -> tuple[Callable[[], pa.RecordBatchReader], dict[str, dict[str, str]]]:
    """The scores of a dataset, or of the context's task.

    Parameters
    ----------
    context : Context
        Store, and perhaps a task.
    since : str or None
        Only scores that are others than at this version.

    Returns
    -------
    rows : callable
        What reads ``entity_id, task, features, model_version, as_of, value, trained``, and of one task's classes
        ``score_<class>`` each.
    columns : dict
        Name -> ``column``: the class that it is of.

    Raises
    ------
    ProbeError
        Where there are no scores.
    """
    task = context.which.task
    chosen = where({"dataset": context.dataset, **({"task": task} if task else {})})
    there = context.store.sql(f"SELECT count(*) FROM scores WHERE {chosen}").fetchall()[0][0]
    if not there:
        of = f" of task {task!r}" if task else ""
        raise ProbeError(f"no scores{of} of {context.dataset!r}: run `llm4es predict {context.dataset}` first")
    names = _classes(context, chosen)
    scores = "".join(f', score[{place}] AS "{name}"' for place, name in enumerate(names, start=1))
    told = {name: {"column": of} for name, of in names.items()}
    keys = f"SELECT entity_id, config_id, hash(source_hash) AS content FROM scores WHERE {chosen}"
    then = None if since is None else rows_then(context, keys, version_of(context, since))
    others = "" if then is None else "ANTI JOIN those USING (entity_id, config_id, content)"
    rows = f"""SELECT {", ".join(_COLUMNS)}{scores} FROM (SELECT *, hash(source_hash) AS content FROM scores
        WHERE {chosen}) {others} ORDER BY task, features, config_id, entity_id"""
    if then is not None:
        with context.store.connect(limits=LEAN) as connection:
            connection.register("those", then)
            ((n,),) = connection.sql(f"SELECT count(*) FROM ({keys}) {others}").fetchall()
        context.observer.say(f"export: {n} of {there} scores are others than at {literal(str(since))}")
    return partial(_read, context, rows, then), told


def _read(context: Context, query: str, then: pa.Table | None) -> pa.RecordBatchReader:
    """The rows, in a database of their own."""
    connection = context.store.connect(limits=LEAN)
    if then is not None:
        connection.register("those", then)
    rows = connection.sql(query).to_arrow_reader(_AT_ONCE)

    def batches() -> Iterator[pa.RecordBatch]:
        with connection:
            yield from rows

    return pa.RecordBatchReader.from_batches(rows.schema, batches())


def _classes(context: Context, chosen: str) -> dict[str, str]:
    """Column of a class -> the class, where all scores are of the same ones."""
    rows: list[Any] = context.store.sql(f"SELECT DISTINCT task, classes FROM predictors WHERE {chosen}").fetchall()
    if len(rows) != 1:
        return {}
    classes = rows[0][1]
    plain = [f"score_{cleaned(name) or place}" for place, name in enumerate(classes)]
    unique = plain if len({*plain}) == len(plain) else [f"score_{place}" for place in range(len(classes))]
    return dict(zip(unique, classes, strict=True))
