"""Labels and splits of raw files: classes by expression, bad lines, the shares of entities."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from llm4es.core.errors import DataError, RecipeError
from llm4es.recipes import load_recipe, locate, read_labels, read_splits

from .raw import RECBOLE, maker, write


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Path]:
    return maker(tmp_path)


def test_labels(tmp_path: Path) -> None:
    recipe = load_recipe("movielens-100k")
    source = locate(recipe, write(tmp_path / "raw", RECBOLE))
    rows = read_labels(recipe, source).to_pylist()
    assert [(r["entity_id"], r["label"]) for r in rows if r["task"] == "gender"] == [("1", "M"), ("2", "F"), ("3", "M")]
    assert [r["label"] for r in rows if r["task"] == "age_bucket"] == ["young", "adult", "young"]


def test_hash_split_is_the_md5_of_the_id() -> None:
    # the first eight digits as a share of 16**8: c4ca4238 = 0.769, 013d4071 = 0.005, 1679091c = 0.088; test < 0.2
    splits = read_splits(load_recipe("movielens-100k"), pa.array(["6", "1", "138"]), name="hash").to_pylist()
    assert [(row["entity_id"], row["split"]) for row in splits] == [("1", "train"), ("138", "test"), ("6", "test")]


PTLS_TEST = ["1", "12"]


def test_ptls_split(tmp_path: Path) -> None:
    users = [str(number) for number in range(1, 21)]
    files = RECBOLE | {
        "ml-100k.inter": "user_id:t\titem_id:t\trating:f\ttimestamp:f\n" + "".join(f"{u}\t1\t3\t0\n" for u in users),
        "ml-100k.user": "user_id:t\tage:t\tgender:t\toccupation:t\tzip_code:t\n"
        + "".join(f"{u}\t20\tM\tx\t1\n" for u in users),
    }
    recipe = load_recipe("movielens-100k")
    source = locate(recipe, write(tmp_path / "raw", files))
    rows = read_splits(recipe, pa.array(users), source, "ptls").to_pylist()
    # "1", "10", "11", ..., "19", "2", "20", "3", ... shuffled by random.Random(42), worked out apart: the last 2 of 20
    assert [row["entity_id"] for row in rows if row["split"] == "test"] == PTLS_TEST


@pytest.mark.parametrize(
    ("splits", "name", "message"),
    [
        ("", "ptls", r"recipe 'mine' has no split 'ptls': there are hash"),
        (
            '[splits.columns.own]\ntable = "events"\nentity = "user"\nsplit = "what"',
            "own",
            r"entity 'a' is in '1', which is",
        ),
    ],
)
def test_splits_that_are_not_there(make: Callable[..., Path], splits: str, name: str, message: str) -> None:
    recipe = load_recipe(str(make("user,what\na,1\n", more=splits)))
    with pytest.raises((RecipeError, DataError), match=message):
        read_splits(recipe, pa.array(["a"]), locate(recipe), name)


def test_a_split_of_the_data(make: Callable[..., Path]) -> None:
    more = '[splits]\ndefault = "own"\n[splits.columns.own]\ntable = "events"\nentity = "user"\nsplit = "what"'
    recipe = load_recipe(str(make("user,what\na,test\nb,train\n", more=more)))
    rows = read_splits(recipe, pa.array(["a", "b"]), locate(recipe)).to_pylist()
    assert [(row["name"], row["entity_id"], row["split"]) for row in rows][:2] == [
        ("own", "a", "test"),
        ("own", "b", "train"),
    ]
    with pytest.raises(RecipeError, match=r"split 'own' of recipe 'mine' needs the raw data"):
        read_splits(recipe, pa.array(["a"]))


@pytest.mark.parametrize(
    ("labels", "kind", "message"),
    [
        ("user,y\na,1\na,2\n", "binary", r"tasks.t: entity 'a' has several different labels"),
        ("user,y\na,1\nb,2\nc,3\n", "binary", r"tasks.t is binary and has 3 classes \(1, 2, 3, ...\)"),
        ("user,y\n,1\n", "binary", r"tasks.t: a label has no entity id"),
        ("user,y\na,x\n", "regression", r"tasks.t is a regression and 'x' is no number"),
        ("user,yy\na,x\n", "binary", r"tasks.t: there is no column 'y'; did you mean yy\?"),
    ],
)
def test_bad_labels(make: Callable[..., Path], tmp_path: Path, labels: str, kind: str, message: str) -> None:
    (tmp_path / "labels.csv").write_text(labels, encoding="utf-8")
    more = (
        '[tables.labels]\npath = "labels.csv"\n'
        f'[tasks.t]\nkind = "{kind}"\ntable = "labels"\nentity = "user"\nlabel = "y"'
    )
    recipe = load_recipe(str(make("user,what\na,x\n", more=more)))
    with pytest.raises((DataError, RecipeError), match=message):
        read_labels(recipe, locate(recipe))


LABELLED = """[tables.labels]
path = "labels.csv"
[tasks.t]
kind = "binary"
table = "labels"
entity = "user"
label = "LABEL"
"""


@pytest.mark.parametrize(
    ("csv", "label", "read"),
    [
        ("user,age\n007,9\nb,40\nc,\n", "age < 30", [("007", "true"), ("b", "false")]),
        ("user,age\n7,9\n8,40\n", "CASE WHEN age < 30 THEN 'young' ELSE 'old' END", [("7", "young"), ("8", "old")]),
        ("user,age\n7,9\n8,40\n", "age::INTEGER < 30", [("7", "true"), ("8", "false")]),
        ("user,age\n7,009\n8,40\n", "age", [("7", "009"), ("8", "40")]),
        ("user,zip\n7,12345\n8,40\n", "zip[1]", [("7", "1"), ("8", "4")]),
    ],
)
def test_labels_by_expression(
    make: Callable[..., Path], tmp_path: Path, csv: str, label: str, read: list[tuple[str, str]]
) -> None:
    (tmp_path / "labels.csv").write_text(csv, encoding="utf-8")
    recipe = load_recipe(str(make("user,what\na,x\n", more=LABELLED.replace("LABEL", label))))
    rows = read_labels(recipe, locate(recipe)).to_pylist()
    assert [(row["entity_id"], row["label"]) for row in rows] == read


def test_an_expression_over_texts_says_what_to_write(make: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("user,age\na,9\nb,x\n", encoding="utf-8")
    recipe = load_recipe(str(make("user,what\na,x\n", more=LABELLED.replace("LABEL", "age < 30"))))
    with pytest.raises(RecipeError, match=r"tasks.t: .*explicit cast is required; .*write age::DOUBLE"):
        read_labels(recipe, locate(recipe))


def test_lines_of_labels_that_are_no_rows_can_be_left_out(make: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("user,y\na,1\nb,0,9\n", encoding="utf-8")
    recipe = load_recipe(str(make("user,what\na,x\n", more=LABELLED.replace("LABEL", "y"))))
    with pytest.raises(DataError, match=r"cannot read labels.csv: .*Line: 3"):
        read_labels(recipe, locate(recipe))
    assert read_labels(recipe, locate(recipe), skip=True)["label"].to_pylist() == ["1"]
