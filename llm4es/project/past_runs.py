"""What was done to a store: its runs, and where each one's rows come from.

In: a store. Out: rows. Writes nothing.
"""

import json
from typing import TYPE_CHECKING, Any

from ..core.errors import OptionError
from .result import Result

if TYPE_CHECKING:
    from llm4es_store import Store

_COLUMNS = """run_id, version, stage, dataset, started_at, round(seconds, 1) AS seconds, status,
    rows_in, rows_computed, rows_reused"""

_JSON = ("config", "versions", "reasons", "host")


def list_runs(store: "Store", limit: int) -> Result:
    """The newest so many runs, the last first.

    Parameters
    ----------
    store : Store
        Whose runs.
    limit : int
        How many at most.

    Returns
    -------
    Result
        A row a run.

    Examples
    --------
    >>> [row["stage"] for row in list_runs(project.store, 3)]
    ['probe', 'embed', 'serialize']
    """
    query = f"SELECT {_COLUMNS} FROM runs ORDER BY version DESC LIMIT {int(limit)}"
    return Result(store.sql(query).to_arrow_table())


def show_run(store: "Store", run_id: str) -> dict[str, Any]:
    """One run: configuration, tables read and written, host, and the runs that its inputs came from.

    Parameters
    ----------
    store : Store
        Whose run.
    run_id : str
        Its id, or the beginning of it.

    Returns
    -------
    dict
        The columns of ``runs``, JSON read, and ``made_from``, the runs that its inputs came from.

    Raises
    ------
    OptionError
        For what is not exactly one run's.

    Examples
    --------
    >>> newest = list_runs(project.store, 1).to_pylist()[0]
    >>> show_run(project.store, newest["run_id"])["config"]["task"]
    'loyal'
    """
    from llm4es_store.lineage import lineage

    runs = store.sql("SELECT * FROM runs ORDER BY version").to_arrow_table().to_pylist()
    matching = [row for row in runs if row["run_id"].startswith(run_id)]
    if len(matching) != 1:
        raise OptionError(f"run {run_id!r} matches {len(matching)} runs: see `llm4es runs` for the ids")
    readable = {k: json.loads(v) if k in _JSON and v else v for k, v in matching[0].items()}
    return readable | {"made_from": lineage(runs, matching[0])}
