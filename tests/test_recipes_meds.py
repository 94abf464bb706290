"""Health records in the MEDS schema: what the recipe reads of a folder with every liberty that the standard leaves."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from examples.meds import make
from llm4es import Project
from llm4es.core.errors import DataError

ASKED = datetime(2022, 5, 1, 12)
TICK = timedelta(microseconds=1)


def table(path: Path, rows: list[dict[str, Any]], schema: pa.Schema) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)


def labels(*rows: tuple[int, datetime, bool]) -> list[dict[str, Any]]:
    return [dict(zip(make.LABELS.names, row, strict=True)) for row in rows]


@pytest.fixture
def records(place: Path) -> Path:
    """Two subjects in a file without texts, one in another, deeper one, with further columns."""
    folder = place / "records"
    born = {"code": "MEDS_BIRTH", "time": datetime(1980, 3, 1)}
    first: list[dict[str, Any]] = [
        {"subject_id": 1, **born},
        {"subject_id": 1, "code": "LAB", "time": ASKED, "numeric_value": 7.1},
        {"subject_id": 1, "code": "LAB", "time": ASKED + TICK, "numeric_value": 9.9},
        {"subject_id": 1, "code": "GENDER//F"},  # static, and last: as pandas sorts
        {"subject_id": 2, "code": "X//1", "time": ASKED - TICK},
    ]
    table(folder / "data" / "0.parquet", first, pa.schema(list(make.DATA)[:4]))
    more = [{"subject_id": 3, "code": "LAB", "time": ASKED, "text_value": "trace | none", "unit": "mg"}]
    table(folder / "data" / "tuning" / "0.parquet", more, make.DATA.append(pa.field("unit", pa.string())))
    codes = [
        {"code": "LAB", "description": "glucose"},
        {"code": "GENDER//F", "description": "female"},
        {"code": "X//1"},
    ]
    table(folder / "metadata" / "codes.parquet", codes, make.CODES)
    parts = [{"subject_id": n, "split": name} for n, name in enumerate(("train", "held_out", "tuning"), 1)]
    table(folder / "metadata" / "subject_splits.parquet", parts, make.SPLITS)
    rows = labels((1, ASKED, True), (1, ASKED - timedelta(days=9), False), (2, ASKED, False), (3, ASKED, True))
    table(folder / "labels" / "a.parquet", rows, make.LABELS)
    return folder


def meds(records: Path) -> Project:
    return Project("meds", records.parent / "store", data=records, observer="silent")


def test_static_rows_come_first_and_the_prediction_time_is_the_last_moment(records: Path) -> None:
    project = meds(records)
    assert project.serialize().computed == 3
    rows = project.sql("SELECT entity_id, text FROM texts").to_arrow().to_pylist()
    assert {row["entity_id"]: row["text"].splitlines()[1:] for row in rows} == {
        "1": [" | female |  | ", "1980-03-01 | MEDS_BIRTH |  | ", "2022-05-01 | glucose | 7.1 | "],
        "2": ["2022-05-01 | X//1 |  | "],
        "3": [r"2022-05-01 | glucose |  | trace \| none"],
    }
    ages = (
        project.sql("SELECT code, age FROM events_meds WHERE entity_id = '1' ORDER BY position").to_arrow().to_pylist()
    )
    assert [(row["code"], row["age"]) for row in ages][:3] == [("GENDER//F", None), ("MEDS_BIRTH", 0), ("LAB", 42)]
    found = project.sql("SELECT entity_id, label FROM labels").to_arrow().to_pylist()
    assert {row["entity_id"]: row["label"] for row in found} == {"1": "true", "2": "false", "3": "true"}
    parts = project.sql("SELECT entity_id, split FROM splits WHERE name = 'subjects'").to_arrow().to_pylist()
    assert {row["entity_id"]: row["split"] for row in parts} == {"1": "train", "2": "test", "3": "validation"}
    assert project.serialize().computed == 0


def test_what_the_standard_lets_out_may_be_out_everywhere(records: Path) -> None:
    (records / "data" / "tuning" / "0.parquet").unlink()
    bare = pq.read_table(records / "data" / "0.parquet").drop_columns(["numeric_value"])
    pq.write_table(bare, records / "data" / "0.parquet")
    codes = pq.read_table(records / "metadata" / "codes.parquet").select(["code"])
    pq.write_table(codes, records / "metadata" / "codes.parquet")
    project = meds(records)
    project.serialize()
    rows = project.sql("SELECT text FROM texts WHERE entity_id = '1'").to_arrow().to_pylist()
    assert rows[0]["text"].splitlines()[-1] == "2022-05-01 | LAB |  | "


def test_labels_that_contradict_each_other_and_none_at_all_are_refused(records: Path) -> None:
    table(records / "labels" / "b.parquet", labels((2, ASKED, True)), make.LABELS)
    with pytest.raises(DataError, match="entity '2' has several different labels of one date"):
        meds(records).serialize()
    for path in (records / "labels").iterdir():
        path.unlink()
    with pytest.raises(DataError, match=r"does not hold the data of 'meds': there is no labels/\*.parquet"):
        meds(records).serialize()


def test_the_example_is_what_the_standard_says(tmp_path: Path) -> None:
    standard = pytest.importorskip("meds")
    folder = make.write(tmp_path, subjects=30)
    files = [(standard.DataSchema, path) for path in folder.glob("data/**/*.parquet")]
    files += [(standard.LabelSchema, path) for path in folder.glob("labels/*.parquet")]
    files += [(standard.CodeMetadataSchema, folder / standard.code_metadata_filepath)]
    files += [(standard.SubjectSplitSchema, folder / standard.subject_splits_filepath)]
    assert len(files) == 6
    for schema, path in files:
        schema.validate(pq.ParquetFile(path).read())
    standard.DatasetMetadataSchema.validate(json.loads((folder / standard.dataset_metadata_filepath).read_text()))
    known = set(pq.read_table(folder / standard.code_metadata_filepath)["code"].to_pylist())
    for path in folder.glob("data/**/*.parquet"):  # what a schema cannot say
        rows = pq.ParquetFile(path).read().to_pylist()
        order = [(row["subject_id"], row["time"] or datetime.min) for row in rows]
        assert order == sorted(order)
        assert {row["code"] for row in rows} <= known
