"""A few kills at random moments, of writers and of the commands; ``benchmarks/kills.py`` does a hundred."""

from pathlib import Path

import pytest

from benchmarks.kills import alike, content, faults, harness
from llm4es_store import Store

from .rows import KEY, SCOPE, texts

SHOP = {
    "texts": 36,
    "embeddings": 36,
    "layers": 48,
    "canaries": 3,
    "labels": 12,
    "splits": 12,
    "probes": 45,
    "predictions": 108,
    "events_shop": 54,
    "raw_rows": 12,
}
"""Rows that every run over the shop of 12 ends with, however often it was killed."""


@pytest.mark.parametrize(
    ("level", "rows"),
    [("quick", SHOP), ("store", {"texts": 200, "embeddings": 200, "labels": 200})],  # the first says what is preloaded
)
def test_what_a_killed_run_committed_stays_and_the_rerun_ends_alike(
    tmp_path: Path, level: str, rows: dict[str, int]
) -> None:
    counted = harness(level, 3, tmp_path, seed=1)
    assert counted["faults"] == []
    assert counted["kills"] == 3
    assert counted["runs"]["done"] > 0
    assert counted["rows compared"] == rows


def test_rows_that_differ_by_more_than_rounding_are_not_alike() -> None:
    row = {"entity_id": "1", "vector": [0.5, 1.0], "k": 1, "value": None}
    assert alike([row], [{**row, "vector": [0.500001, 1.0]}])
    for other in ({"vector": [0.51, 1.0]}, {"vector": [0.5]}, {"entity_id": "2"}, {"k": 2}, {"value": 1.0}):
        assert not alike([row], [{**row, **other}]), other
    assert not alike([row], [row, row])


def test_the_harness_sees_a_key_that_is_there_twice(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    with store.run("serialize", "d", {}, "0") as run:
        run.append("texts", SCOPE, texts({"1": "a"}), KEY)
    table = store.table("texts")
    assert table is not None
    rows = store.sql("SELECT * FROM texts").to_arrow_table()
    table.append(rows.cast(table.schema), "a run that does not look", SCOPE)
    assert faults(tmp_path / "store") == [
        "texts: key (dataset, entity_id, variant, config_id) = ('d', '1', 'raw', 'c') is there 2 times"
    ]


def test_each_content_differs_from_the_one_before_in_part() -> None:
    before, after = content(0), content(1)
    same = {entity for entity in before if after.get(entity) == before[entity]}
    assert 0 < len(same) < len(before)
    assert before.keys() - after.keys() == {"e0"}
