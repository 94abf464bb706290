"""The labels of a task that belong to the texts they stand beside.

In: a context of that task. Out: labels, one an entity, or one line that says what is wrong. Knows no features.
"""

import pyarrow as pa

from ..core.errors import ProbeError
from ..core.limits import FRUGAL
from ..core.sql import literal, where
from ..core.times import shown
from .context import Context
from .histories import Histories
from .selection import entities_sql


def labels_of(context: Context, task: str) -> pa.Table:
    """The labels of a task.

    Parameters
    ----------
    context : Context
        Recipe and store, of this task.
    task : str
        One of the recipe's.

    Returns
    -------
    pyarrow.Table
        ``entity_id`` and ``label``, in the order of the data's own file: the protocol 'ptls' depends on it.

    Examples
    --------
    >>> labels_of(context, "loyal").num_rows
    20
    """
    return context.store.sql(labels_sql(context, task)).to_arrow_table()


def labels_sql(context: Context, task: str) -> str:
    """SELECT of ``entity_id`` and ``label``: one an entity, also where labels are dated.

    Beside texts that end at one time stands an entity's first label of that time or later: one of before lies in what
    the texts show already. Where two times are meant, what is learnt from knows no label of the later one.

    Parameters
    ----------
    context : Context
        Recipe and store, of this task.
    task : str
        One of the recipe's.

    Returns
    -------
    str
        SQL; the order is that of the store.

    Raises
    ------
    ProbeError
        The labels have dates, and the texts were made without a cut-off.

    Examples
    --------
    >>> print(labels_sql(context, "loyal"))
    SELECT entity_id, label FROM labels WHERE "dataset" = 'shop' AND "task" = 'loyal'
    """
    of_task = where({"dataset": context.dataset, "task": task})
    query = f"SELECT entity_id, label FROM labels WHERE {of_task}"
    spec, cutoff = context.recipe.tasks.get(task), context.cutoff
    if spec is None or spec.as_of is None or cutoff.own:
        return query
    if cutoff.as_of is None:
        raise ProbeError(
            f"tasks.{task} has cut-offs of its own (as_of), and the texts hold whole histories: "
            f"run `llm4es serialize {context.dataset}` with this recipe first"
        )
    later = f"{of_task} AND as_of >= TIMESTAMPTZ {literal(cutoff.as_of.isoformat())}"
    if context.which.until is not None:
        later += f" AND as_of < TIMESTAMPTZ {literal(context.which.until.isoformat())}"
    first = f"SELECT (entity_id, min(as_of)) FROM labels WHERE {later} GROUP BY entity_id"
    return f"{query} AND (entity_id, as_of) IN ({first})"


def labelled_sql(context: Context, task: str) -> str:
    """SELECT of the ``entity_id`` that have a label of a task, whether or not they have events."""
    return f"SELECT entity_id FROM ({labels_sql(context, task)}) WHERE label IS NOT NULL"


def cohort_sql(context: Context, task: str) -> str:
    """SELECT of the ``entity_id`` that have a label of a task and events.

    Examples
    --------
    >>> context.store.sql(f"SELECT count(*) FROM ({cohort_sql(context, 'loyal')})").fetchall()
    [(20,)]
    """
    known = entities_sql(context.dataset, context.cutoff.config_id, context.max_entities)
    return f"{labelled_sql(context, task)} AND entity_id IN ({known})"


def every_label_sql(context: Context) -> str:
    """SELECT of ``entity_id``, ``task`` and ``label`` of every task: what is shown beside an entity.

    Beside texts that hold whole histories a dated label is shown all the same.

    Parameters
    ----------
    context : Context
        Recipe and store.

    Returns
    -------
    str
        SQL.

    Examples
    --------
    >>> context.store.sql(f"SELECT count(*) FROM ({every_label_sql(context)})").fetchall()
    [(20,)]
    """
    queries = ["SELECT entity_id, task, label FROM labels WHERE false"]
    for task in context.recipe.tasks:
        try:
            labels = labels_sql(context, task)
        except ProbeError:
            labels = f"SELECT entity_id, label FROM labels WHERE {where({'dataset': context.dataset, 'task': task})}"
        queries.append(f"SELECT entity_id, {literal(task)} AS task, label FROM ({labels})")
    return " UNION ALL ".join(queries)


def check_classes(context: Context, task: str) -> None:
    """One line, and not one a feature set, where everybody who has a text has the same label.

    Parameters
    ----------
    context : Context
        Recipe and store, of this task.
    task : str
        One of the recipe's.

    Raises
    ------
    ProbeError
        There is nothing to tell apart.
    """
    known = Histories(context.store, context.dataset, context.cutoff.config_id).cutoffs
    query = f"""SELECT count(DISTINCT label), any_value(label), count(DISTINCT entity_id)
        FROM ({labels_sql(context, task)}) WHERE entity_id IN (SELECT entity_id FROM ({known}))"""
    ((labels, one, entities),) = context.store.sql(query, limits=FRUGAL).fetchall()
    if labels == 0 and (until := context.which.until) is not None and context.cutoff.as_of is not None:
        raise ProbeError(
            f"task {task!r} has no label from {shown(context.cutoff.as_of)} to {shown(until)} to learn from: "
            "give an earlier --train-as-of or a later --test-as-of"
        )
    if labels == 1:
        cut = f" ({context.cutoff})" if context.cutoff.key else ""
        raise ProbeError(
            f"task {task!r} has one label only, {one!r}, among {entities} entities{cut}: a probe needs two"
        )
