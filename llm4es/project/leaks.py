"""What a reader of a task's figures has to know: labels that are given away, users and texts that were met before.

In: a context, a task, what was probed. Out: sentences. What columns say is asked of the recipe each time; what the data
say was looked at when the probes were made, and is kept in their rows for everybody who compares them later.
"""

import pyarrow as pa

from ..core.limits import FRUGAL
from ..core.sql import where
from ..recipes.label_columns import shared_columns
from ..recipes.model import FieldSpec
from .context import Context
from .selection import RAW, preset
from .tuned_later import tuned_later


def leaks_of(context: Context, task: str, predictions: pa.Table) -> list[str]:
    """Warnings about one feature set of a task: texts that others have too.

    Parameters
    ----------
    context : Context
        Recipe and store.
    task : str
        One of the recipe's tasks.
    predictions : pyarrow.Table
        Columns ``entity_id``, ``fold`` and ``repeat`` of one feature set.

    Returns
    -------
    list of str
        A sentence each; none where nothing is wrong.

    Examples
    --------
    >>> import pyarrow as pa
    >>> leaks_of(context, "loyal", pa.table({"entity_id": ["c0"], "fold": [0], "repeat": [0]}))
    []
    """
    import pyarrow.compute as pc

    from ..probe.leakage import identical_texts, same_texts

    raw = {"dataset": context.dataset, "variant": RAW, "config_id": context.of_task(task).cutoff.config_id}
    scored = pc.unique(predictions["entity_id"])
    with context.store.connect(limits=FRUGAL) as connection:
        connection.register("scored", pa.table([scored], ["entity_id"]))
        texts = connection.sql(
            f"""WITH raw AS NOT MATERIALIZED (SELECT entity_id, text_hash FROM texts WHERE {where(raw)}),
                theirs AS (FROM raw SEMI JOIN scored USING (entity_id))
            FROM theirs UNION ALL SELECT any_value(entity_id), text_hash
                FROM (FROM raw ANTI JOIN scored USING (entity_id)) SEMI JOIN theirs USING (text_hash)
                GROUP BY text_hash"""
        ).to_arrow_table()  # of all others who have a text, one is enough
    return same_texts(identical_texts(predictions, texts), len(scored))


def label_leaks(context: Context, task: str, probes: pa.Table) -> list[str]:
    """Warnings about a task's label: columns that it is made from and somebody shows, what the data gave away, and
    models that were tuned on later events.

    Parameters
    ----------
    context : Context
        Recipe and store, of the task.
    task : str
        What is predicted.
    probes : pyarrow.Table
        The rows of ``probes`` that are shown; those of older versions have looked at no data.

    Returns
    -------
    list of str
        A sentence each, none twice.

    Examples
    --------
    >>> label_leaks(context, "loyal", context.store.sql("SELECT * FROM probes").to_arrow_table())
    []
    """
    from ..probe.leakage import told_by_columns

    lines: list[str] = []
    if task in context.recipe.tasks:
        for fields, who in zip(shown_fields(context), ("the texts show", "the baselines count"), strict=True):
            shared: dict[str, list[str]] = {}
            for each in shared_columns(context.recipe, context.recipe.tasks[task], fields):
                shared.setdefault(each.column, []).append(each.field)
            lines += told_by_columns(task, shared, who)
    if "leaks" in probes.column_names:
        lines += [line for kept in probes["leaks"].to_pylist() for line in kept or ()]
    return list(dict.fromkeys([*lines, *tuned_later(context, probes)]))


def shown_fields(context: Context) -> tuple[list[FieldSpec], list[FieldSpec]]:
    """The fields that the texts show, and those beyond them that baselines count.

    Parameters
    ----------
    context : Context
        Recipe and store.

    Returns
    -------
    tuple of two lists of FieldSpec
        In the recipe's order.

    Examples
    --------
    >>> [[field.name for field in fields] for fields in shown_fields(context)]
    [['product', 'amount'], []]
    """
    recipe = context.recipe
    texts = list(recipe.text_fields(preset(context.store, context.dataset)))
    counted = {recipe.item, recipe.amount, *recipe.categories} - {field.name for field in texts}
    return texts, [field for field in recipe.fields if field.name in counted]
