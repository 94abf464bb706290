"""Tables that lost rows and were taken as they are since a run ended: what it made is not all there any more.

In: a context, a run. Out: their names. Reads the record alone.
"""

from ..core.tables import events_table
from .context import Context
from .recorded import PastRun, runs_of

_MADE = ("texts", "labels", "splits", "raw_rows")
"""What a serialization makes besides events."""


def lost_since(context: Context, run: PastRun) -> list[str]:
    """Tables of a serialization that `check --repair` has taken as they are since.

    Parameters
    ----------
    context : Context
        Store and dataset.
    run : PastRun
        The serialization.

    Returns
    -------
    list of str
        None of them may be told by the record to be there.

    Examples
    --------
    >>> from llm4es.project.recorded import last_run
    >>> lost_since(context, last_run(context.store, "serialize", "shop"))
    []
    """
    repairs = [each for each in runs_of(context.store, "", "check") if each.began > run.began]
    accepted = {table for each in repairs for table in each.config.get("accepted", ())}
    return sorted(accepted & {events_table(context.dataset), *_MADE})
