"""Where a run's results lie.

In: what was done, the store. Out: rows a view. Writes nothing.
"""

from collections.abc import Mapping, Sequence

from ..core.sql import identifier, literal, where
from .context import Context
from .outcome import Outcome

_MADE: Mapping[str, Mapping[str, str]] = {
    "serialize": {"texts": "variant = 'raw'", "labels": "", "splits": ""},
    "enrich": {"texts": "variant <> 'raw'"},
    "finetune": {"models": ""},
    "embed": {"embeddings": "", "layers": ""},
    "probe": {"probes": "", "predictions": ""},
}
"""Stage -> views that hold what it makes, and which of their rows those are."""

_OF_EVERY_CONFIGURATION = ("labels", "splits")
"""Views whose rows belong to no configuration of texts."""


def where_it_lies(context: Context, outcomes: Sequence[Outcome]) -> tuple[dict[str, int], ...]:
    """Views of the store that hold what steps make, and how many rows of it they have.

    Parameters
    ----------
    context : Context
        Store and dataset.
    outcomes : sequence of Outcome
        Of steps that are done.

    Returns
    -------
    tuple of dict of str to int
        Of each: view -> rows of this dataset and its configuration; views without any are left out.

    Examples
    --------
    >>> where_it_lies(context, [project.serialize()])
    ({'events_shop': 90, 'texts': 20, 'labels': 20, 'splits': 20},)
    """
    there, events, asked = context.store.views(), context.store.events_view(context.dataset), []
    for place, outcome in enumerate(outcomes):
        views = _MADE.get(outcome.stage, {})
        for view, some in ({events: ""} | dict(views) if outcome.stage == "serialize" else views).items():
            of = where({"dataset": context.dataset})
            if view not in (events, *_OF_EVERY_CONFIGURATION):
                of += f" AND {where({'config_id': outcome.config_id or ''})}"
            if view in there:
                rows = f"FROM {identifier(view)} WHERE {' AND '.join(filter(None, [of, some]))}"
                asked.append(f"SELECT {place} AS place, {literal(view)} AS view, count(*) AS n {rows}")
    found: tuple[dict[str, int], ...] = tuple({} for _ in outcomes)
    for place, view, n in context.store.sql(" UNION ALL ".join(asked)).fetchall() if asked else ():
        if n:
            found[place][view] = n
    return found
