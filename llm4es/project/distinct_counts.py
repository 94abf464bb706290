"""How many events are distinct where each is read on its own: one scan of the columns that a line shows.

In: the store after a serialization. Out: numbers. Beyond half a million events the distinct ones are estimated
(HyperLogLog, an error of a few percent): 3 s for 26 million. Says nothing.
"""

from ..recipes import FieldSpec
from ..serialize.event_lines import event_fields, shown_sql
from .bins import fitted
from .context import Context
from .cutoffs import Cutoff
from .histories import Histories
from .selection import preset as stored_preset

DISTINCT_SHARE = 0.9
"""Share of distinct events above which reading each once spares nothing."""

EXACT = 500_000
"""Events up to which the distinct ones are counted."""


def distinct_events(context: Context) -> tuple[int, int]:
    """How many events there are of a dataset, and how many distinct ones where each is read on its own.

    Parameters
    ----------
    context : Context
        Its dataset has texts.

    Returns
    -------
    events, distinct : int
        Beyond half a million events the second is an estimate.

    Examples
    --------
    >>> distinct_events(context)
    (90, 90)
    """
    fields = event_fields(fitted(context.store, context.recipe), stored_preset(context.store, context.dataset))
    total, distinct, *_ = counts(context, fields, context.cutoff)
    return total, distinct


def counts(context: Context, fields: tuple[FieldSpec, ...], cutoff: Cutoff) -> tuple[int, int, list[int]]:
    """Events, distinct ones, and distinct ones without each of the fields.

    Parameters
    ----------
    context : Context
        Its dataset has texts.
    fields : tuple of FieldSpec
        What a line shows; bins with their edges.
    cutoff : Cutoff
        Where the events end that are counted.

    Returns
    -------
    events, distinct : int
        Beyond half a million events the second is an estimate.
    without : list of int
        Distinct ones where one field is left out, a number a field.

    Examples
    --------
    >>> counts(context, context.recipe.text_fields(), context.cutoff)
    (90, 90, [..., 5])
    """
    histories = Histories(context.store, context.dataset, cutoff.config_id)
    rows = histories.sql([field.name for field in fields]) if cutoff.key else f"FROM {histories.view}"
    ((total,),) = context.store.sql(f"SELECT count(*) FROM {histories.view}").fetchall()
    count = "count(DISTINCT {})" if total <= EXACT else "approx_count_distinct({})"
    shown = [shown_sql(field) for field in fields]
    subsets = [shown, *([*shown[:at], *shown[at + 1 :]] for at in range(len(shown)))]
    counted = ", ".join(count.format(f"hash({', '.join(subset)})" if subset else "1") for subset in subsets)
    ((total, distinct, *without),) = context.store.sql(f"SELECT count(*), {counted} FROM ({rows})").fetchall()
    return total, min(distinct, total), without
