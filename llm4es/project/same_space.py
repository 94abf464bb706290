"""Whether what was learnt of some vectors holds for others: both lie in one space.

In: a store, a dataset, configurations of vectors. Out: yes or no. Reads the record of runs alone.
"""

from typing import TYPE_CHECKING

from .align_target import ALIGNED
from .made_alike import made_alike
from .recorded import runs_of

if TYPE_CHECKING:
    from llm4es_store import Store


def same_space(store: "Store", dataset: str, one: str, other: str) -> bool:
    """Whether the vectors of two configurations can stand for each other in a model that was fitted on either.

    They can where both were made by the same weights and settings, wherever histories end; and where one was turned
    into the other's space (``embed --align-to``). Two versions of a model that is tuned anew cannot, nor two k.

    Parameters
    ----------
    store : Store
        Whose record is read.
    dataset : str
        Whose vectors.
    one, other : str
        ``config_id`` of each; the caller compares their k.

    Returns
    -------
    bool
        False where the record does not know either, unless they are the same.

    Examples
    --------
    >>> (config,) = made_alike(project.store, "shop")
    >>> same_space(project.store, "shop", config, config), same_space(project.store, "shop", config, "other")
    (True, False)
    """
    spaces = space_keys(store, dataset)
    return one == other or (one in spaces and spaces[one] == spaces.get(other))


def space_keys(store: "Store", dataset: str) -> dict[str, str]:
    """Configuration of vectors -> what is equal for all whose vectors lie in one space.

    Parameters
    ----------
    store : Store
        Whose record is read.
    dataset : str
        Whose vectors.

    Returns
    -------
    dict of str to str
        Imported vectors are not in it.

    Examples
    --------
    >>> len(space_keys(project.store, "shop"))
    1
    """
    found = made_alike(store, dataset)
    for run in runs_of(store, dataset, "embed"):
        if ALIGNED in run.config:
            target = run.config["target"]["config_id"]
            found[str(run.config["config_id"])] = found.get(target, str(target))
    return found
