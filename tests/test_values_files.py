"""Where a file lies and what it is called changes nothing of what is read: each file once, its own columns."""

import csv
import logging
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from llm4es.recipes import load_recipe, locate
from llm4es.recipes.init import draft_recipe

from .raw import events

RECIPE = (
    'name = "mine"\n[tables.events]\npath = {path}\n[events]\nentity = "customer"\n'
    '[[fields]]\nname = "product"\n[[fields]]\nname = "amount"\ntype = "number"\n'
)


def _write(folder: Path, path: str, files: dict[str, list[tuple[str, str, str]]]) -> Path:
    """A recipe and its files, each CSV or Parquet by its name."""
    for name, rows in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.suffix == ".parquet":
            columns = [list(column) for column in zip(*rows, strict=True)]
            pq.write_table(pa.table(columns, names=["customer", "product", "amount"]), file)
        else:
            with file.open("w", newline="") as opened:
                csv.writer(opened).writerows([("customer", "product", "amount"), *rows])
    recipe = folder / "r.toml"
    recipe.write_text(RECIPE.format(path=path))
    return recipe


def _read(recipe: Path) -> list[tuple[str, str, str]]:
    rows = events(recipe).to_pylist()
    return sorted((row["entity_id"], row["product"], f"{row['amount']:g}") for row in rows)


ROWS = [("c1", "tea", "1"), ("c1", "milk", "2"), ("c2", "tea", "3")]
OTHERS = [("d1", "rice", "4"), ("d2", "tea", "5")]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_folders_like_partitions_replace_no_column(tmp_path: Path, ending: str) -> None:
    folder = tmp_path / "customer=all" / "amount=7"
    recipe = _write(folder, f'"product=none/events.{ending}"', {f"product=none/events.{ending}": ROWS})
    assert _read(recipe) == sorted(ROWS)
    drafted = draft_recipe(folder / "product=none" / f"events.{ending}", folder=folder).toml
    recipe.write_text(drafted)
    assert set(events(recipe)["entity_id"].to_pylist()) == {"c1", "c2"}


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize(
    ("folder", "odd", "plain"), [("in", "day [1]", "day 1"), ("[2026] data", "a*b?", "aXbY"), ("x [0-9]", "[ab]", "a")]
)
def test_names_like_patterns_are_read_once(tmp_path: Path, ending: str, folder: str, odd: str, plain: str) -> None:
    files = {f"{folder}/{odd}.{ending}": ROWS, f"{folder}/{plain}.{ending}": OTHERS}
    recipe = _write(tmp_path, f'"{folder}/*.{ending}"', files)
    assert _read(recipe) == sorted(ROWS + OTHERS)
    recipe.write_text(RECIPE.format(path=f'"{folder}/{odd}.{ending}"'))
    assert _read(recipe) == sorted(ROWS)
    drafted = draft_recipe(tmp_path / folder / f"{odd}.{ending}", folder=tmp_path).toml
    recipe.write_text(drafted)
    assert set(events(recipe)["entity_id"].to_pylist()) == {"c1", "c2"}


def test_a_folder_like_a_pattern_is_searched(tmp_path: Path) -> None:
    folder = tmp_path / "[2026] data"
    recipe = load_recipe(str(_write(folder, '"*.csv"', {"a.csv": ROWS, "b.csv": OTHERS})))
    assert [path.name for path in locate(recipe).files["events"]] == ["a.csv", "b.csv"]
    (tmp_path / "2").mkdir()
    (tmp_path / "2" / "z.csv").write_text("customer,product,amount\nz,z,1\n")
    assert [path.name for path in locate(recipe, folder).files["events"]] == ["a.csv", "b.csv"]


def test_headers_that_differ_in_case_are_one_column(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    recipe = _write(tmp_path, '"*.csv"', {"a.csv": ROWS})
    (tmp_path / "b.csv").write_text("CUSTOMER,Product,aMount\nd1,rice,4\nd2,tea,5\n")
    with caplog.at_level(logging.WARNING):
        assert _read(recipe) == sorted(ROWS + OTHERS)
    assert "missing" not in caplog.text
    (tmp_path / "c.csv").write_text("customer,Amount\ne1,6\n")
    with caplog.at_level(logging.WARNING):
        events(recipe)
    assert caplog.messages == ["mine: c.csv has no column 'product', which is missing there"]
