"""Texts against hand-written ones: lines, cuts, offsets, escapes, hashes, and batches that end anywhere."""

import hashlib
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pytest

from llm4es.core.errors import DataError
from llm4es.core.schemas import TEXTS
from llm4es.options import History, SerializeOptions
from llm4es.recipes import FieldSpec, Recipe
from llm4es.recipes.derive import events_schema
from llm4es.serialize import serialize
from llm4es.serialize.escaping import escape, split, unescape
from llm4es.serialize.event_lines import values_of

RECIPE = Recipe.model_validate(
    {
        "name": "shop",
        "tables": {"events": {"path": "e.csv"}},
        "events": {"entity": "user"},
        "fields": (
            {"name": "what"},
            {"name": "amount", "type": "number", "decimals": 2, "unit": "EUR", "missing": "?"},
            {"name": "code", "in_text": False},
        ),
        "presets": {"short": {"fields": ("code",)}},
    }
)
ROWS = [("a", "tea", 1.5, "1"), ("a", "süß 🎂", None, "2"), ("a", "x|y\nz", -1000.0, "3"), ("b", None, 0.005, "4")]
TEXT_A = "What | Amount\ntea | 1.50 EUR\nsüß 🎂 | ?\nx\\|y\\nz | -1000.00 EUR"
TEXT_B = "What | Amount\n | 0.01 EUR"


def batches(rows: list[tuple[Any, ...]] = ROWS, size: int = 100) -> list[pa.RecordBatch]:
    position: dict[str, int] = {}
    events = []
    for user, what, amount, code in rows:
        position[user] = position.get(user, -1) + 1
        keys = {"dataset": "shop", "entity_id": user, "position": position[user], "event_time": None}
        events.append(keys | {"what": what, "amount": amount, "code": code})
    table = pa.Table.from_pylist(events, schema=events_schema(RECIPE.fields))
    return list(table.to_batches(max_chunksize=size))


def texts(size: int = 100, **options: Any) -> list[dict[str, Any]]:
    made = list(serialize(batches(size=size), RECIPE, SerializeOptions(**options)))
    assert all(batch.schema == TEXTS for batch in made)
    rows: list[dict[str, Any]] = pa.Table.from_batches(made).to_pylist()
    return rows


def test_text_of_an_entity() -> None:
    a, b = texts()
    assert a["text"] == TEXT_A
    assert b["text"] == TEXT_B
    assert a["text_hash"] == a["source_hash"] == hashlib.sha256(TEXT_A.encode()).hexdigest()
    assert (a["dataset"], a["entity_id"], a["variant"], a["n_events"], a["n_events_dropped"]) == (
        "shop",
        "a",
        "raw",
        3,
        0,
    )


def test_offsets_are_code_points_between_events() -> None:
    a, b = texts()
    pieces = [a["text"][begin:end] for begin, end in zip(a["event_offsets"], a["event_offsets"][1:], strict=False)]
    assert a["text"][: a["event_offsets"][0]] == "What | Amount\n"
    assert pieces == ["tea | 1.50 EUR\n", "süß 🎂 | ?\n", "x\\|y\\nz | -1000.00 EUR"]
    assert b["event_offsets"] == [14, len(TEXT_B)]


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_batches_may_end_anywhere(size: int) -> None:
    assert texts(size) == texts()


@pytest.mark.parametrize(
    ("history", "lines"),
    [
        (History.NEWEST, ["süß 🎂 | ?", "x\\|y\\nz | -1000.00 EUR"]),
        (History.OLDEST, ["tea | 1.50 EUR", "süß 🎂 | ?"]),
    ],
)
def test_cuts(history: History, lines: list[str]) -> None:
    a, b = texts(history=history, max_events=2)
    assert a["text"].splitlines()[1:] == lines
    assert (a["n_events"], a["n_events_dropped"]) == (2, 1)
    assert a["source_hash"] == hashlib.sha256(TEXT_A.encode()).hexdigest()  # what is left out still changes the source
    assert a["text_hash"] == hashlib.sha256(a["text"].encode()).hexdigest()
    assert a["event_offsets"][0] == 14
    assert a["event_offsets"][-1] == len(a["text"])
    assert b["text"] == TEXT_B


def test_presets_and_as_of() -> None:
    a, _ = texts(preset="short", as_of=datetime(2024, 1, 1))
    assert a["text"] == "Code\n1\n2\n3"
    assert a["as_of"] == datetime(2024, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("values", "type", "settings", "written"),
    [
        ([1.0, 1.25, None], pa.float64(), {"type": "number"}, ["1", "1.25", ""]),
        (
            [2.675, -0.004, 123456789.125],
            pa.float64(),
            {"type": "number", "decimals": 1},
            ["2.7", "0.0", "123456789.1"],
        ),
        ([1e12, 1e-7], pa.float64(), {"type": "number", "decimals": 0}, ["1000000000000", "0"]),
        ([5, None], pa.int64(), {"type": "integer", "missing": "none"}, ["5", "none"]),
        ([date(2024, 2, 29)], pa.date32(), {"type": "date"}, ["2024-02-29"]),
        ([datetime(2024, 2, 29, 1, 2, 3)], pa.timestamp("us", "UTC"), {"type": "datetime"}, ["2024-02-29 01:02:03"]),
        (["a\tb", "c\u2028d", "\x1b[0m", "\\n"], pa.string(), {}, ["a\\tb", "c\\u2028d", "\\x1b[0m", "\\\\n"]),
    ],
)
def test_values(values: list[Any], type: pa.DataType, settings: dict[str, Any], written: list[str]) -> None:
    field = FieldSpec.model_validate({"name": "x", **settings}, strict=False)
    assert values_of(pa.array(values, type), field).to_pylist() == written


def test_escapes_go_back() -> None:
    nasty = ["", " | ", "a | b", "\\", "\\n", "\n", "| ", " |", "\\|", "\x00\x85", "ends with \\", "\u2029é🎂", "\\x41"]
    line = " | ".join(escape(value) for value in nasty)
    assert "\n" not in line
    assert [unescape(value) for value in split(line)] == nasty


def test_no_events_no_texts() -> None:
    assert list(serialize([], RECIPE, SerializeOptions())) == []


def bad(table: pa.Table, size: int = 100) -> str:
    """What is said of events that cannot be written."""
    with pytest.raises(DataError) as caught:
        list(serialize(table.to_batches(max_chunksize=size), RECIPE, SerializeOptions()))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def timed(ids: str, days: list[int | None]) -> pa.Table:
    """An event of each of these entities, on these days of January."""
    table = pa.Table.from_batches(batches([(id, "tea", 1.0, "1") for id in ids]))
    times = [None if day is None else datetime(2024, 1, day, tzinfo=UTC) for day in days]
    return table.set_column(3, "event_time", pa.array(times, pa.timestamp("us", "UTC")))


@pytest.mark.parametrize("size", [1, 2, 100])
def test_events_out_of_order_are_refused(size: int) -> None:
    sort = "sort the events by entity_id and event_time, as read_events does"
    assert bad(timed("abca", [1, 1, 1, 1]), size) == f"events of entity 'a' come behind those of 'c': {sort}"
    assert bad(timed("aabb", [1, 2, 2, 1]), size) == f"events of entity 'b' are out of order in time: {sort}"
    fine = pa.Table.from_batches(serialize(timed("aab", [2, 2, 1]).to_batches(size), RECIPE, SerializeOptions()))
    assert fine["n_events"].to_pylist() == [2, 1]


def test_a_shuffled_frame_is_no_text_for_each_run_of_an_entity() -> None:
    shuffled = timed("abab" * 50, [1] * 200)
    assert "entity 'a' come behind those of 'b'" in bad(shuffled)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda table: table.drop_columns("amount"),
            r"events have no column 'amount': there are dataset, entity_id, position",
        ),
        (
            lambda table: table.rename_columns({"what": "wat"}),
            r"events have no column 'what': did you mean wat\?",
        ),
        (lambda table: table.drop_columns("entity_id"), r"events have no column 'entity_id': did you mean event_time"),
        (
            lambda table: table.set_column(5, "amount", table["amount"].cast(pa.string())),
            r"events: column 'amount' is of type string, not double: cast it, or read the events by read_events",
        ),
        (
            lambda table: table.set_column(1, "entity_id", pa.array([1, 1])),
            r"events: column 'entity_id' is of type int64, not string: cast it",
        ),
        (
            lambda table: table.set_column(1, "entity_id", pa.array(["a", None])),
            r"events: an entity_id is null: leave such",
        ),
    ],
)
def test_columns_that_are_not_as_the_recipe_says(change: Callable[[pa.Table], pa.Table], message: str) -> None:
    assert re.match(message, bad(change(timed("aa", [1, 2]))))


def test_what_is_no_batch_is_told() -> None:
    with pytest.raises(
        DataError, match=r"events are batches of ChunkedArray: give record batches, as table.to_batches"
    ):
        list(serialize(timed("a", [1]).columns, RECIPE, SerializeOptions()))


def test_neither_position_nor_time_is_needed_and_unused_fields_may_be_missing() -> None:
    table = pa.Table.from_batches(batches()).drop_columns(["position", "event_time", "code"])
    made = pa.Table.from_batches(serialize(table.to_batches(), RECIPE, SerializeOptions()))
    assert made["text"].to_pylist() == [TEXT_A, TEXT_B]


def test_an_entity_of_100_000_events() -> None:
    count = 100_000
    one = pa.RecordBatch.from_pydict(
        {
            "dataset": ["shop"] * count,
            "entity_id": ["a"] * count,
            "position": pa.array(range(count), pa.int32()),
            "event_time": pa.nulls(count, pa.timestamp("us", "UTC")),
            "what": ["x"] * count,
            "amount": pa.array([1.0] * count),
            "code": ["1"] * count,
        },
        schema=events_schema(RECIPE.fields),
    )
    (made,) = serialize([one.slice(at, 1000) for at in range(0, count, 1000)], RECIPE, SerializeOptions())
    assert made["n_events"].to_pylist() == [count]
    assert made["text"][0].as_py().count("\n") == count
