"""Frames to recipes and back to events and labels: what is inferred, what is kept as it is written."""

import logging
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from llm4es.core.errors import DataError, RecipeError
from llm4es.options import SerializeOptions
from llm4es.recipes import (
    Recipe,
    keep_frames,
    locate,
    read_events,
    read_labels,
    recipe_from_frame,
    recipe_from_json,
)
from llm4es.serialize import serialize

EVENTS = pd.DataFrame(
    {
        "customer": [2.0, 1.0, 2.0, 1.0],  # whole numbers that a join has made floats
        "at": pd.to_datetime(["2024-01-03 10:00", "2024-01-02 00:00", "2024-01-01 00:00", "2024-01-04 00:00"]),
        "mcc": [5411, 6011, 5411, 5812],
        "Amount (EUR)": [1.5, -2.0, None, 3.25],
        "shopName": ["tea", "milk", "tea", None],
        "mixed": [1, "x", None, 2.5],
    },
    index=[9, 9, 3, 1],
)
LABELS = pd.DataFrame(
    {"customer": [1, 2, 3], "churn": [0, 1, None], "segment": ["a", "b", "c"], "spent": [0.5, 1.5, 2]}
)
ALL = SerializeOptions()


def bank(**settings: Any) -> Recipe:
    return recipe_from_frame("bank", EVENTS, entity="customer", **settings)


def texts(recipe: Recipe, folder: Path, events: Any = EVENTS, labels: Any = None) -> dict[str, list[str]]:
    """The lines of each entity's text, by way of the files that are kept."""
    recipe = keep_frames(recipe, events, labels, folder)
    made = pa.Table.from_batches(serialize(read_events(recipe, locate(recipe), ALL), recipe, ALL)).to_pylist()
    return {row["entity_id"]: row["text"].splitlines() for row in made}


def test_texts_of_a_frame(tmp_path: Path) -> None:
    assert texts(bank(time="at"), tmp_path) == {
        "1": [
            "Date | Weekday | Hour | Mcc | Amount (EUR) | shopName | Mixed",
            "2024-01-02 | Tuesday | 0 | 6011 | -2 | milk | x",
            "2024-01-04 | Thursday | 0 | 5812 | 3.25 |  | 2.5",
        ],
        "2": [
            "Date | Weekday | Hour | Mcc | Amount (EUR) | shopName | Mixed",
            "2024-01-01 | Monday | 0 | 5411 |  | tea | ",
            "2024-01-03 | Wednesday | 10 | 5411 | 1.5 | tea | 1",
        ],
    }


def test_without_times_the_order_of_the_frame_is_the_order_of_events(tmp_path: Path) -> None:
    assert texts(bank(fields=["mcc"]), tmp_path) == {"1": ["Mcc", "6011", "5812"], "2": ["Mcc", "5411", "5411"]}


def test_what_baselines_count() -> None:
    recipe = bank(time="at")
    assert (recipe.item, recipe.amount) == ("mcc", "amount_eur")
    assert recipe.categories == {"shop_name": 3, "mixed": 4, "mcc": 4}
    named = bank(item="shopName", amount="Amount (EUR)", categories=["shopName"])
    assert (named.item, named.amount, named.categories) == ("shop_name", "amount_eur", {"shop_name": 3})
    assert bank(categories={"mcc": 7}).categories == {"mcc": 7}
    assert bank(fields=["mcc"]).item == "mcc"


def test_fields_by_their_keys(tmp_path: Path) -> None:
    fields = [
        {"name": "day", "derive": "date"},
        {"name": "Amount (EUR)", "decimals": 2, "unit": "EUR"},
        {"name": "double", "from": '"Amount (EUR)" * 2', "type": "number"},
        {"name": "mcc", "names": {"5411": "food"}},
        {"name": "shop", "from": "shopName", "header": "Where"},
    ]
    made = texts(bank(time="at", fields=fields), tmp_path)
    assert made["2"] == [
        "Day | Amount (EUR) | Double | Mcc | Where",
        "2024-01-01 |  |  | food | tea",
        "2024-01-03 | 1.50 EUR | 3 | food | tea",
    ]


def test_every_kind_of_frame_gives_the_same_recipe() -> None:
    plain = EVENTS.drop(columns="mixed")
    table = pa.Table.from_pandas(plain, preserve_index=False)
    frames = [plain, pl.from_pandas(plain), pl.from_pandas(plain).lazy(), table, duckdb.from_arrow(table)]
    recipes = [recipe_from_frame("bank", frame, entity="customer", time="at", labels=LABELS) for frame in frames]
    assert len({recipe.content_hash() for recipe in recipes}) == 1
    assert recipe_from_json(recipes[0].to_json()) == recipes[0]


def test_labels_are_tasks(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    labels = LABELS.assign(name=["Ann", "Bob", "Ann"], same="x", customer=["1", "2", "3"])
    with caplog.at_level(logging.WARNING):
        recipe = bank(labels=labels)
    assert {name: task.kind.value for name, task in recipe.tasks.items()} == {
        "churn": "binary", "segment": "multiclass", "spent": "regression", "name": "binary",
    }  # fmt: skip
    assert "labels: 'same' has one value, or too many for classes, and is left out" in caplog.text
    recipe = keep_frames(recipe, EVENTS, labels, tmp_path)
    rows = [(row["entity_id"], row["task"], row["label"]) for row in read_labels(recipe, locate(recipe)).to_pylist()]
    assert rows[:3] == [("1", "churn", "0"), ("2", "churn", "1"), ("1", "segment", "a")]


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        (pa.array([True, False, None]), "binary"),
        (pa.array([1.0, 2.0, 3.0]), "multiclass"),  # classes that missing values have made floats
        (pa.array([1, 2, 3]).cast(pa.decimal128(38, 0)), "multiclass"),  # a sum in DuckDB
        (pa.array([1.0, 1e300, 2.0]), "regression"),
        (pa.array([date(2024, 1, day) for day in (1, 2, 3)]), "multiclass"),
    ],
)
def test_kinds_of_labels(labels: pa.Array, kind: str) -> None:
    assert bank(labels=pa.table({"customer": [1, 2, 3], "y": labels})).tasks["y"].kind.value == kind


@pytest.mark.parametrize("tasks", ["churn", ["churn"], ("churn",), {"churn": None}, pd.Index(["churn"])])
def test_tasks_by_their_names_alone(tasks: Any) -> None:
    named = bank(labels=LABELS, tasks=tasks).tasks
    assert {name: task.kind.value for name, task in named.items()} == {"churn": "binary"}
    both = bank(labels=LABELS, tasks=["spent", "segment"]).tasks
    assert {name: task.kind.value for name, task in both.items()} == {"spent": "regression", "segment": "multiclass"}


def test_columns_whose_names_are_numbers() -> None:
    events = EVENTS.rename(columns={"customer": 0, "at": 1, "mcc": 2})
    labels = LABELS.rename(columns={"customer": 0, "churn": 3})
    recipe = recipe_from_frame("bank", events, entity=0, time=1, fields=[2], labels=labels, tasks=[3])  # type: ignore[arg-type, list-item]
    assert (recipe.events.entity, recipe.events.time and recipe.events.time.column) == ('CAST("0" AS BIGINT)', '"1"')
    assert [(field.name, field.title) for field in recipe.fields] == [("column_2", "2")]
    assert list(recipe.tasks) == ["column_3"]
    with pytest.raises(DataError, match=r"^events have no column '7': there are 0, 1, 2"):
        recipe_from_frame("bank", events, entity=7)  # type: ignore[arg-type]


def test_one_name_needs_no_list() -> None:
    assert bank(fields="mcc") == bank(fields=["mcc"]) == bank(fields={"name": "mcc"})
    assert bank(categories="mcc").categories == {"mcc": 4}


def test_tasks_that_are_named() -> None:
    assert list(bank(labels=LABELS, tasks={"churn": "binary"}).tasks) == ["churn"]
    task = bank(labels=LABELS, tasks={"big": {"label": "spent > 1", "kind": "binary", "metric": "accuracy"}}).tasks[
        "big"
    ]
    assert (task.label, task.metric, task.table) == ("spent > 1", "accuracy", "labels")
    assert bank(labels=LABELS.rename(columns={"spent": "mcc"})).tasks["mcc"].uses == ("mcc",)


@pytest.mark.parametrize(
    ("times", "event_time"),
    [
        (["2024-01-02T10:00:00+02:00"] * 2, datetime(2024, 1, 2, 8, tzinfo=UTC)),
        (["02.01.2024 10:30"] * 2, datetime(2024, 1, 2, 10, 30, tzinfo=UTC)),
        ([1_704_189_600] * 2, datetime(2024, 1, 2, 10, tzinfo=UTC)),
        ([1_704_189_600_000] * 2, datetime(2024, 1, 2, 10, tzinfo=UTC)),
        ([date(2024, 1, 2)] * 2, datetime(2024, 1, 2, tzinfo=UTC)),
        (pd.to_datetime(["2024-01-02 10:00"] * 2).astype("datetime64[ns]"), datetime(2024, 1, 2, 10, tzinfo=UTC)),
        (pd.to_datetime(["2024-01-02 10:00+05:00"] * 2), datetime(2024, 1, 2, 5, tzinfo=UTC)),
    ],
)
def test_times_are_recognised(tmp_path: Path, times: Any, event_time: datetime) -> None:
    events = pd.DataFrame({"user": ["a", "b"], "at": times, "what": ["x", "y"]})
    recipe = keep_frames(recipe_from_frame("t", events, entity="user", time="at"), events, None, tmp_path)
    assert read_events(recipe, locate(recipe), ALL).read_all()["event_time"][0].as_py() == event_time


def test_a_time_may_be_said_by_its_keys(tmp_path: Path) -> None:
    events = {"user": ["a"], "my day": [31], "what": ["x"]}
    time = {"from": "my day", "format": "days", "origin": "2000-01-01"}
    recipe = keep_frames(recipe_from_frame("t", events, entity="user", time=time), events, None, tmp_path)
    table = read_events(recipe, locate(recipe), ALL).read_all()
    assert table["event_time"][0].as_py() == datetime(2000, 2, 1, tzinfo=UTC)
    assert [field.name for field in recipe.fields] == ["date", "weekday", "what"]  # days have no hours


def test_ids_may_be_uuids(tmp_path: Path) -> None:
    ids = [UUID(int=at) for at in (1, 2, 1, 2)]
    events, labels = EVENTS.assign(customer=ids), pd.DataFrame({"customer": ids[:2], "churn": [0, 1]})
    recipe = recipe_from_frame("bank", events, entity="customer", fields=["mcc"], labels=labels)
    assert texts(recipe, tmp_path, events, labels) == {
        str(ids[0]): ["Mcc", "5411", "5411"], str(ids[1]): ["Mcc", "6011", "5812"],
    }  # fmt: skip
    with pytest.raises(DataError, match=r"events: 'customer' is of type binary: give ids that are text or whole"):
        recipe_from_frame("bank", EVENTS.assign(customer=[each.bytes for each in ids]), entity="customer")


def test_frames_are_kept_whole_or_not_at_all(tmp_path: Path) -> None:
    recipe = keep_frames(bank(labels=LABELS), EVENTS, LABELS, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert sorted(before) == ["events.parquet", "labels.parquet"]
    spans = pa.table({"customer": [1], "span": pa.array([(1, 0, 0)], pa.month_day_nano_interval())})
    with pytest.raises(
        DataError, match=r"labels have a column that Parquet cannot hold \(.*interval.*\): leave it out"
    ):
        keep_frames(recipe, EVENTS.assign(mcc=0), spans, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    with pytest.raises(DataError, match=r"events have no rows to keep: a reader is read once only, give the table"):
        keep_frames(recipe, EVENTS.iloc[:0], None, tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"cannot keep the frames of 'bank' in .*file"):
        keep_frames(recipe, EVENTS, None, tmp_path / "file")


def test_the_same_frames_are_the_same_source(tmp_path: Path) -> None:
    one, two = (keep_frames(bank(), EVENTS, None, tmp_path / name) for name in ("one", "two"))
    assert locate(one).fingerprint == locate(two).fingerprint
    three = keep_frames(bank(), EVENTS.assign(mcc=1), None, tmp_path / "three")
    assert locate(one).fingerprint != locate(three).fingerprint


def test_the_positive_class_is_a_label_as_the_store_keeps_it() -> None:
    for given, kept in (("left", "left"), (1, "1"), (True, "true")):
        tasks = {"churn": {"kind": "binary", "positive": given}}
        assert bank(labels=LABELS, tasks=tasks).tasks["churn"].positive == kept
    assert (
        "positive" not in bank(labels=LABELS, tasks=["churn"]).tasks["churn"].model_dump()
    )  # older recipes stay equal
    with pytest.raises(RecipeError, match="positive 'a' is for a binary task, and this one is multiclass"):
        bank(labels=LABELS, tasks={"segment": {"kind": "multiclass", "positive": "a"}})
