"""The hash of a history: of all that is known of an entity, whatever the batch, and of nothing else."""

import hashlib
from datetime import UTC, date, datetime

import pyarrow as pa
import pytest

from llm4es.core.schemas import EVENT_KEYS
from llm4es.serialize.cutoffs import before
from llm4es.serialize.event_hashes import histories, with_hashes

SCHEMA = pa.schema([*EVENT_KEYS, ("what", pa.string()), ("n", pa.int64())])


def events(*rows: tuple[str, int | None, str | None, int | None]) -> pa.RecordBatch:
    """(entity, day of January, what, n) of each event."""
    position: dict[str, int] = {}
    columns = []
    for entity, day, what, n in rows:
        position[entity] = position.get(entity, -1) + 1
        time = None if day is None else datetime(2024, 1, day, tzinfo=UTC)
        keys = {"dataset": "shop", "entity_id": entity, "position": position[entity], "event_time": time}
        columns.append(keys | {"what": what, "n": n})
    return pa.RecordBatch.from_pylist(columns, schema=SCHEMA)


def hashes(*rows: tuple[str, int | None, str | None, int | None]) -> dict[str, str]:
    table = histories(with_hashes(events(*rows)))
    return dict(zip(table["entity_id"].to_pylist(), table["source_hash"].to_pylist(), strict=True))


def test_every_row_bears_the_hash_of_its_history() -> None:
    table = with_hashes(events(("a", 1, "x", 1), ("a", 2, "y", 2), ("b", 1, "x", 1)))
    first, second, third = table["source_hash"].to_pylist()
    assert first == second != third
    assert len(first) == 64
    assert hashes(("a", 1, "x", 1), ("a", 2, "y", 2), ("b", 1, "x", 1)) == {"a": first, "b": third}


def test_a_hash_is_that_of_times_and_fields_with_marks_between_and_is_held_once_an_entity() -> None:
    table = with_hashes(events(("a", 1, "x", 1), ("a", 2, None, 2), ("b", None, "x", 1)))
    micros = [int(datetime(2024, 1, day, tzinfo=UTC).timestamp()) * 1_000_000 for day in (1, 2)]
    of_a = f"{micros[0]}\x1fx\x1f1\x1e{micros[1]}\x1f\x00\x1f2"
    of_b = "\x00\x1fx\x1f1"
    wanted = [hashlib.sha256(history.encode()).hexdigest() for history in (of_a, of_b)]
    assert table["source_hash"].chunk(0).dictionary.to_pylist() == wanted
    assert table["source_hash"].to_pylist() == [wanted[0], *wanted]


def test_days_are_hashed_as_they_are_written() -> None:
    schema = pa.schema([*EVENT_KEYS, ("day", pa.date32())])
    rows = [
        {"dataset": "shop", "entity_id": "a", "position": n, "day": day}
        for n, day in enumerate((date(2024, 1, 2), None))
    ]
    (found,) = histories(with_hashes(pa.RecordBatch.from_pylist(rows, schema=schema)))["source_hash"].to_pylist()
    assert found == hashlib.sha256(b"\x00\x1f2024-01-02\x1e\x00\x1f\x00").hexdigest()


def test_a_hash_is_of_the_history_and_not_of_whose_it_is_or_who_stands_beside() -> None:
    alone = hashes(("a", 1, "x", 1), ("a", 2, "y", 2))["a"]
    assert hashes(("b", 1, "x", 1), ("b", 2, "y", 2))["b"] == alone
    assert hashes(("0", 1, "q", 7), ("a", 1, "x", 1), ("a", 2, "y", 2), ("c", 3, "z", 9))["a"] == alone


@pytest.mark.parametrize(
    "changed",
    [
        [("a", 1, "x", 1)],
        [("a", 2, "y", 2), ("a", 1, "x", 1)],
        [("a", 1, "x", 1), ("a", 3, "y", 2)],
        [("a", 1, "x", 1), ("a", 2, None, 2)],
        [("a", 1, "x", 1), ("a", 2, "", 2)],
        [("a", 1, "x", 1), ("a", 2, "y", None)],
        [("a", 1, "x", 1), ("a", None, "y", 2)],
    ],
)
def test_whatever_is_known_of_an_event_changes_it(
    changed: list[tuple[str, int | None, str | None, int | None]],
) -> None:
    assert hashes(*changed)["a"] != hashes(("a", 1, "x", 1), ("a", 2, "y", 2))["a"]


def test_the_hash_that_stores_are_keyed_on() -> None:
    """Computed by version 0.1."""
    assert hashes(("a", 1, "x", 1), ("a", 2, None, 2)) == {
        "a": "e0a108b40b821df930a18851346cb9757da6cee37c2a90cebbe26d244b462a83"
    }


def test_before_is_exclusive_and_takes_times_without_zone_as_utc() -> None:
    batch = events(("a", 1, "x", 1), ("a", 2, "y", 2))
    assert before(batch, None) is batch
    assert before(batch, datetime(2024, 1, 2))["n"].to_pylist() == [1]
    assert before(batch, datetime(2024, 1, 2, 0, 0, 1, tzinfo=UTC))["n"].to_pylist() == [1, 2]
