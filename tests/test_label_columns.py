"""Columns that a label is made from, found wherever a recipe reads them, and nowhere else."""

from typing import Any

import pytest

from llm4es.recipes.columns_read import paths_of
from llm4es.recipes.label_columns import shared_columns
from llm4es.recipes.model import Recipe


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        ("left", {("left",)}),  # a word of SQL, and a column all the same
        ('"Will churn?" = 1', {("will churn?",)}),
        ("CASE WHEN events.State = 'left' THEN 1 ELSE least(a, b) END", {("events", "state"), ("a",), ("b",)}),
        ("payload->>'$.user.plan'", {("payload", "user", "plan")}),
        ("payload['plan']", {("payload", "plan")}),
        ("struct_extract(payload, 'plan')", {("payload", "plan")}),
        ("'a column: status'", set()),
        ("to_json(events)", {("events",)}),
        ("COLUMNS(*)", {()}),
        ("max(a) OVER (PARTITION BY b ORDER BY c)", {("a",), ("b",), ("c",)}),
        ("a -- not b", {("a",)}),
    ],
)
def test_columns_are_read_as_the_parser_reads_them(sql: str, columns: set[tuple[str, ...]]) -> None:
    assert paths_of(sql) == columns


def shared(label: str, field: dict[str, Any], table: str = "events", **more: Any) -> list[str]:
    """The columns that a label and one field share."""
    tables = {
        "events": {"path": "e.csv", "derive": {"gone": "upper(state)"}},
        "people": {"path": "p.csv"},
        "people_again": {"path": "p.csv"},
    }
    task = {"kind": "binary", "table": table, "entity": "id", "label": label} | more.pop("task", {})
    events = {"entity": "id", "time": {"from": "at"}, "joins": more.pop("joins", [])}
    values = {"name": "x", "tables": tables, "events": events, "fields": [field], "tasks": {"t": task}}
    recipe = Recipe.model_validate(values)
    return [each.column for each in shared_columns(recipe, recipe.tasks["t"], recipe.fields)]


PEOPLE = [{"table": "people", "on": "id"}]


@pytest.mark.parametrize(
    ("label", "field", "more"),
    [
        ("state", {"name": "state"}, {}),  # the exact name
        ("State", {"name": "x", "from": "sTate"}, {}),  # in other letters, renamed
        ("state = 'left'", {"name": "x", "from": "upper(trim(state))"}, {}),  # expressions of it
        ("gone", {"name": "state"}, {}),  # the table derives the label's column from the field's
        ("state", {"name": "gone"}, {}),  # and the other way round
        ("(age > 30)", {"name": "x", "derive": "log", "from": "age", "type": "number"}, {}),
        ("year(at) > 2024", {"name": "date", "derive": "date"}, {}),  # a part of the time
        ("left", {"name": "x", "from": "people.left"}, {"table": "people", "joins": PEOPLE}),
        ("left", {"name": "x", "from": "left"}, {"table": "people", "joins": PEOPLE}),
        ("left", {"name": "x", "from": "people.left"}, {"table": "people_again", "joins": PEOPLE}),  # one file
        ("left", {"name": "id", "names": {"table": "people", "code": "id", "name": "left"}}, {"table": "people"}),
        ("payload->>'plan'", {"name": "x", "from": "to_json(events)"}, {}),
        ("payload->>'plan'", {"name": "x", "from": "payload.plan"}, {}),
        ("label", {"name": "x", "from": "Plan"}, {"table": "people", "task": {"uses": "plan"}}),
    ],
)
def test_a_field_that_shows_what_the_label_is_made_from(
    label: str, field: dict[str, Any], more: dict[str, Any]
) -> None:
    assert len(shared(label, field, **more)) == 1


@pytest.mark.parametrize(
    ("label", "field", "more"),
    [
        ("state = 'amount'", {"name": "amount"}, {}),  # a value, not a column
        ("payload->>'plan'", {"name": "x", "from": "payload->>'price'"}, {}),  # another part of the same value
        ("amount", {"name": "amount"}, {"table": "people"}),  # next month's amount, of another table
        ("people.left", {"name": "x", "from": "events.left"}, {"table": "people", "joins": PEOPLE}),
        ("state", {"name": "weekday", "derive": "weekday"}, {}),
    ],
)
def test_a_field_that_does_not(label: str, field: dict[str, Any], more: dict[str, Any]) -> None:
    assert shared(label, field, **more) == []
