"""Numbers in texts are those of the file: no exponent, no overflow, no digit more or less."""

import csv
import logging
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from llm4es.core.decimals import fixed_point, plain_numbers
from llm4es.core.errors import DataError
from llm4es.recipes import load_recipe, locate, read_events, recipe_from_frame
from llm4es.serialize import serialize

from .raw import ALL, maker


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Path]:
    return maker(tmp_path)


def _texts(recipe: Path) -> list[str]:
    """The values of the one field, event by event."""
    loaded = load_recipe(str(recipe))
    (batch,) = serialize(read_events(loaded, locate(loaded), ALL), loaded, ALL)
    return [value for text in batch["text"].to_pylist() for value in text.splitlines()[1:]]


def _right(value: str, decimals: int | None) -> str:
    """A number of a file by Python's decimals, which lose nothing."""
    exact = Decimal(value)
    if decimals is not None:
        exact = exact.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP, Context(prec=400))
    return format(exact, "f")


def _field(decimals: int | None, type: str = "number") -> str:
    return f'name = "what"\ntype = "{type}"' + ("" if decimals is None else f"\ndecimals = {decimals}")


def _typed(tmp_path: Path, column: pa.Array, field: str) -> Path:
    """A recipe over a Parquet file with one column of one user."""
    pq.write_table(pa.table({"user": ["a"] * len(column), "what": column}), tmp_path / "events.parquet")
    recipe = maker(tmp_path)("user,what\n", fields=field)
    recipe.write_text(recipe.read_text().replace("events.csv", "events.parquet"))
    return recipe


VALUES = [
    "0",
    "0.00000001",
    "0.00000123",
    "1e35",
    "2e36",
    "5",
    "1.005",
    "2.675",
    "38367.755",
    "-0.005",
    "123456.7",
    "0.1",
]


@pytest.mark.parametrize("decimals", [0, 2, 8, 9])
def test_decimals_are_the_digits_behind_the_point(make: Callable[..., Path], tmp_path: Path, decimals: int) -> None:
    recipe = make("user,what\n" + "".join(f"a,{value}\n" for value in VALUES), fields=_field(decimals))
    with (tmp_path / "events.csv").open() as file:
        right = [_right(row["what"], decimals) for row in csv.DictReader(file)]
    assert _texts(recipe) == [value.removeprefix("-") if not Decimal(value) else value for value in right]
    assert _texts(_typed(tmp_path, pa.array(list(map(float, VALUES))), _field(decimals))) == _texts(recipe)


@pytest.mark.parametrize("value", ["3", "0.30000000000000004", "2e36", "1e16", "1e-7", "123456789012345.6", "1e10"])
def test_numbers_have_the_digits_of_the_file(make: Callable[..., Path], tmp_path: Path, value: str) -> None:
    assert _texts(make(f"user,what\na,{value}\n", fields=_field(None))) == [_right(value, None)]
    assert _texts(_typed(tmp_path, pa.array([float(value)]), _field(None))) == [_right(value, None)]


def test_rounding_agrees_with_decimals_everywhere() -> None:
    random = np.random.default_rng(0)
    numbers = np.concatenate([random.integers(0, 10**k, 200) / 10.0**j for k in (3, 9, 15) for j in range(0, 10, 3)])
    numbers = np.concatenate([numbers, -numbers, 10 ** random.uniform(-12, 300, 200)])
    for decimals in (0, 2, 6, 7, 9):
        right = [_right(repr(number), decimals) for number in numbers.tolist()]
        right = [text.removeprefix("-") if not Decimal(text) else text for text in right]
        assert fixed_point(pa.array(numbers), decimals).to_pylist() == right
    assert plain_numbers(pa.array(numbers)).to_pylist() == [
        _right(repr(number).removesuffix(".0"), None) for number in numbers.tolist()
    ]


def test_single_precision_shows_its_own_digits(tmp_path: Path) -> None:
    column = pa.array([0.1, 9.99, 16777216.0], pa.float32())
    assert _texts(_typed(tmp_path, column, _field(None))) == ["0.1", "9.99", "16777216"]


LONG = ["12345678901234567890.12", "1234567890.1234567891", "9007199254740993.0000000000", "1.5000000000"]


@pytest.mark.parametrize(("at", "decimals"), [(0, 2), (0, None), (1, None), (1, 9), (2, None), (2, 0)])
def test_digits_that_no_float_holds_are_refused(tmp_path: Path, at: int, decimals: int | None) -> None:
    column = pa.array([Decimal("1.5"), Decimal(LONG[at])], pa.decimal128(38, 10))
    with pytest.raises(DataError, match=rf"fields.what: row 2 has '{LONG[at]}\d*', .* that a float holds \(type = "):
        _texts(_typed(tmp_path, column, _field(decimals)))
    assert Decimal(_texts(_typed(tmp_path, column, 'name = "what"'))[1]) == Decimal(LONG[at])


def test_long_numbers_that_a_float_holds_are_read(make: Callable[..., Path], tmp_path: Path) -> None:
    column = pa.array(list(map(Decimal, ["1.5", "1234567890.12", "12345678901234567000"])), pa.decimal128(38, 10))
    assert _texts(_typed(tmp_path, column, _field(None))) == ["1.5", "1234567890.12", "12345678901234567000"]
    assert _texts(_typed(tmp_path, column, _field(2))) == ["1.50", "1234567890.12", "12345678901234567000.00"]
    assert _texts(_typed(tmp_path, pa.array([2**53 - 1, 10**18]), _field(None))) == [str(2**53 - 1), str(10**18)]
    assert _texts(make(f"user,what\na,{10**30}\n", fields=_field(None))) == [str(10**30)]
    csv = f"user,what\na,{2**53 + 1}\n"
    with pytest.raises(DataError, match=f"row 1 has '{2**53 + 1}', which is not"):
        _texts(make(csv, fields=_field(None)))
    assert _texts(make(csv, fields=_field(None, "integer"))) == [str(2**53 + 1)]


def test_digits_of_texts_beyond_a_float_are_told(make: Callable[..., Path], caplog: pytest.LogCaptureFixture) -> None:
    recipe = make("user,what\na,0.1000000000000000055511151231\na,0.25\n", fields=_field(None))
    with caplog.at_level(logging.WARNING):
        assert _texts(recipe) == ["0.1", "0.25"]
    assert "1 of 2 values, such as '0.1000000000000000055511151231', have more digits" in caplog.text


@pytest.mark.parametrize("numbers", [[7, 2**63 + 5], [7, 2**60 + 1]])
def test_frames_keep_whole_numbers_of_64_bits(numbers: list[int]) -> None:
    events: dict[str, Any] = {"user": ["a", "a"], "what": pa.array(numbers, pa.uint64())}
    (field,) = recipe_from_frame("mine", pa.table(events), entity="user").fields
    assert field.type == ("text" if numbers[1] > 2**63 else "integer")


def test_codes_that_became_floats_stay_whole(tmp_path: Path) -> None:
    column = pa.array([5411.0, None, 0.5, float("nan"), 1e17])
    assert _texts(_typed(tmp_path, column, 'name = "what"')) == ["5411", "", "0.5", "", "100000000000000000"]
    names = 'name = "what"\nnames = { 5411 = "food" }'
    assert _texts(_typed(tmp_path, pa.array([5411.0, 7.0]), names)) == ["food", "7"]
