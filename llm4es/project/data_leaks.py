"""Labels that the data give away: by one value or number of a field, or by when histories end.

In: a context, a task, its labels. Out: sentences, for those who make probes to keep with them. Every rule is made from
some users and scored on others, and told of only beyond a bound that honest data do not reach.
"""

import pyarrow as pa

from ..core.limits import FRUGAL
from ..core.phases import phase
from ..core.tasks import Kind
from ..recipes.derive import LOGARITHMS
from ..recipes.model import FieldSpec, FieldType
from .context import Context
from .histories import Histories
from .leaks import shown_fields
from .selection import entities_sql
from .task_labels import cohort_sql

VALUE_BOUND = {"ROC-AUC": 0.9, "R²": 0.5}
"""Score of having one value of a field from which on it is told of."""

NUMBER_BOUND = {"ROC-AUC": 0.9, "R²": 0.9}
"""Of the mean, least or greatest of a field's numbers: that a mean foretells a sum is no leak."""

END_BOUND = {"ROC-AUC": 0.8, "R²": 0.5}
"""Of the time of the last event."""

_ROWS_AT_ONCE = 100_000


@phase("looking for what gives the label away")
def data_leaks(context: Context, task: str, labels: pa.Table) -> list[str]:
    """Look at each field that texts or baselines show, and at the ends of histories, for the label.

    Parameters
    ----------
    context : Context
        Recipe, store, how many entities.
    task : str
        What is predicted.
    labels : pyarrow.Table
        ``entity_id`` and ``label``, as the store keeps them.

    Returns
    -------
    list of str
        A sentence for each; none where nothing beyond the bounds was found.

    Examples
    --------
    >>> labels = context.store.sql("SELECT entity_id, label FROM labels").to_arrow_table()
    >>> data_leaks(context, "loyal", labels)
    []
    """
    import numpy as np
    import pyarrow.compute as pc

    from ..features.recency import recency
    from ..probe.giveaways import Truth
    from ..probe.leakage import told_by_ends, told_by_field
    from ..probe.single_numbers import single_moments, single_number
    from ..probe.single_values import single_values

    store, dataset = context.store, context.dataset
    config = context.of_task(task).cutoff.config_id
    histories, ids = Histories(store, dataset, config), entities_sql(dataset, config, context.max_entities)
    cohort = cohort_sql(context.of_task(task), task)  # nobody else's events are read

    def events(*columns: str) -> pa.RecordBatchReader:
        return store.sql(histories.sql(columns, cohort), limits=FRUGAL).to_arrow_reader(_ROWS_AT_ONCE)

    known = store.sql(cohort).to_arrow_table()["entity_id"]
    labelled = labels.filter(pc.is_in(labels["entity_id"], value_set=known.combine_chunks()))
    try:
        truth = Truth.of(labelled, Kind(context.recipe.tasks[task].kind))
    except ValueError:  # a regression's label is no number: the probe names it
        return []
    if not truth.can_be_told or not np.isfinite(truth.y).all():
        return []
    lines = []
    kept = set(store.sql(f"SELECT * FROM {histories.view} LIMIT 0").columns)  # a recipe may have got more fields since
    for field in (field for fields in shown_fields(context) for field in fields if field.name in kept):
        found = single_values(events(field.name), field.name, truth)
        if found.value >= (bound := VALUE_BOUND[truth.metric]):
            rule = f"whether a user has {found.by}"
        elif _is_number(field):
            found = single_moments(events(field.name), field.name, truth)
            bound, rule = NUMBER_BOUND[truth.metric], found.by
        if found.value >= bound:
            lines.append(told_by_field(task, field.name, rule, truth.shown(found), bound))
    everybody = histories.sql(["event_time"], ids)
    ends = f"SELECT bool_or(event_time IS NULL), epoch(max(event_time)) FROM ({everybody})"  # not of theirs alone
    ((timeless, end),) = store.sql(ends, limits=FRUGAL).fetchall()
    if not timeless:
        last = recency(events("event_time", "as_of"), "as_of", end)
        days = dict(zip(last.entity_ids, last.matrix[:, 0], strict=True))
        found = single_number(truth.in_order(days), truth)
        if found.value >= (bound := END_BOUND[truth.metric]):
            lines.append(told_by_ends(task, truth.shown(found), bound))
    return lines


def _is_number(field: FieldSpec) -> bool:
    return field.type in (FieldType.NUMBER, FieldType.INTEGER) or field.derive in LOGARITHMS
