"""Streams of events to blocks of counts and to users' vectors, against plain numpy over the same rows."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from llm4es.core.errors import DataError
from llm4es.features.event_counts import event_blocks
from llm4es.features.event_pool import pool
from llm4es.features.event_reading import EventReading

KINDS = 7
START = datetime(2026, 1, 1, tzinfo=UTC)


def events(seed: int = 0, n: int = 400) -> pa.Table:
    """Events of entities of very different activity, sorted by entity; two kinds in a hundred are null."""
    rng = np.random.default_rng(seed)
    entity = np.sort(rng.zipf(1.4, n) % 40).astype(int)
    kind: list[int | None] = [int(k) if k < KINDS else None for k in rng.choice(KINDS + 1, n, p=[0.14] * 7 + [0.02])]
    return pa.table(
        {
            "entity_id": [f"{i:02d}" for i in entity],
            "kind": pa.array(kind, pa.int32()),
            "amount": rng.gamma(1.0, 30.0, n),
            "event_time": [START + timedelta(days=float(day)) for day in rng.uniform(0, 4000, n)],
        }
    )


def by_hand(table: pa.Table, half_life: float | None, amounts: bool) -> dict[str, Any]:
    """Entity -> (E,) weights, row by row."""
    rows = table.to_pylist()
    summed: dict[str, Any] = {row["entity_id"]: np.zeros(KINDS) for row in rows}
    for row in rows:
        newest = max(other["event_time"] for other in rows if other["entity_id"] == row["entity_id"])
        weight = row["amount"] if amounts else 1.0
        if half_life is not None:
            weight *= 0.5 ** ((newest - row["event_time"]) / timedelta(days=half_life))
        if row["kind"] is not None:
            summed[row["entity_id"]][row["kind"]] += weight
    return summed


def batched(table: pa.Table, sizes: tuple[int, ...]) -> Iterator[pa.RecordBatch]:
    """Batches of sizes that repeat, empty ones too."""
    at, turn = 0, 0
    while at < len(table):
        yield from table.slice(at, sizes[turn]).to_batches() or [pa.RecordBatch.from_pylist([], table.schema)]
        at, turn = at + sizes[turn], (turn + 1) % len(sizes)


@pytest.mark.parametrize("sizes", [(400,), (1,), (3, 0, 50)], ids=str)
@pytest.mark.parametrize("block", [1, 37, 10_000])
@pytest.mark.parametrize("weights", ["count", "recency:100d", "amount", "amount*recency:2.5d"])
def test_blocks_are_the_rows_added_up_however_they_come(sizes: tuple[int, ...], block: int, weights: str) -> None:
    table, reading = events(), EventReading((weights,))
    expected = by_hand(table, reading.half_life, reading.needs_amount)
    found: dict[str, Any] = {}
    for ids, counts in event_blocks(batched(table, sizes), KINDS, reading, block):
        assert counts.shape == (len(ids), KINDS)
        assert not found.keys() & set(ids.to_pylist())
        found |= dict(zip(ids.to_pylist(), counts.toarray(), strict=True))
    assert list(found) == list(expected)
    for entity, row in expected.items():
        assert found[entity] == pytest.approx(row, rel=1e-9)


def test_users_are_weighted_means_of_vectors() -> None:
    table, rng = events(), np.random.default_rng(1)
    vectors, rarity = rng.standard_normal((KINDS, 5)), rng.uniform(1, 4, KINDS)
    expected = by_hand(table, 9.0, False)
    for ids, counts in event_blocks(batched(table, (64,)), KINDS, EventReading(("tfidf", "recency:9d")), 50):
        for entity, user in zip(ids.to_pylist(), pool(counts, rarity, vectors), strict=True):
            weights = expected[entity] * rarity
            assert user == pytest.approx(weights @ vectors / (weights.sum() or 1), abs=1e-5)


def test_an_old_history_weighs_as_much_as_a_new_one() -> None:
    """Ages count from the entity's own newest event: 3,000 half-lives ago would be 0 in any number format."""
    times = [START, START + timedelta(days=1), START + timedelta(days=3001)]
    table = pa.table({"entity_id": ["a", "a", "b"], "kind": [0, 1, 0], "event_time": times})
    ((_, counts),) = event_blocks(table.to_batches(), 2, EventReading(("recency:1d",)))
    assert pool(counts, np.ones(2), np.eye(2))[0].tolist() == pytest.approx([1 / 3, 2 / 3])


def test_an_entity_without_a_vector_or_a_weight_has_zeros() -> None:
    table = pa.table({"entity_id": ["a", "b", "c"], "kind": pa.array([None, 0, 0], pa.int32()), "amount": [1.0, 0, 2]})
    ((ids, counts),) = event_blocks(table.to_batches(), 1, EventReading(("amount",)))
    assert ids.to_pylist() == ["a", "b", "c"]
    assert pool(counts, np.ones(1), np.ones((1, 2))).tolist() == [[0, 0], [0, 0], [1, 1]]


def test_nothing_comes_of_nothing() -> None:
    assert list(event_blocks([], 3, EventReading())) == []
    assert list(event_blocks(events().slice(0, 0).to_batches(), 3, EventReading())) == []


def test_ids_may_be_dictionary_encoded() -> None:
    table = events()
    encoded = table.set_column(0, "entity_id", table["entity_id"].dictionary_encode())
    plain, coded = (list(event_blocks(each.to_batches(), KINDS, EventReading())) for each in (table, encoded))
    assert plain[0][0].equals(coded[0][0])
    assert (plain[0][1] != coded[0][1]).nnz == 0


@pytest.mark.parametrize("block", [1, 3, 100])
@pytest.mark.parametrize("ids", ["abba", "aabba", "bbaa"])
def test_entities_that_come_again_are_refused(ids: str, block: int) -> None:
    table = pa.table({"entity_id": list(ids), "kind": [0] * len(ids)})
    with pytest.raises(DataError, match="events of entity 'a' stand apart: sort them by entity_id"):
        list(event_blocks(batched(table, (1,)), 1, EventReading(), block))


def test_amounts_that_are_no_weights_are_counted_to_the_end() -> None:
    amounts = [1.0, None, -2.0, float("nan"), float("inf"), -0.5, 0.0]
    table = pa.table({"entity_id": list("aabbccd"), "kind": [0] * 7, "amount": amounts})
    message = (
        "of 7 events 3 have no amount and 2 have a negative one, which is no weight; give another factor (tfidf), or"
    )
    with pytest.raises(DataError, match=re.escape(message)):
        list(event_blocks(batched(table, (1,)), 1, EventReading(("amount",)), 1))


def test_times_that_are_missing_are_counted_to_the_end() -> None:
    table = pa.table({"entity_id": list("aab"), "kind": [0] * 3, "event_time": [START, None, None]})
    with pytest.raises(DataError, match="recency:9d: 2 of 3 events have no time; leave recency out"):
        list(event_blocks(batched(table, (1,)), 1, EventReading(("tfidf", "recency:9d")), 1))
