"""What a run plans before it begins, for those who watch and for the document that it gives back.

In: a context, what walks the stages. Out: outcomes of a dry run. Nothing is said on the way: the run says it again.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..core.errors import StoreError, one_line
from ..recipes import locate
from .context import Context
from .levels import Advance
from .observer import Null, Observer
from .outcome import Outcome
from .rehearsal import planned, rehearsal
from .run_tree import plan_tree
from .terminal import tell

MOST_BYTES = 256 << 20
"""Of raw files that are planned on before a run: a plan reads them and makes the texts, and the run does so again."""


def rehearsed(context: Context, walk: Callable[[Context], list[Outcome]]) -> tuple[Outcome, ...]:
    """The outcomes of a dry run.

    Parameters
    ----------
    context : Context
        Of a dry run.
    walk : callable
        Goes through the stages.

    Returns
    -------
    tuple of Outcome
        Nothing of them was done.
    """
    with rehearsal(context) as there:
        return tuple(map(planned, walk(there)))


def planned_first(context: Context, walk: Callable[[Context], list[Outcome]]) -> tuple[Outcome, ...] | None:
    """Plan a run that is about to begin, and tell the plan; None where the raw files are too large for that.

    Parameters
    ----------
    context : Context
        Of the run.
    walk : callable
        Goes through the stages.

    Returns
    -------
    tuple of Outcome or None
        As a dry run has them.
    """
    if context.store.layout.is_remote:  # it would copy the store here first
        return None
    source = locate(context.recipe, context.data, allow_outside=context.allow_outside)
    size = sum(path.stat().st_size for paths in source.files.values() for path in paths)
    if size > MOST_BYTES:
        context.observer.say(
            f"run: {size / 1e9:,.1f} GB of raw files are not read twice for a plan: --dry-run shows it"
        )
        return None
    unsaid = context.with_(dry_run=True, observer=_Unsaid(context.observer))
    try:
        outcomes = rehearsed(unsaid, walk)
    except (StoreError, OSError) as error:  # such as a full disk, where the plan's copy lies: the work needs none
        context.observer.warn(f"run: no plan beforehand ({one_line(error)})")
        return None
    tell(context.observer, lambda: plan_tree(context.dataset, outcomes))
    return outcomes


class _Unsaid(Null):
    """Has another one follow progress, and says nothing."""

    def __init__(self, other: Observer) -> None:
        self._other = other

    @contextmanager
    def progress(self, what: str, total: int | None, unit: str) -> Iterator[Advance]:
        with self._other.progress(what, total, unit) as advance:
            yield advance
