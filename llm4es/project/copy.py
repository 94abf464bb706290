"""The step ``copy``: a consistent copy of a store that others may be writing to.

In: where a store is, a new folder. Out: rows of what was copied. Knows no table.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from .observer import Observer
from .result import Result

if TYPE_CHECKING:
    from llm4es_store import Store


def copy(store: "Store", to: str | Path, observer: Observer) -> Result:
    """Copy a store as it is at one moment, every version that it can still read included.

    Parameters
    ----------
    store : Store
        Which may be written to meanwhile.
    to : str or Path
        A folder that is empty or not there yet.
    observer : Observer
        Hears how far it is.

    Returns
    -------
    Result
        A row a table: ``what``, ``version``, ``files``, ``bytes``.

    Raises
    ------
    StoreError
        For a folder that holds something, and a store that is damaged.

    Examples
    --------
    >>> from llm4es.project.observer import Null
    >>> copy(project.store, "backup", Null()).to_pylist()[0]["what"]
    'runs'
    """
    from llm4es_store.copy import copy as copied

    with observer.progress("copy", None, "bytes") as advance:
        return Result(copied(store, to, advance))
