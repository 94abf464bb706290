"""The runs of a step as the store's record has them: what they were asked for, and how they ended.

In: a store, a step, a dataset. Out: past runs, oldest first. Knows no step's inside. ``past_runs`` is for people.
"""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    import pyarrow as pa

    from llm4es_store import Store

_PARSED: "WeakKeyDictionary[Store, tuple[pa.Table, dict[str, list[PastRun]]]]" = WeakKeyDictionary()
"""Store -> its record as it was read last, and the runs in it."""


@dataclass(frozen=True)
class PastRun:
    """A run of a step, as the record has it."""

    run_id: str
    stage: str
    status: str
    config: dict[str, Any]
    """What it was asked for."""
    began: int
    """Its first row's place in the record: of runs of one second it tells which began first."""


def last_run(store: "Store", stage: str, dataset: str) -> PastRun | None:
    """The newest run of a step on a dataset; None where there was none.

    Parameters
    ----------
    store : Store
        Whose record is read.
    stage, dataset : str
        Which runs.

    Returns
    -------
    PastRun or None
        Its status, and what it was asked for.

    Examples
    --------
    >>> last_run(project.store, "embed", "shop").config["model_name"]
    'model'
    >>> last_run(project.store, "finetune", "shop") is None
    True
    """
    return next(reversed(runs_of(store, dataset, stage)), None)


def runs_of(store: "Store", dataset: str, *stages: str) -> list[PastRun]:
    """The runs of some steps on a dataset, oldest first.

    Parameters
    ----------
    store : Store
        Whose record is read.
    dataset : str
        Whose runs.
    *stages : str
        Which steps; none: every step.

    Returns
    -------
    list of PastRun
        Each once, as it stands now.

    Examples
    --------
    >>> [run.status for run in runs_of(project.store, "shop", "serialize")]
    ['done']
    """
    return [run for run in _parsed(store).get(dataset, ()) if not stages or run.stage in stages]


def _parsed(store: "Store") -> "dict[str, list[PastRun]]":
    """Dataset -> its runs. The record is parsed once, and again when somebody has written."""
    record = store.record()
    if store not in _PARSED or _PARSED[store][0] is not record:
        found: dict[str, dict[str, PastRun]] = {}
        for place, row in enumerate(record.select(["dataset", "run_id", "stage", "status", "config"]).to_pylist()):
            runs = found.setdefault(row["dataset"], {})
            began = runs[row["run_id"]].began if row["run_id"] in runs else place
            runs[row["run_id"]] = PastRun(row["run_id"], row["stage"], row["status"], json.loads(row["config"]), began)
        _PARSED[store] = record, {name: list(runs.values()) for name, runs in found.items()}
    return _PARSED[store][1]
