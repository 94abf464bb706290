"""Files of vectors that are read in full or refused: bytes that are no text, pandas' indexes, names that come twice."""

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from llm4es.core.errors import DataError
from llm4es.features.import_vectors import import_vectors
from llm4es.options import ImportOptions
from llm4es.project.vectors_file import read_vectors

OPTIONS = ImportOptions("coles", "d")


def _imported(file: Path, options: ImportOptions = OPTIONS) -> dict[str, list[float]]:
    rows = [row for batch in import_vectors(read_vectors(file, options), options) for row in batch.to_pylist()]
    return {row["entity_id"]: row["vector"] for row in rows}


@pytest.mark.parametrize("bad", [b"u\xff,1", b"u,1\xff"], ids=["id", "number"])
@pytest.mark.parametrize("block", [2**10, 2**22])
def test_bytes_that_are_no_text_lose_no_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bad: bytes, block: int
) -> None:
    """Wherever they stand behind what the encoding is told by: in the first part that is read or a later one."""
    monkeypatch.setattr("llm4es.recipes.init.sniff.BYTES", 512)
    monkeypatch.setattr("llm4es.project.vectors_file._BLOCK", block)
    rows = [f"u{i},{i}".encode() for i in range(500)]
    file = tmp_path / "v.csv"
    file.write_bytes(b"\n".join([b"id,x", *rows, bad, b"v,2", b""]))
    with pytest.raises(DataError, match=r"^[^\n]*v\.csv cannot be read \([^\n]*invalid UTF8 data\)[^\n]*$"):
        _imported(file)


FRAME = {"id": ["a", "b"], "x": [1.0, 2.0]}


@pytest.mark.parametrize(
    ("index", "vectors"),
    [
        ([10, 20], {"a": [1.0], "b": [2.0]}),
        (pd.RangeIndex(2), {"a": [1.0], "b": [2.0]}),
        (pd.Index([10, 20], name="y"), {"a": [1.0, 10.0], "b": [2.0, 20.0]}),
        (pd.MultiIndex.from_tuples([(1, 10), (2, 20)], names=[None, "y"]), {"a": [1.0, 10.0], "b": [2.0, 20.0]}),
    ],
    ids=["numbers", "positions", "named", "two"],
)
def test_an_index_without_a_name_is_no_number_of_the_vector(
    tmp_path: Path, index: Any, vectors: dict[str, list[float]]
) -> None:
    pd.DataFrame(FRAME, index=index).to_parquet(tmp_path / "v.parquet")
    assert _imported(tmp_path / "v.parquet") == vectors


def test_an_index_without_a_name_may_be_the_id(tmp_path: Path) -> None:
    file = tmp_path / "v.parquet"
    pd.DataFrame({"x": [1.0, 2.0]}, index=["a", "b"]).to_parquet(file)
    assert _imported(file, ImportOptions("coles", "d", id="__index_level_0__")) == {"a": [1.0], "b": [2.0]}
    with pytest.raises(DataError, match="with --id, one of x, __index_level_0__"):
        _imported(file)


@pytest.mark.parametrize("names", [["id", "x", "x"], ["id", "x", "id"]])
@pytest.mark.parametrize("kind", ["csv", "parquet", "arrow"])
def test_two_columns_of_one_name_are_refused(tmp_path: Path, names: list[str], kind: str) -> None:
    file = tmp_path / f"v.{kind}"
    table = pa.Table.from_arrays([pa.array([value]) for value in (1, 2, 3)], names=names)
    if kind == "csv":
        file.write_text(",".join(names) + "\n1,2,3\n")
    elif kind == "parquet":
        pq.write_table(table, file)
    else:
        with pa.ipc.new_file(str(file), table.schema) as writer:
            writer.write_table(table)
    twice = max(names, key=names.count)
    with pytest.raises(DataError, match=rf"^[^\n]*v\.{kind} has two columns called '{twice}': rename one of them$"):
        _imported(file)


def test_an_arrow_file_of_pandas_is_read_like_its_parquet(tmp_path: Path) -> None:
    table = pa.Table.from_pandas(pd.DataFrame(FRAME, index=[10, 20]))
    with pa.ipc.new_file(str(tmp_path / "v.arrow"), table.schema) as writer:
        writer.write_table(table)
    assert _imported(tmp_path / "v.arrow") == {"a": [1.0], "b": [2.0]}
