"""Lineage: told from table versions, since ids of runs of one second are in no order."""

import json
from typing import Any

from llm4es_store.lineage import lineage


def run(run_id: str, dataset: str = "shop", source: str | None = None, **tables: tuple[int | None, int | None]) -> Any:
    """A row of ``runs``: table -> (version read, version written)."""
    versions = {name: {"read": read, "written": written} for name, (read, written) in tables.items()}
    return {
        "run_id": run_id,
        "stage": "some",
        "dataset": dataset,
        "versions": json.dumps(versions),
        "config": json.dumps({"source": source}),
    }


def test_the_writer_is_found_by_version_whatever_the_ids() -> None:
    first = run("20260101-000000-ffffff", source="events.csv", texts=(None, 1))
    second = run("20260101-000000-eeeeee", texts=(1, 3))
    third = run("20260101-000000-000000", texts=(3, None), embeddings=(None, 2))
    (texts,) = lineage([first, second, third], third)
    assert (texts["table"], texts["run_id"]) == ("texts", second["run_id"])
    (before,) = texts["made_from"]
    assert (before["run_id"], before["source"]) == (first["run_id"], "events.csv")


def test_what_was_written_later_or_for_other_data_is_no_source() -> None:
    mine = run("a", texts=(None, 1))
    others = run("b", dataset="bank", texts=(None, 2))
    reader = run("c", texts=(2, None))
    later = run("d", texts=(2, 4))
    (texts,) = lineage([mine, others, reader, later], reader)
    assert texts["run_id"] == "a"
