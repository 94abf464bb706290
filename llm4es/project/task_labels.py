"""The labels of a task that belong to the texts they stand beside.

In: a context of that task. Out: labels, one an entity, or one line that says what is wrong. Knows no features.
"""

import pyarrow as pa

from ..core.errors import ProbeError
from ..core.sql import where
from .context import Context
from .histories import Histories


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
    of_task = where({"dataset": context.dataset, "task": task})
    return context.store.sql(f"SELECT entity_id, label FROM labels WHERE {of_task}").to_arrow_table()


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
    of_task = where({"dataset": context.dataset, "task": task})
    known = Histories(context.store, context.dataset, context.cutoff.config_id).cutoffs
    query = f"""SELECT count(DISTINCT label), any_value(label), count(DISTINCT entity_id) FROM labels
        WHERE {of_task} AND entity_id IN (SELECT entity_id FROM ({known}))"""
    ((labels, one, entities),) = context.store.sql(query).fetchall()
    if labels == 1:
        cut = f" ({context.cutoff})" if context.cutoff.key else ""
        raise ProbeError(
            f"task {task!r} has one label only, {one!r}, among {entities} entities{cut}: a probe needs two"
        )
