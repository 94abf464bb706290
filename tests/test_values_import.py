"""Vectors of other tools' files: columns typed by the whole file, Arrow's view types, and ids that became floats."""

import bz2
import csv
import gzip
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from llm4es import Project
from llm4es.core.errors import DataError
from llm4es.core.frames import to_arrow
from llm4es.core.ids import id_texts
from llm4es.features.import_vectors import import_vectors
from llm4es.options import ImportOptions
from llm4es.project.vectors_file import read_vectors

from . import shop
from .heard import Heard

OPTIONS = ImportOptions("coles", "d")


def _imported(file: Path, options: ImportOptions = OPTIONS) -> dict[str, list[float]]:
    rows = [row for batch in import_vectors(read_vectors(file, options), options) for row in batch.to_pylist()]
    return {row["entity_id"]: row["vector"] for row in rows}


def _csv(path: Path, header: str, rows: list[str]) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_a_late_fraction_is_a_number_too(tmp_path: Path) -> None:
    file = _csv(tmp_path / "f.csv", "id,refunds,score", [*(f"u{i},0,{i}" for i in range(90_000)), "u90000,0.5,1e3"])
    made = _imported(file)
    with file.open() as opened:
        right = {row["id"]: [float(row["refunds"]), float(row["score"])] for row in csv.DictReader(opened)}
    assert made == right


def test_a_late_text_is_named(tmp_path: Path) -> None:
    file = _csv(tmp_path / "f.csv", "id,x,y", [*(f"u{i},0,1" for i in range(90_000)), "u90000,0,none of it"])
    with pytest.raises(DataError, match="column 'y' is neither a list nor a number"):
        _imported(file)


def test_csv_ids_stay_as_they_are_written(tmp_path: Path) -> None:
    assert list(_imported(_csv(tmp_path / "a.csv", "id,x", ["007,1", "7,2"]))) == ["007", "7"]
    assert list(_imported(_csv(tmp_path / "b.csv", "id,x", ["7.0,1", "8.0,2"]))) == ["7", "8"]
    assert list(_imported(_csv(tmp_path / "c.csv", "id,x", ["NA,1", "nan,2"]))) == ["NA", "nan"]
    with pytest.raises(DataError, match="row 2: column 'id' is empty"):
        _imported(_csv(tmp_path / "d.csv", "id,x", ["a,1", ",2"]))


@pytest.mark.parametrize("last", ["7.0", "007", "seven"])
def test_csv_ids_are_read_by_the_whole_column(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: str) -> None:
    """However little of it is in memory at once: '1' of a column of floats, and as it is written else."""
    monkeypatch.setattr("llm4es.project.vectors_file._BLOCK", 64)
    file = _csv(tmp_path / "f.csv", "id,x", [*(f"{i}{'.0' * (i % 2)},{i}" for i in range(1, 40)), f"{last},2"])
    right = [line.split(",")[0] for line in file.read_text().splitlines()[1:]]
    if last == "7.0":
        with pytest.raises(DataError, match="row 40: entity '7' comes twice"):
            _imported(file)
        return
    assert list(_imported(file)) == right


VECTORS = [[1.0, 2.0], [3.0, 4.0]]


@pytest.mark.parametrize(
    ("ids", "names"),
    [
        (pa.array(["a", "b"], pa.string_view()), ["a", "b"]),
        (pa.array(["a", "b"], pa.string_view()).dictionary_encode(), ["a", "b"]),
        (pa.array([b"a", b"\xc3\xa9"], pa.binary()), ["a", "é"]),
        (pa.array([b"a", b"b"], pa.binary_view()), ["a", "b"]),
        (pa.array([3.0, 123.0]), ["3", "123"]),
        (pa.array([3, 123]).cast(pa.decimal128(30, 2)), ["3", "123"]),
    ],
)
@pytest.mark.parametrize(
    "lists", [pa.list_view(pa.float32()), pa.large_list_view(pa.float64()), pa.list_(pa.float32())]
)
def test_views_and_ids_of_any_type(ids: pa.Array, names: list[str], lists: pa.DataType) -> None:
    table = pa.table({"id": ids, "vector": pa.array(VECTORS, lists)})
    made = [row for batch in import_vectors(table, OPTIONS) for row in batch.to_pylist()]
    assert [(row["entity_id"], row["vector"]) for row in made] == list(zip(names, VECTORS, strict=True))


def test_a_parquet_file_of_views(tmp_path: Path) -> None:
    table = pa.table(
        {"id": pa.array(["a", "b"], pa.string_view()), "vector": pa.array(VECTORS, pa.large_list(pa.float32()))}
    )
    pq.write_table(table, tmp_path / "v.parquet")
    assert _imported(tmp_path / "v.parquet") == dict(zip("ab", VECTORS, strict=True))


def test_ids_that_floats_do_not_tell_apart_are_refused() -> None:
    table = pa.table({"id": [2.0**53, 1.0], "vector": VECTORS})
    with pytest.raises(DataError, match="column 'id' holds double, not ids"):
        list(import_vectors(table, OPTIONS))


@pytest.mark.parametrize("type", [pa.list_view(pa.int64()), pa.large_list_view(pa.int64())])
def test_list_views_of_frames_are_lists(type: pa.DataType) -> None:
    values: list[Any] = [[1, 2], None, [], [3]]
    frame = to_arrow(pa.table({"x": pa.array(values, type)}).slice(0, 3))
    assert frame["x"].type == pa.list_(pa.int64())
    frame.validate(full=True)
    assert frame["x"].to_pylist() == values[:3]


def test_one_text_an_id() -> None:
    assert id_texts(pa.array([0.5, 3.0, None, -0.0])).to_pylist()[:3] == ["0.5", "3", None]
    assert id_texts(pa.array([1, 100]).cast(pa.decimal128(30, 2))).to_pylist() == ["1", "100"]
    assert id_texts(pa.array(["1.0", "x"])).to_pylist() == ["1.0", "x"]
    assert id_texts(pa.array(["9007199254740993.0", ""])).to_pylist() == ["9007199254740993", ""]


def test_ids_of_nobody_are_told_with_examples(tmp_path: Path) -> None:
    heard = Heard()
    project = Project(shop.write(tmp_path / "shop", 4), tmp_path / "store", observer=heard)
    project.serialize()
    project.import_vectors({"id": ["c0", "17", "C1"], "x": [0.0, 1.0, 2.0]}, "coles")
    said = "2 of 3 ids have no text in 'shop', such as '17', where it has 'c0': probes leave them out"
    assert said in heard.said


def _kinds(folder: Path) -> dict[str, Path]:
    """The same vectors in files of every kind."""
    plain = "id,x,y\n007,1.5,2\nb,3,4.25\n"
    table = pa.table({"id": ["007", "b"], "x": [1.5, 3.0], "y": [2.0, 4.25]})
    made = {
        "pandas' own": b",id,x,y\n0,007,1.5,2\n1,b,3,4.25\n",
        "semicolons": plain.replace(",", ";").encode(),
        "Excel's": ("sep=;\n" + plain.replace(",", ";")).encode("utf-8-sig"),
        "UTF-16": plain.encode("utf-16"),
        "gzip": gzip.compress(plain.encode()),
        "bzip2": bz2.compress(plain.encode()),
        "JSON lines": b'{"id": "007", "vector": [1.5, 2]}\n{"id": "b", "vector": [3, 4.25]}\n',
    }
    files = {}
    for number, (kind, content) in enumerate(made.items()):
        files[kind] = folder / f"{number}.{'jsonl' if kind == 'JSON lines' else 'csv'}"
        files[kind].write_bytes(content)
    files["upper case"] = folder / "V.CSV"
    files["upper case"].write_text(plain)
    feather.write_feather(table, folder / "v.feather")
    return files | {"Feather": folder / "v.feather"}


@pytest.mark.parametrize("kind", [
    "pandas' own", "semicolons", "Excel's", "UTF-16", "gzip", "bzip2", "JSON lines", "upper case", "Feather"
])  # fmt: skip
def test_vectors_come_in_the_kinds_of_files_that_events_do(tmp_path: Path, kind: str) -> None:
    assert _imported(_kinds(tmp_path)[kind]) == {"007": [1.5, 2.0], "b": [3.0, 4.25]}
