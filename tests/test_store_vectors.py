"""Vectors in a store: as rows, as a matrix, found by model, k and entity, read by others."""

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from llm4es.core.errors import StoreError
from llm4es_store import Store

from .rows import vectors, with_vectors


def test_nearest_finds_the_others(tmp_path: Path) -> None:
    rows = with_vectors(tmp_path / "store").sql("SELECT * FROM nearest('d', '1', '7', 1, 5)").fetchall()
    assert [(row[0], row[1]) for row in rows] == [("2", pytest.approx(1 / (1 + 0.1**2) ** 0.5))]


def test_partition_values_keep_their_types(tmp_path: Path) -> None:
    rows = with_vectors(tmp_path / "store").sql("SELECT DISTINCT model, k, typeof(model), typeof(k) FROM embeddings")
    assert ("7", 1, "VARCHAR", "INTEGER") in rows.fetchall()


def test_embeddings_come_as_arrow(tmp_path: Path) -> None:
    table = with_vectors(tmp_path / "store").embeddings("d", model="m", k=1)
    assert table["entity_id"].to_pylist() == ["1", "2"]
    assert table["vector"].to_pylist() == [[1.0, 0.0], [0.0, 1.0]]


def test_embeddings_come_as_a_matrix_over_the_same_memory(tmp_path: Path) -> None:
    store = with_vectors(tmp_path / "store")
    ids, matrix = store.matrix("d", model="m", k=8)
    assert ids.to_pylist() == ["1", "2"]
    assert matrix.tolist() == [[1.0, 1.0], [0.0, 2.0]]
    assert (str(matrix.dtype), matrix.flags.owndata, matrix.flags.writeable) == ("float32", False, False)
    with pytest.raises(StoreError, match="no configurations of 'm' with k 9 in 'd'"):
        store.matrix("d", model="m", k=9)
    with store.run("embed", "d", {}, "0") as run:
        other = {"dataset": "d", "model": "m", "config_id": "other"}
        run.append("embeddings", other, vectors("m", 8, {"1": [5.0, 5.0]}), ("entity_id", "k"))
    with pytest.raises(StoreError, match="2 configurations of 'm' with k 8 in 'd': choose a config_id of c, other"):
        store.matrix("d", model="m", k=8)
    assert store.matrix("d", model="m", k=8, config_id="other")[1].tolist() == [[5.0, 5.0]]
    assert store.matrix("d", model="m", k=8, at=2)[1].tolist() == [[1.0, 1.0], [0.0, 2.0]]
    assert len(store.embeddings("d", model="m", k=8)) == 3


def test_a_long_matrix_is_put_together_in_order(tmp_path: Path) -> None:
    store, n = Store(tmp_path / "store", create=True), 300_000
    rows = pa.table(
        {
            "entity_id": [f"{i:06}" for i in reversed(range(n))],
            "k": pa.array([1] * n, pa.int32()),
            "vector": pa.array([[float(i), 1.0] for i in reversed(range(n))], pa.list_(pa.float32())),
            "source_hash": ["h"] * n,
        }
    )
    with store.run("embed", "d", {}, "0") as run:
        run.append("embeddings", {"dataset": "d", "model": "m", "config_id": "c"}, rows, ("entity_id", "k"))
    ids, matrix = store.matrix("d", model="m", k=1)
    assert ids[n - 1].as_py() == "299999"
    assert (matrix[:, 0] == range(n)).all()


def test_one_space_reads_only_its_own_files(tmp_path: Path) -> None:
    store = with_vectors(tmp_path / "store")
    query = "SELECT * FROM embeddings WHERE dataset = 'd' AND model = '7' AND k = 1"
    ((_, plan),) = store.sql(f"EXPLAIN ANALYZE {query}").fetchall()
    assert re.search(r"Total Files Read: 1\b", plan), plan
    ((_, plan),) = store.sql("EXPLAIN ANALYZE SELECT * FROM embeddings").fetchall()
    assert re.search(r"Total Files Read: 3\b", plan), plan


def test_one_entity_is_looked_for_in_few_rows(tmp_path: Path) -> None:
    store, n = Store(tmp_path / "store", create=True), 40_000
    rows = vectors("m", 1, {f"{i:05}": [float(i)] for i in range(n)})
    scope = {"dataset": "d", "model": "m", "config_id": "c"}
    with store.run("embed", "d", {}, "0") as run:
        for start in range(0, n, 1000):
            run.append("embeddings", scope, rows.slice(start, 1000), ("entity_id", "k"))
    table = store.table("embeddings")
    assert table is not None
    (path,) = table.files()["path"].to_pylist()
    groups = pq.ParquetFile(f"{table.path}/{path}").metadata
    assert [groups.row_group(i).num_rows for i in range(groups.num_row_groups)] == [16384, 16384, 7232]
    assert store.sql("SELECT vector FROM embeddings WHERE entity_id = '20000'").fetchall() == [([20000.0],)]


def test_statistics_skip_what_cannot_match(tmp_path: Path) -> None:
    with_vectors(tmp_path / "store")
    table = Store(tmp_path / "store").table("embeddings")
    assert table is not None
    files = table.files()
    assert files["min.entity_id"].to_pylist() == ["1"] * 3
    assert files["max.entity_id"].to_pylist() == ["2"] * 3


def test_polars_and_deltalake_alone_read_the_vectors(tmp_path: Path) -> None:
    polars = pytest.importorskip("polars")
    with_vectors(tmp_path / "store")
    path = tmp_path / "store/tables/embeddings"
    frame = polars.read_delta(str(path)).filter(polars.col("model") == "m", polars.col("k") == 8).sort("entity_id")
    assert frame["vector"].to_list() == [[1.0, 1.0], [0.0, 2.0]]
    alone = DeltaTable(path).to_pyarrow_dataset().to_table(columns=["model", "k"])
    assert len(alone) == 6
    relation = Store(tmp_path / "store").sql("SELECT k, vector FROM embeddings WHERE model = '7' ORDER BY entity_id")
    assert relation.pl()["vector"].to_list() == [[1.0, 0.0], [1.0, pytest.approx(0.1)]]
    assert relation.df()["k"].tolist() == [1, 1]
    frame = DeltaTable(path).to_pandas(filters=[("model", "=", "m"), ("k", "=", 8)])
    assert [vector.tolist() for vector in frame.sort_values("entity_id")["vector"]] == [[1.0, 1.0], [0.0, 2.0]]
