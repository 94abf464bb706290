"""Frames of every kind to the same Arrow table, odd columns and odd indices included, and back to their own kind."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from llm4es.core.errors import DataError
from llm4es.core.frames import like, to_arrow

ROWS = [{"user": "a", "n": 1, "x": 1.5}, {"user": "b", "n": 2, "x": None}, {"user": "a", "n": 3, "x": -2.0}]
SCHEMA = pa.schema([("user", pa.string()), ("n", pa.int64()), ("x", pa.float64())])
ONE = UUID(int=1)
TABLE = pa.Table.from_pylist(ROWS, SCHEMA)


class Capsule:
    """Something that only speaks the PyCapsule interface."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)


class Interchange:
    """Something that only speaks the older dataframe protocol."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __dataframe__(self, nan_as_null: bool = False, allow_copy: bool = True) -> Any:
        return self.table.__dataframe__(nan_as_null, allow_copy)


KINDS: dict[str, Callable[[], Any]] = {
    "pandas": lambda: pd.DataFrame(ROWS),
    "polars": lambda: pl.DataFrame(ROWS),
    "lazy polars": lambda: pl.DataFrame(ROWS).lazy(),
    "table": lambda: TABLE,
    "batch": lambda: TABLE.to_batches()[0],
    "reader": lambda: TABLE.to_reader(),
    "duckdb": lambda: duckdb.from_arrow(TABLE),
    "capsule": lambda: Capsule(TABLE),
    "interchange": lambda: Interchange(TABLE),
    "list": lambda: ROWS,
    "columns": lambda: {"user": ["a", "b", "a"], "n": np.array([1, 2, 3]), "x": pa.array([1.5, None, -2.0])},
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_gives_the_same_table(kind: str) -> None:
    table = to_arrow(KINDS[kind]())
    assert table.schema == SCHEMA
    assert table.to_pylist() == ROWS
    assert table.schema.metadata is None


@pytest.mark.parametrize(
    ("kind", "back"),
    [("pandas", pd.DataFrame), ("polars", pl.DataFrame), ("lazy polars", pl.LazyFrame), ("duckdb", pa.Table)],
)
def test_a_table_goes_back_as_what_came_in(kind: str, back: type) -> None:
    frame = like(KINDS[kind](), TABLE)
    assert type(frame) is back
    assert to_arrow(frame).to_pylist() == ROWS


@pytest.mark.parametrize(
    ("index", "names"),
    [
        (None, ["user", "n", "x"]),
        ([7, 3, 7], ["user", "n", "x"]),  # an index without a name is only the order
        (pd.Index([9, 8, 7], name="id"), ["id", "user", "n", "x"]),
        (pd.MultiIndex.from_tuples([(1, "p"), (2, "q"), (3, "r")], names=["id", None]), ["id", "user", "n", "x"]),
        (pd.Index(["p", "q", "r"], name="user"), ["user", "n", "x"]),  # set_index(drop=False): the column is there
        (pd.MultiIndex.from_tuples([(1, "p"), (2, "q"), (3, "r")], names=["n", "id"]), ["id", "user", "n", "x"]),
        (pd.Index(["p", "q", "r"], name=""), ["user", "n", "x"]),
        (pd.PeriodIndex(["2024-01"] * 3, freq="M", name="month"), ["month", "user", "n", "x"]),
    ],
)
def test_any_index_of_pandas(index: Any, names: list[str]) -> None:
    table = to_arrow(pd.DataFrame(ROWS, index=index))
    assert table.column_names == names
    assert table["user"].to_pylist() == ["a", "b", "a"]


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.DataFrame, pa.table, dict])
def test_a_column_without_a_name_is_left_out(kind: Callable[[Any], Any]) -> None:
    assert to_arrow(kind({"": [0, 1], "n": [1, 2]})).to_pydict() == {"n": [1, 2]}


def test_two_levels_of_one_name_are_two_columns() -> None:
    index = pd.MultiIndex.from_tuples([(1, "p"), (2, "q"), (3, "r")], names=["id", "id"])
    with pytest.raises(DataError, match=r"^events have two columns called 'id': rename one of them$"):
        to_arrow(pd.DataFrame(ROWS, index=index))


def test_periods_that_are_missing_are_no_text() -> None:
    periods = pd.PeriodIndex(["2024-01", None], freq="M")
    for frame in (pd.DataFrame({"p": periods}), pa.table({"p": pa.array(periods)})):
        assert to_arrow(frame)["p"].to_pylist() == ["2024-01", None]


def test_columns_of_mixed_types_are_text() -> None:
    mixed = [1, "x", None, 2.5]
    assert to_arrow(pd.DataFrame({"m": mixed}, dtype=object))["m"].to_pylist() == ["1", "x", None, "2.5"]
    assert to_arrow(pd.DataFrame({"m": [pd.NaT, "q", pd.NA]}))["m"].to_pylist() == [None, "q", None]
    polars = pl.DataFrame({"m": pl.Series(mixed, dtype=pl.Object), "n": [1, 2, 3, 4]})
    assert to_arrow(polars).to_pydict() == {"m": ["1", "x", None, "2.5"], "n": [1, 2, 3, 4]}
    assert to_arrow([{"m": 1}, {"k": 1, "m": "x"}]).to_pydict() == {"m": ["1", "x"], "k": [None, 1]}


@pytest.mark.parametrize(
    ("column", "type", "values"),
    [
        (pa.array(["x"], pa.large_string()), pa.string(), ["x"]),
        (pa.array(["x"], pa.string_view()), pa.string(), ["x"]),
        (pa.array(["x", None]).dictionary_encode(), pa.string(), ["x", None]),
        (pl.Series(["x", None], dtype=pl.Categorical), pa.string(), ["x", None]),
        (pd.Series([1, "x"], dtype="category"), pa.string(), ["1", "x"]),
        (pd.period_range("2024-01", periods=1, freq="M").to_series(), pa.string(), ["2024-01"]),
        (pd.Series(pd.to_timedelta([90, None], unit="s")), pa.float64(), [90.0, None]),
        (pd.Series([None, None]), pa.string(), [None, None]),
        (pa.array([["x"]], pa.large_list(pa.string_view())), pa.list_(pa.string()), [["x"]]),
        (pl.Series([1.5, float("nan"), None]), pa.float64(), [1.5, None, None]),
        (pl.Series([{"s": "x"}]), pa.struct([("s", pa.string())]), [{"s": "x"}]),
        (pa.RunEndEncodedArray.from_arrays([2], ["x"]), pa.string(), ["x", "x"]),
        (pd.Series([ONE, None]), pa.string(), [str(ONE), None]),
        (pa.array([ONE, None, ONE]), pa.string(), [str(ONE), None, str(ONE)]),
        (pl.Series([ONE, None], dtype=pl.Object), pa.string(), [str(ONE), None]),
        (pa.array(pd.period_range("2024-01", periods=1, freq="M")), pa.string(), ["2024-01"]),
        (pa.ExtensionArray.from_storage(pa.bool8(), pa.array([1, 0], pa.int8())), pa.bool_(), [True, False]),
        (pa.array(["é".encode(), None]), pa.string(), ["é", None]),
        (pa.array([b"ab"], pa.binary(2)).dictionary_encode(), pa.string(), ["ab"]),
        (pa.array([b"ab", b"\xff"], pa.binary_view()), pa.binary(), [b"ab", b"\xff"]),
        (pa.array([ONE.bytes], pa.binary(16)), pa.binary(), [ONE.bytes]),  # UTF-8, and no text
    ],
)
def test_types_become_plain(column: Any, type: pa.DataType, values: list[Any]) -> None:
    owner = pl if isinstance(column, pl.Series) else pd if isinstance(column, pd.Series) else pa
    frame = pa.table({"c": column}) if owner is pa else owner.DataFrame({"c": column})
    table = to_arrow(frame)
    assert table.schema.field("c").type == type
    assert table["c"].to_pylist() == values


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (
            "events.csv",
            r"^labels are a str: give a pandas or Polars frame, an Arrow table, a DuckDB relation, a list of",
        ),
        ([1, 2], r"labels are a list: give"),
        (np.zeros((2, 2)), r"labels are a ndarray: give"),
        (pd.Series([1]), r"labels are one column: give"),
        (pl.Series([1]), r"labels are one column: give"),
        ({"a": [1], "b": [1, 2]}, r"cannot read the labels: .*expected length 1 but got length 2"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), r"labels have two columns called 'a': rename one of them"),
    ],
)
def test_what_is_no_frame(frame: Any, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        to_arrow(frame, "labels")
    assert "\n" not in str(caught.value)
