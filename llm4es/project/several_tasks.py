"""Several tasks in one step: one that cannot be probed keeps no other from it.

In: tasks, and what is done for one. Out: the outcomes of all that can be done. Knows no probe.
"""

from collections.abc import Callable, Iterable, Sequence

from ..core.errors import ProbeError
from .observer import Observer
from .outcome import Outcome


def of_each(tasks: Sequence[str], done: Callable[[str], Iterable[Outcome]], observer: Observer) -> list[Outcome]:
    """The outcomes of every task that can be probed; those that cannot, by a class too rare for the folds, are named.

    Parameters
    ----------
    tasks : sequence of str
        In their order.
    done : function of str
        What is done for one.
    observer : Observer
        Hears of those that are left out.

    Returns
    -------
    list of Outcome
        Of one task after the other.

    Raises
    ------
    ProbeError
        Where there is one task and it cannot be probed, or none of several can.

    Examples
    --------
    >>> from llm4es.project.observer import Null
    >>> of_each(["loyal"], lambda task: [], Null())
    []
    """
    outcomes: list[Outcome] = []
    failures = []
    for task in tasks:
        try:
            outcomes += done(task)
        except ProbeError as error:
            failures.append(error)
            if len(tasks) > 1:
                observer.warn(f"task {task!r} is left out: {error}")
    if failures and len(failures) == len(tasks):
        raise failures[-1]
    return outcomes
