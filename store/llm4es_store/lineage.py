"""Where a run's inputs came from.

In: the rows of the view ``runs``. Out: the runs that wrote what a run read, back to the raw files. Knows no stage.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any


def lineage(runs: Sequence[Mapping[str, Any]], run: Mapping[str, Any]) -> list[dict[str, Any]]:
    """For each table that ``run`` read: the last run that wrote it before for the dataset, and its own lineage."""
    sources = []
    for table, versions in json.loads(run["versions"]).items():
        if versions["read"] is None:
            continue
        writer = _last_writer(runs, run, table, versions["read"])
        if writer is not None:
            sources.append(
                {
                    "table": table,
                    "version": versions["read"],
                    "run_id": writer["run_id"],
                    "stage": writer["stage"],
                    "source": json.loads(writer["config"]).get("source"),
                    "made_from": lineage(runs, writer),
                }
            )
    return sources


def _last_writer(
    runs: Sequence[Mapping[str, Any]], run: Mapping[str, Any], table: str, version: int
) -> Mapping[str, Any] | None:
    """The run that wrote ``table`` last for the same dataset, at or before ``version``."""
    writers = {
        written: other
        for other in runs
        if other["dataset"] == run["dataset"]
        and (written := json.loads(other["versions"]).get(table, {}).get("written")) is not None
        and written <= version
    }
    return writers[max(writers)] if writers else None
