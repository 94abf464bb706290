"""Frames that no recipe can be made of: what is refused, and in which words."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from llm4es.core.errors import DataError, Llm4esError, RecipeError
from llm4es.options import OnBadRow, SerializeOptions
from llm4es.recipes import keep_frames, locate, read_events, recipe_from_frame

from .test_recipes_frame import EVENTS, LABELS, bank

EMPTY = EVENTS.iloc[:0]
TORN = pd.DataFrame({"customer": [1, 1, 2], "churn": [0, 1, 1]})
STRANGERS = pd.DataFrame({"customer": ["x", "y"], "churn": [0, 1]})


@pytest.mark.parametrize(
    ("events", "settings", "error", "message"),
    [
        (EVENTS, {"entity": "custmer"}, DataError, r"events have no column 'custmer': did you mean customer\?"),
        (EVENTS, {"time": "when"}, DataError, r"events have no column 'when': there are customer, at, mcc"),
        (EVENTS, {"fields": ["mc"]}, DataError, r"events have no column 'mc': did you mean mcc\?"),
        (
            EVENTS,
            {"time": "shopName"},
            DataError,
            r"time: column 'shopName' holds 'tea' and is not read as times: make it",
        ),
        (EMPTY, {}, DataError, r"events have no rows: give a frame with at least one"),
        (EVENTS.assign(AT=1), {}, DataError, r"events: only case tells at and AT apart: rename one of them"),
        (EVENTS.assign(l=[[1]] * 4), {"entity": "l"}, DataError, r"events: 'l' is of type list<item: int64>: give ids"),
        (
            EVENTS,
            {"labels": TORN},
            DataError,
            r"labels: entity '1' has several different values of 'churn': keep one row",
        ),
        (EVENTS, {"labels": LABELS[["churn"]]}, DataError, r"labels have no column 'customer': there are churn"),
        (EVENTS, {"labels": LABELS, "tasks": {"chrn": "binary"}}, DataError, r"labels have no column 'chrn': did you"),
        (EVENTS, {"labels": LABELS[["customer"]]}, DataError, r"labels have no column with two values or more besides"),
        (
            EVENTS,
            {"labels": STRANGERS},
            DataError,
            r"labels: none of their 'customer', such as 'x', is among .* as '2'",
        ),
        (EVENTS, {"tasks": {"churn": "binary"}}, DataError, r"tasks churn need labels: give a frame of them"),
        (EVENTS, {"tasks": "churn"}, DataError, r"tasks churn need labels: give a frame of them"),
        (EVENTS, {"tasks": 5}, DataError, r"tasks 5 need labels"),
        (EVENTS, {"labels": LABELS, "tasks": 5}, DataError, r"labels have no column '5': there are customer, churn"),
        (EVENTS, {"labels": LABELS, "tasks": {"churn": 2}}, RecipeError, r"^tasks: 'churn' is 2: give a kind such as"),
        (EVENTS, {"itm": "mcc"}, RecipeError, r"^a frame's recipe has no key 'itm': did you mean item"),
        (EVENTS, {"fields": []}, RecipeError, r"^fields names none: give one column or more, or leave it out for all"),
        (EVENTS[["customer"]], {}, DataError, r"^events have no column besides 'customer': give one that says what"),
        ("events.csv", {}, DataError, r"events are a str: give a pandas or Polars frame"),
        (EVENTS, {"name": "My Bank"}, RecipeError, r"name 'My Bank' is no dataset's: .* such as 'my-bank'"),
        (EVENTS, {"name": "rosbank"}, RecipeError, r"name 'rosbank' is a built-in recipe's"),
        (
            EVENTS,
            {"item": "shp"},
            RecipeError,
            r"recipe 'bank': .*item names 'shp', which is no field: there are at, mcc",
        ),
        (EVENTS, {"fields": [{"name": "mcc", "colour": 1}]}, RecipeError, r"fields.0.colour: there is no such key"),
        (EVENTS, {"fields": [{"from": "mcc"}]}, RecipeError, r"fields: \{'from': 'mcc'\} has no name"),
        (EVENTS, {"labels": LABELS, "tasks": {"churn": "binry"}}, RecipeError, r"tasks.churn.kind: .*not 'binry'"),
        (EVENTS, {"texts": {"max_event": 5}}, RecipeError, r"texts.max_event: .*did you mean 'max_events'\?"),
    ],
)
def test_bad_input(events: Any, settings: dict[str, Any], error: type[Llm4esError], message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        recipe_from_frame(events=events, **({"name": "bank", "entity": "customer"} | settings))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "readable", "message"),
    [
        (
            {"customer": [2.0, None, 2.0, None]},
            2,
            r"events: row 2 has no id in 'customer' \(2 of 4 rows\): give it one",
        ),
        ({"customer": ["a", "b", "", "b"]}, 3, r"events: row 3 has no id in 'customer' \(1 of 4 rows\)"),
        ({"customer": [2.0, 1.0, 2.0, float("inf")]}, 3, r"events: row 4 has no id in 'customer' \(1 of 4 rows\)"),
        (
            {"at": [*EVENTS["at"][:3], pd.NaT]},
            3,
            r"events: row 4 has nothing in 'at', which is not a time of format 'iso' \(1 of 4 rows\): mend or drop",
        ),
        ({"at": [*EVENTS["at"].astype(str)[:3], None]}, 3, r"events: row 4 has nothing in 'at', which is not a time"),
        (
            {"Amount (EUR)": [1.0, -float("inf"), None, float("inf")]},
            2,
            r"events: row 2 has '-inf' in 'Amount \(EUR\)', which is not a finite number \(2 of 4 rows\): mend or drop",
        ),
    ],
)
def test_rows_that_could_not_be_read_later(
    changes: dict[str, Any], readable: int, message: str, tmp_path: Path
) -> None:
    events = EVENTS.assign(**changes)
    with pytest.raises(DataError, match=message):
        recipe_from_frame("bank", events, entity="customer", time="at")
    told = recipe_from_frame("bank", events, entity="customer", time="at", texts={"on_bad_row": "skip"})
    kept = keep_frames(told, events, None, tmp_path)
    rows = read_events(kept, locate(kept), SerializeOptions(on_bad_row=OnBadRow.SKIP)).read_all()
    assert rows.num_rows == readable


def test_labels_without_an_id() -> None:
    with pytest.raises(DataError, match=r"labels: row 3 has no id in 'customer' \(1 of 3 rows\): give it one, or drop"):
        bank(labels=LABELS.assign(customer=[1, 2, None]))


def test_an_expression_that_reads_no_column() -> None:
    with pytest.raises(RecipeError, match=r"recipe 'bank', fields.double: there is no column 'amt'; "):
        bank(fields=[{"name": "double", "from": "amt * 2", "type": "number"}])
