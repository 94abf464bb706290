"""Nothing is lost, made up or chosen in silence: skipped lines, keys that are nothing, entities in two parts."""

import logging
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from llm4es.core.errors import DataError
from llm4es.core.ids import id_texts
from llm4es.recipes import load_recipe, locate, read_labels, read_splits
from llm4es.recipes.init import draft_recipe

from .raw import events

HEAD = (
    'name = "mine"\n[tables.events]\npath = "e*.csv"\n[tables.more]\npath = "more.*"\noptional = ["more.*"]\n'
    '{derive}\n[events]\nentity = "user"\n'
)
FIELD = '[[fields]]\nname = "{field}"\n'
JOIN = 'joins = [{ table = "more", on = "shop" }]\n'
TASK = '[tasks.y]\nkind = "binary"\ntable = "more"\nentity = "user"\nlabel = "y"\n'
SPLIT = '[splits.columns.given]\ntable = "more"\nentity = "user"\nsplit = """{split}"""\n'


def _recipe(folder: Path, *parts: str, derive: str = "", field: str = "what") -> Path:
    (folder / "r.toml").write_text(
        HEAD.format(derive=derive) + parts[0] + FIELD.format(field=field) + "".join(parts[1:])
    )
    return folder / "r.toml"


@pytest.mark.parametrize("before", ["sep=,", "", ",,", " , ", "sep=,{end}", "{other}"])
@pytest.mark.parametrize(("end", "other"), [("\n", "\r\n"), ("\r\n", "\n"), ("\r", "\n"), ("\n", "\n")])
def test_lines_before_the_header_end_as_they_like(tmp_path: Path, before: str, end: str, other: str) -> None:
    before = before.format(end=end, other=other)
    (tmp_path / "e1.csv").write_text(f"{before}{end}user,what{other}a,tea{other}b,milk{other}", newline="")
    (tmp_path / "e2.csv").write_text("user,what\nc,rice\n")
    assert events(_recipe(tmp_path, ""))["entity_id"].to_pylist() == ["a", "b", "c"]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_rows_without_a_key_match_nothing_and_may_repeat(tmp_path: Path, ending: str) -> None:
    (tmp_path / "e.csv").write_text("user,shop\na,x\na,\nb,y\n")
    shops = pa.table({"shop": ["x", None, None, "y"], "town": ["Ulm", "Rom", "Oslo", "Bonn"]})
    if ending == "parquet":
        pq.write_table(shops, tmp_path / "more.parquet")
    else:
        (tmp_path / "more.csv").write_text("shop,town\nx,Ulm\n,Rom\n,Oslo\ny,Bonn\n")
    assert events(_recipe(tmp_path, JOIN, field="town"))["town"].to_pylist() == ["Ulm", None, "Bonn"]
    (tmp_path / f"more.{ending}").unlink()
    (tmp_path / "more.csv").write_text("shop,town\nx,Ulm\nx,Rom\n")
    with pytest.raises(DataError, match="has \"shop\" 'x' more than once"):
        events(_recipe(tmp_path, JOIN, field="town"))


def _splits(folder: Path, split: str, rows: str) -> list[str]:
    (folder / "e.csv").write_text("user,what\na,tea\nb,milk\n")
    (folder / "more.csv").write_text(f"user,part,age\n{rows}")
    recipe = load_recipe(str(_recipe(folder, "", SPLIT.format(split=split))))
    parts = read_splits(recipe, pa.array(["a", "b"]), locate(recipe), "given")["split"]
    return [str(part) for part in parts.to_pylist()]


def test_an_entity_is_in_one_part(tmp_path: Path) -> None:
    assert _splits(tmp_path, "part", "a,train,1\na,train,1\nb,test,1\nz,test,1\nz,train,1\n") == ["train", "test"]
    with pytest.raises(DataError, match="split 'given': entity 'a' is in 'test' and in 'train': keep one of them"):
        _splits(tmp_path, "part", "a,train,1\na,test,1\nb,test,1\n")


def test_splits_compare_numbers_as_numbers(tmp_path: Path) -> None:
    sql = "CASE WHEN age > 9 THEN 'test' ELSE 'train' END"
    assert _splits(tmp_path, sql, "a,,10\nb,,9\n") == ["test", "train"]


def test_derived_columns_of_tables_compare_numbers_as_numbers(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text("user,shop\na,x\nb,y\n")
    (tmp_path / "more.csv").write_text("shop,size,code\nx,9,007\ny,10,7\n")
    derive = 'derive = { big = "size > 9", next = "size + 1", same = "code = \'7\'" }'
    for field, right in {"big": ["false", "true"], "next": ["10", "11"], "same": ["false", "true"]}.items():
        assert events(_recipe(tmp_path, JOIN, derive=derive, field=field))[field].to_pylist() == right


def test_a_label_that_is_no_number_is_none(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text("user,what\n1,tea\n2,milk\n3,milk\n")
    labels = pa.table({"user": [1, 2, 3], "y": [1.0, float("nan"), 0.0]})
    pq.write_table(labels, tmp_path / "more.parquet")
    recipe = load_recipe(str(_recipe(tmp_path, "", TASK)))
    assert read_labels(recipe, locate(recipe)).select(["entity_id", "label"]).to_pylist() == [
        {"entity_id": "1", "label": "1.0"}, {"entity_id": "3", "label": "0.0"}
    ]  # fmt: skip


def test_labels_of_nobody_are_left_out_where_it_is_said_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "e.csv").write_text("user,what\na,tea\nb,milk\n")
    (tmp_path / "more.csv").write_text("user,y\na,1\n,0\nb,0\n")
    recipe = load_recipe(str(_recipe(tmp_path, "", TASK)))
    with pytest.raises(DataError, match="a label has no entity id: mend the file, or leave such labels out"):
        read_labels(recipe, locate(recipe))
    with caplog.at_level(logging.WARNING):
        assert read_labels(recipe, locate(recipe), skip=True)["entity_id"].to_pylist() == ["a", "b"]
    assert caplog.messages == ["mine, tasks.y: labels without an entity id are left out"]


def test_missing_values_make_no_float_of_an_id(tmp_path: Path) -> None:
    assert id_texts(pa.array(["7.0", "NA", "8", None])).to_pylist() == ["7", "NA", "8", None]
    (tmp_path / "e.csv").write_text("user,shop\na,7.0\nb,NA\nc,8\n")
    (tmp_path / "more.csv").write_text("shop,town\n7,Ulm\n8,Bonn\n")
    assert events(_recipe(tmp_path, JOIN, field="town"))["town"].to_pylist() == ["Ulm", None, "Bonn"]


def test_a_file_of_one_column_is_drafted(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text("user\na\nb\na\nb\n")
    draft = draft_recipe(tmp_path / "e.csv", folder=tmp_path)
    (tmp_path / "r.toml").write_text(draft.toml)
    assert events(tmp_path / "r.toml")["user"].to_pylist() == ["a", "a", "b", "b"]
    assert "fields: there is no column beside 'user', so it is what the texts show" in draft.unsure
