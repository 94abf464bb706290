"""Lineage: told from table versions and configurations, each run once."""

import json
from typing import Any

from llm4es_store.lineage import lineage


def run(
    run_id: str,
    stage: str = "some",
    dataset: str = "shop",
    config: dict[str, Any] | None = None,
    **tables: tuple[int | None, int | None],
) -> Any:
    """A row of ``runs``: table -> (version read, version written)."""
    versions = {name: {"read": read, "written": written} for name, (read, written) in tables.items()}
    return {
        "run_id": run_id,
        "stage": stage,
        "dataset": dataset,
        "versions": json.dumps(versions),
        "config": json.dumps({"config_id": run_id} | (config or {})),
    }


def sources(runs: list[Any], of: Any) -> list[str]:
    return [made["run_id"] for made in lineage(runs, of)]


def test_the_way_leads_back_to_the_raw_files() -> None:
    first = run("20260101-000000-ffffff", "serialize", config={"source": "5fc0"}, texts=(0, 1))
    second = run("20260101-000000-000000", "embed", texts=(1, None), embeddings=(0, 1))
    third = run("20260101-000000-aaaaaa", "probe", embeddings=(1, None), texts=(1, None), probes=(0, 1))
    assert lineage([first, second, third], third) == [
        {
            "run_id": second["run_id"],
            "stage": "embed",
            "source": None,
            "tables": ["embeddings"],
            "read_by": [third["run_id"]],
        },
        {
            "run_id": first["run_id"],
            "stage": "serialize",
            "source": "5fc0",
            "tables": ["texts"],
            "read_by": [third["run_id"], second["run_id"]],
        },
    ]


def test_what_was_written_later_or_for_other_data_is_no_source() -> None:
    mine = run("a", texts=(None, 1))
    others = run("b", dataset="bank", texts=(None, 2))
    reader = run("c", texts=(2, None))
    later = run("d", texts=(2, 4))
    assert sources([mine, others, reader, later], reader) == ["a"]


def test_a_configuration_names_its_sources() -> None:
    raw = run("raw", "serialize", texts=(0, 1))
    short = run("short", "serialize", texts=(1, 2))
    rewritten = run("rewritten", "enrich", config={"base": "raw"}, texts=(2, 3))
    reader = run("reader", "embed", config={"texts": [["raw", "raw"]]}, texts=(3, None), embeddings=(0, 1))
    runs = [raw, short, rewritten, reader]
    assert sources(runs, rewritten) == ["raw"]  # it wrote the table itself, and read what it names
    assert sources(runs, reader) == ["raw"]


def test_a_model_is_a_source_of_its_own_vectors_only() -> None:
    base = run("f1", "finetune", config={"model_name": "mine", "base_name": "gpt"}, models=(0, 1))
    other = run("f2", "finetune", config={"model_name": "other", "base_name": "gpt"}, models=(1, 2))
    again = run("f3", "finetune", config={"model_name": "deeper", "base_name": "mine"}, models=(2, 3))
    retuned = run("f4", "finetune", config={"model_name": "mine", "base_name": "gpt"}, models=(3, 4))
    runs = [base, other, again, retuned]

    def embedded(space: str, version: int) -> list[str]:
        reader = run("e", "embed", config={"model_name": space}, models=(version, None), embeddings=(0, 1))
        return sources([*runs, reader], reader)

    assert embedded("gpt", 4) == []
    assert embedded("other", 4) == ["f2"]
    assert embedded("mine+8bit", 3) == ["f1"]
    assert embedded("deeper", 4) == ["f3", "f1"]
    assert sources(runs, retuned) == []


def test_a_year_of_reruns_is_a_list() -> None:
    runs = []
    for day in range(365):
        runs.append(run(f"s{day}", "serialize", config={"config_id": "s"}, texts=(day, day + 1)))
        config = {"config_id": "e", "texts": ["s"]}
        own = (day, day + 1)
        runs.append(run(f"e{day}", "embed", config=config, texts=(day + 1, None), embeddings=own, canaries=own))
    assert sources(runs, runs[-1]) == [f"s{day}" for day in range(365)]
