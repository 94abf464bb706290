"""The runs of a step as the store's record has them: what they were asked for, and how they ended.

In: a store, a step, a dataset. Out: past runs, oldest first. Knows no step's inside. For people there is ``past_runs``.
"""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llm4es_store import Store


@dataclass(frozen=True)
class PastRun:
    """A run of a step, as the record has it."""

    run_id: str
    stage: str
    status: str
    config: dict[str, Any]
    """What it was asked for."""


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
    runs = runs_of(store, dataset, stage)
    return runs[-1] if runs else None


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
    import pyarrow.compute as pc

    of_dataset = store.record().filter(pc.field("dataset") == dataset)
    rows = of_dataset.select(["run_id", "stage", "status", "config"]).to_pylist()
    wanted = [row for row in rows if not stages or row["stage"] in stages]
    runs = {
        row["run_id"]: PastRun(row["run_id"], row["stage"], row["status"], json.loads(row["config"])) for row in wanted
    }
    return list(runs.values())
