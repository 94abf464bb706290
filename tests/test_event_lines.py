"""Lines of single events against the texts that serialize makes, and words of bins against scikit-learn's bins."""

from collections.abc import Sequence
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError
from sklearn.preprocessing import KBinsDiscretizer

from llm4es.core.errors import OptionError, RecipeError
from llm4es.options import SerializeOptions
from llm4es.recipes import FieldSpec, FieldType, Recipe
from llm4es.recipes.bins import bin_words
from llm4es.recipes.derive import events_schema
from llm4es.serialize import serialize
from llm4es.serialize.event_lines import event_fields, event_lines, header_of, shown_sql

FIELDS: list[dict[str, Any]] = [
    {"name": "what", "header": "What | it is"},
    {"name": "amount", "type": "number", "decimals": 2, "unit": "EUR", "missing": "?"},
    {"name": "size", "type": "integer", "bins": [-5, 0, 7], "unit": "kg", "missing": "none"},
    {"name": "day", "derive": "weekday"},
    {"name": "gap", "derive": "gap_days"},
    {"name": "born", "type": "date"},
    {"name": "log", "derive": "log", "from": "amount"},
    {"name": "code", "in_text": False},
]


def recipe(by: Sequence[str] = (), fields: Sequence[dict[str, Any]] = FIELDS, **more: Any) -> Recipe:
    parts: dict[str, Any] = {
        "name": "shop",
        "tables": {"events": {"path": "e.csv"}},
        "events": {"entity": "user", "time": {"from": "at"}},
        "fields": list(fields),
        "texts": {"by": list(by)} if by else {},
        "presets": {"times": {"fields": ["day", "gap"]}, "short": {"fields": ["code", "day", "amount"]}},
        **more,
    }
    return Recipe.model_validate(parts)


@pytest.mark.parametrize(
    ("preset", "by", "said", "names"),
    [
        ("raw", [], [], ["what", "amount", "size", "log"]),
        ("short", [], [], ["code", "amount"]),
        ("times", [], [], ["day", "gap"]),  # there is nothing else
        ("raw", ["gap", "code", "gap"], [], ["gap", "code"]),
        ("raw", [], ["code", "what"], ["code", "what"]),
        ("raw", ["size"], ["code"], ["size"]),
    ],
)
def test_fields_of_an_event(preset: str, by: list[str], said: list[str], names: list[str]) -> None:
    assert [field.name for field in event_fields(recipe(said), preset, by)] == names


def test_fields_that_are_none() -> None:
    with pytest.raises(OptionError, match=r"--by 'amuont' is no field of 'shop': did you mean amount\?"):
        event_fields(recipe(), by=["amuont"])
    with pytest.raises(ValidationError, match=r"texts.by names 'amuont', which is no field: there are what, amount"):
        recipe(["amuont"])


def test_what_events_are_read_by_changes_no_text() -> None:
    plain, other = recipe(), recipe(["what"])
    assert plain.serialized_hash() == other.serialized_hash() == plain.content_hash() != other.content_hash()
    assert plain.fingerprint() == other.fingerprint()
    by_number, by_edges = (
        recipe(fields=[{"name": "a", "type": "number", "bins": bins}], presets={}) for bins in (5, [1])
    )
    assert by_number.fingerprint() != by_edges.fingerprint()


def events() -> pa.Table:
    rng = np.random.default_rng(1)
    amounts = [1.005, 2.675, -0.005, -0.001, 1e15, 1e-9, None, 0.125, 1.995, *rng.normal(0, 1, 200).round(3)]
    count = len(amounts)
    rows = {
        "dataset": ["shop"] * count,
        "entity_id": ["a"] * count,
        "position": range(count),
        "event_time": [None] * count,
        "what": ["tea", "x|y\nz", None, *["milk"] * (count - 3)],
        "amount": amounts,
        "size": [-6, -5, -1, 0, 6, 7, None, 2**60, *rng.integers(-9, 9, count - 8).tolist()],
        "code": [str(at % 3) for at in range(count)],
    }
    return pa.table(
        rows, schema=events_schema([f for f in recipe().fields if f.name in ("what", "amount", "size", "code")])
    )


def test_lines_are_those_of_the_texts_whether_sql_has_shown_them_or_not() -> None:
    table = events()
    shop = recipe(fields=[FIELDS[at] for at in (0, 1, 2, 7)], presets={})
    fields = event_fields(shop)
    (texts,) = serialize(table.to_batches(), shop, SerializeOptions())
    text = texts["text"][0].as_py()
    plain = event_lines([table[field.name].combine_chunks() for field in fields], fields)
    assert header_of(fields) + "\n".join(plain.to_pylist()) == text

    shown = ", ".join(f'{shown_sql(field)} AS "{field.name}"' for field in fields)
    query = duckdb.connect().from_arrow(table)
    columns = query.order("position").project(shown).to_arrow_table()
    from_sql = event_lines([columns[field.name].combine_chunks() for field in fields], fields)
    assert from_sql.to_pylist() == plain.to_pylist()
    distinct = query.project(shown).distinct().to_arrow_table()
    assert len(set(plain.to_pylist())) <= len(distinct) < len(table)
    assert columns["size"].to_pylist()[:7] == ["very small", "small", "small", "large", "large", "very large", None]
    assert plain.to_pylist()[6].endswith(" | none")  # and no unit behind words


@pytest.mark.parametrize("n_bins", [2, 3, 5, 7, 10])
def test_words_are_the_bins_of_scikit_learn(n_bins: int) -> None:
    numbers = np.random.default_rng(2).lognormal(3, 1, 500)
    peer = KBinsDiscretizer(n_bins, encode="ordinal", strategy="quantile", quantile_method="linear")
    bins = peer.fit_transform(numbers[:, None])[:, 0].astype(int)
    field = FieldSpec(name="x", type=FieldType.NUMBER, bins=tuple(peer.bin_edges_[0][1:-1]))
    assert event_lines([pa.array(numbers)], [field]).to_pylist() == [bin_words(n_bins)[at] for at in bins]
    assert len(set(bin_words(n_bins))) == n_bins


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"bins": 5}, "'bins' is for fields of type 'integer' or 'number'"),
        ({"bins": 5, "derive": "hour"}, "'bins' is for fields of type 'integer' or 'number'"),
        ({"type": "date", "bins": [1.0]}, "'bins' is for fields of type 'integer' or 'number'"),
        ({"type": "number", "bins": 1}, "'bins' is between 2 and 100, or the edges"),
        ({"type": "number", "bins": 101}, "'bins' is between 2 and 100, or the edges"),
        ({"type": "number", "bins": 2.5}, "'bins' is a whole number of bins; one edge is"),
        ({"type": "number", "bins": True}, "'bins' is a number of bins, or the edges"),
        ({"type": "number", "bins": ["a"]}, "'bins' is a number of bins, or the edges"),
        ({"type": "number", "bins": []}, "'bins' gives one edge or more"),
        ({"type": "number", "bins": [0.0, float("inf")]}, "'bins' gives one edge or more, each a finite number"),
        ({"type": "number", "bins": [2, 1]}, r"'bins' gives edges in rising order, each once, not \[2.0, 1.0\]"),
        ({"type": "number", "bins": [1, 1]}, "'bins' gives edges in rising order"),
    ],
)
def test_bins_that_cannot_be(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        FieldSpec.model_validate({"name": "x", **settings})


def test_bins_that_are_not_fitted() -> None:
    field = FieldSpec(name="x", type=FieldType.NUMBER, bins=5)
    with pytest.raises(RecipeError, match=r"field 'x': the edges of bins = 5 are not fitted yet: serialize fits them"):
        event_lines([pa.array([1.0])], [field])
    with pytest.raises(RecipeError, match="not fitted yet"):
        shown_sql(field)
