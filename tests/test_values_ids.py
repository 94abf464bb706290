"""One id is one text whatever the types of the files, and joins by such ids say how much they match."""

import logging
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from llm4es.core.errors import DataError
from llm4es.recipes import load_recipe, locate, read_labels, read_splits

from .raw import events

HEAD = 'name = "mine"\n[tables.events]\npath = "e*"\n[events]\nentity = "user"\n'
FIELD = '[[fields]]\nname = "what"\n'
LABELS = (
    '[tables.labels]\npath = "labels.*"\n[tasks.y]\nkind = "binary"\ntable = "labels"\nentity = "user"\nlabel = "y"\n'
)
SPLITS = '[splits.columns.given]\ntable = "labels"\nentity = "user"\nsplit = "part"\n'


def _write(folder: Path, file: str, **columns: Any) -> None:
    """A table as Parquet, or as CSV where all of its columns are texts."""
    table = pa.table(columns)
    if file.endswith(".parquet"):
        pq.write_table(table, folder / file)
    else:
        rows = [",".join(row) for row in zip(*table.to_pydict().values(), strict=True)]
        (folder / file).write_text("\n".join([",".join(table.column_names), *rows]) + "\n")


def _recipe(folder: Path, *parts: str) -> Path:
    (folder / "r.toml").write_text("".join([HEAD, *parts]))
    return folder / "r.toml"


def _ids(recipe: Path) -> list[str]:
    return sorted(events(recipe)["entity_id"].to_pylist())


TYPES = [
    (pa.array([123.0, 4.0]), ["123", "4"]),
    (pa.array([123, 4], pa.uint8()), ["123", "4"]),
    (pa.array([Decimal("123.00"), Decimal("4.00")]), ["123", "4"]),
    (pa.array(["123", "004"]), ["004", "123"]),
    (pa.array(["123.0", "4.0"]), ["123", "4"]),
    (pa.array(["123", "4.0"]), ["123", "4"]),
    (pa.array(["123.0", "x"]), ["123.0", "x"]),
    (pa.array([0.5, 100.0]), ["0.5", "100"]),
    (pa.array([b"caf\xc3\xa9", b"b"]), ["b", "café"]),
    (pa.array([2**53 + 1, 2**53]), [str(2**53), str(2**53 + 1)]),
    (pa.array([2**64 - 1, 7], pa.uint64()), [str(2**64 - 1), "7"]),
]


@pytest.mark.parametrize(("ids", "right"), TYPES)
def test_ids_of_every_type(tmp_path: Path, ids: pa.Array, right: list[str]) -> None:
    _write(tmp_path, "e.parquet", user=ids, what=["tea", "milk"])
    assert _ids(_recipe(tmp_path, FIELD)) == sorted(right)


@pytest.mark.parametrize(("mine", "_"), TYPES[:3])
@pytest.mark.parametrize(("theirs", "__"), [*TYPES[:3], TYPES[4], TYPES[5]])
def test_labels_and_splits_are_of_the_same_ids(
    tmp_path: Path, mine: pa.Array, theirs: pa.Array, _: Any, __: Any
) -> None:
    _write(tmp_path, "e.parquet", user=mine, what=["tea", "milk"])
    _write(tmp_path, "labels.parquet", user=theirs, y=["a", "b"], part=["train", "test"])
    recipe = load_recipe(str(_recipe(tmp_path, FIELD, LABELS, SPLITS)))
    source = locate(recipe)
    assert read_labels(recipe, source)["entity_id"].to_pylist() == ["123", "4"]
    splits = read_splits(recipe, pa.array(_ids(tmp_path / "r.toml")), source, "given")
    assert splits["split"].to_pylist() == ["train", "test"]


@pytest.mark.parametrize(
    ("first", "second", "right"),
    [
        (pa.array([2**53 + 1, 2**53, 7]), pa.array([7.0, 8.0, None]), ["7", "7", "8", str(2**53), str(2**53 + 1)]),
        (pa.array([7, 8], pa.int32()), pa.array([7.0, 0.5], pa.float32()), ["0.5", "7", "7", "8"]),
        (pa.array([7, 8]), pa.array(["7", "007"]), ["007", "7", "7", "8"]),
        (pa.array([7.0, 8.0]), pa.array(["7", "x"]), ["7", "7", "8", "x"]),
        (pa.array([7, 8], pa.int64()), pa.array([2**64 - 1, 8], pa.uint64()), ["7", "8", "8", str(2**64 - 1)]),
        (pa.array([Decimal("7.00")]), pa.array([7, 9]), ["7", "7", "9"]),
        (pa.array([b"7"]), pa.array(["7", "9"]), ["7", "7", "9"]),
    ],
)
def test_files_of_several_types(tmp_path: Path, first: pa.Array, second: pa.Array, right: list[str]) -> None:
    second = second.drop_null()
    _write(tmp_path, "e1.parquet", user=first, what=["tea"] * len(first))
    _write(tmp_path, "e2.parquet", user=second, what=["milk"] * len(second))
    assert _ids(_recipe(tmp_path, FIELD)) == sorted(right)


def test_numbers_of_files_of_several_types_lose_nothing(tmp_path: Path) -> None:
    _write(tmp_path, "e1.parquet", user=["a"] * 2, what=pa.array([2**53 + 1, 3]))
    _write(tmp_path, "e2.parquet", user=["a"] * 2, what=pa.array([0.25, 2.0**60]))
    _write(tmp_path, "e3.parquet", user=["a"], what=pa.array([Decimal("1.50")]))
    _write(tmp_path, "e4.csv", user=["a"], what=["0.1"])
    right = [str(2**53 + 1), "3", "0.25", 2.0**60, "1.5", "0.1"]
    read = events(_recipe(tmp_path, FIELD))["what"].to_pylist()
    assert [Decimal(value) for value in read] == [Decimal(str(value)) for value in right]


@pytest.mark.parametrize(
    "ids", [pa.array([1.0, 2.0**53]), pa.array([1.0, float("nan")]), pa.array(["1", f"{2**53}.0"])]
)
def test_ids_that_floats_do_not_tell_apart_are_refused(tmp_path: Path, ids: pa.Array) -> None:
    _write(tmp_path, "e.parquet", user=ids, what=["tea", "milk"])
    with pytest.raises(DataError, match=r"events.entity: row 2 has .*, which is not an id \(floats tell none apart"):
        _ids(_recipe(tmp_path, FIELD))


JOIN = '[tables.shops]\npath = "shops.parquet"\n[tables.towns]\npath = "towns.*"\n'
TWO = 'joins = [{ table = "towns", on = "town" }, { table = "shops", on = { shop = "id" } }]\n'
CITY = '[[fields]]\nname = "city"\n'


def _joined(folder: Path, towns: pa.Array) -> Path:
    _write(folder, "e.parquet", user=["a", "a", "b"], shop=[1.0, 2.0, 9.0])
    _write(folder, "shops.parquet", id=[1, 2, 3], town=["10", "20", "30"])
    _write(folder, "towns.parquet", town=towns, city=["Ulm", "Bonn"])
    recipe = _recipe(folder, CITY, JOIN)
    recipe.write_text(recipe.read_text().replace("[[fields]]", TWO + "[[fields]]", 1))
    return recipe


@pytest.mark.parametrize("towns", [pa.array([10, 20]), pa.array(["10", "20"]), pa.array([10.0, 20.0])])
def test_a_join_over_another_join(tmp_path: Path, towns: pa.Array, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert events(_joined(tmp_path, towns))["city"].to_pylist() == ["Ulm", "Bonn", None]
    assert not caplog.messages  # two of three


def test_a_join_that_matches_few_rows_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        events(_joined(tmp_path, pa.array(["T10", "20"])))
    said = (
        "mine: the join to table 'towns' matches 1 of 3 events (33.3 %): the events have keys such as '10', the table "
    )
    assert caplog.messages == [f"{said}has '20'"]


@pytest.mark.parametrize("codes", [["1.0", "2.0"], ["1", "2.0"], [1, 2], [1.0, 2.0]])
def test_codes_and_their_names_match_whatever_their_types(tmp_path: Path, codes: list[Any]) -> None:
    _write(tmp_path, "e.parquet", user=["a", "a"], what=[1.0, 2.0])
    _write(tmp_path, "names.parquet", code=codes, name=["tea", "milk"])
    names = '[tables.names]\npath = "names.parquet"\n'
    field = FIELD + 'names = { table = "names", code = "code", name = "name" }\n'
    assert events(_recipe(tmp_path, field, names))["what"].to_pylist() == ["tea", "milk"]
    _write(tmp_path, "e.csv", user=["a", "a"], what=["1.0", "2.0"])
    (tmp_path / "e.parquet").unlink()
    assert events(tmp_path / "r.toml")["what"].to_pylist() == ["tea", "milk"]


def test_a_dictionary_of_other_codes_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    _write(tmp_path, "e.csv", user=["a", "a", "a"], what=["x1", "x2", "1"])
    with caplog.at_level(logging.WARNING):
        events(_recipe(tmp_path, FIELD, 'names = { 1 = "tea", 2 = "milk" }\n'))
    said = "mine: 2 values of 'what' have no name in its dictionary and stay codes: 66.7 % of all, such as 'x1', where "
    assert caplog.messages == [f"{said}the dictionary has '1'"]


@pytest.mark.parametrize("name", ["rowid", "number", "_id", "order", "entity", "file_id", "select"])
def test_any_column_name_is_a_field(tmp_path: Path, name: str) -> None:
    (tmp_path / "e.csv").write_text(f"user,{name}\na,9\na,3\nb,7\n")
    recipe = _recipe(tmp_path, f'[[fields]]\nname = "{name}"\n')
    assert events(recipe).select(["entity_id", name]).to_pylist() == [
        {"entity_id": "a", name: "9"}, {"entity_id": "a", name: "3"}, {"entity_id": "b", name: "7"}
    ]  # fmt: skip
