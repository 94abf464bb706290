"""Scores as a table for other tools: a row an entity, task and predictor.

In: a context, since when. Out: rows, and what the columns stand for. Writes nothing.
"""

from typing import Any

import pyarrow as pa

from ..core.errors import ProbeError
from ..core.sql import literal, where
from ..features.column_names import cleaned
from .changed_since import rows_then, version_of
from .context import Context

_COLUMNS = ("entity_id", "task", "features", "model_version", "as_of", "value", "trained")


def scores_table(context: Context, since: str | None) -> tuple[pa.Table, dict[str, dict[str, str]]]:
    """The scores of a dataset, or of the context's task.

    Parameters
    ----------
    context : Context
        Store, and perhaps a task.
    since : str or None
        Only scores that are others than at this version.

    Returns
    -------
    table : pyarrow.Table
        ``entity_id, task, features, model_version, as_of, value, trained``, and of one task's classes ``score_<class>``
        each.
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
    query = f"SELECT {', '.join(_COLUMNS)}{scores}, config_id, source_hash FROM scores WHERE {chosen}"
    table = context.store.sql(f"{query} ORDER BY task, features, config_id, entity_id").to_arrow_table()
    if since is not None:
        content = f"SELECT entity_id, config_id, source_hash FROM scores WHERE {chosen}"
        then = rows_then(context, content, version_of(context, since))
        with context.store.connect() as connection:
            connection.register("these", table)
            connection.register("those", then)
            table = connection.sql(
                """FROM these ANTI JOIN those USING (entity_id, config_id, source_hash)
                ORDER BY task, features, config_id, entity_id"""
            ).to_arrow_table()
        context.observer.say(f"export: {len(table)} of {there} scores are others than at {literal(since)}")
    return table.drop_columns(["config_id", "source_hash"]), {name: {"column": of} for name, of in names.items()}


def _classes(context: Context, chosen: str) -> dict[str, str]:
    """Column of a class -> the class, where all scores are of the same ones."""
    rows: list[Any] = context.store.sql(f"SELECT DISTINCT task, classes FROM predictors WHERE {chosen}").fetchall()
    if len(rows) != 1:
        return {}
    classes = rows[0][1]
    plain = [f"score_{cleaned(name) or place}" for place, name in enumerate(classes)]
    unique = plain if len({*plain}) == len(plain) else [f"score_{place}" for place in range(len(classes))]
    return dict(zip(unique, classes, strict=True))
