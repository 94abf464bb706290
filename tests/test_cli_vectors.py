"""Importing, comparing, exporting and diffing vectors from the command line."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from llm4es.core.errors import Llm4esError, OptionError, StoreError
from llm4es.project.diff import Side, side
from llm4es.project.stored_vectors import StoredVectors
from llm4es_store import Store

from . import shop
from .shell import invoke

CUSTOMERS = 30


def run(*words: object) -> str:
    return invoke(*words).stdout


def vectors(path: Path, shift: float = 0.0, customers: int = CUSTOMERS) -> Path:
    matrix = np.random.default_rng(0).normal(size=(customers, 4)).astype(np.float32)
    matrix[0] += shift
    pq.write_table(pa.table({"entity_id": [f"c{i}" for i in range(customers)], "vector": matrix.tolist()}), path)
    return path


def rows(text: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(text)
    return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(store, recipe) with texts and one import."""
    folder = tmp_path_factory.mktemp("vectors")
    recipe, store = shop.write(folder / "shop", CUSTOMERS), folder / "store"
    run("serialize", recipe, "--store", store, "-q")
    run("import", vectors(folder / "v.parquet"), "--name", "coles", "--dataset", "shop", "--store", store, "-q")
    return store, recipe


def test_the_same_content_is_imported_once_and_a_change_in_one_commit(place: tuple[Path, Path], tmp_path: Path) -> None:
    store, _ = place
    opened = Store(store)
    words = ("--name", "twice", "--dataset", "shop", "--store", store, "--format", "json", "-q")
    (first,) = rows(run("import", vectors(tmp_path / "v.parquet"), *words))
    version = len(opened.record())
    (again,) = rows(run("import", vectors(tmp_path / "v.parquet"), *words))
    assert (first["computed"], again["computed"], again["reused"]) == (CUSTOMERS, 0, CUSTOMERS)
    assert len(opened.record()) == version  # no run, no version
    table = opened.table("embeddings")
    assert table is not None
    before = table.version
    changed = vectors(tmp_path / "w.parquet", shift=1.0, customers=CUSTOMERS - 1)
    (dry,) = rows(run("import", changed, *words, "--dry-run"))
    assert (dry["to compute"], dry["why"]) == (1, "1 text changed, 1 vanished")
    run("import", changed, *words)
    table.refresh()
    assert table.version == before + 1
    assert opened.sql("SELECT count(*) FROM embeddings WHERE model = 'twice'").fetchall() == [(CUSTOMERS - 1,)]


def test_rows_lie_in_order_of_their_ids_however_few_are_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llm4es.project.vector_spool.BYTES_AT_ONCE", 4 * 4 * 7)
    rng = np.random.default_rng(1)
    ids, matrix = [f"c{n}" for n in rng.permutation(CUSTOMERS)], rng.normal(size=(CUSTOMERS, 4)).astype(np.float32)
    pq.write_table(pa.table({"id": ids, "vector": matrix.tolist()}), tmp_path / "v.parquet", row_group_size=9)
    run("import", tmp_path / "v.parquet", "--name", "v", "--dataset", "d", "--store", tmp_path / "s", "-q")
    (file,) = (tmp_path / "s/tables/embeddings").rglob("*.parquet")
    kept = pq.read_table(file, partitioning=None)
    assert kept["entity_id"].to_pylist() == sorted(ids)
    np.testing.assert_array_equal(np.array(kept["vector"].to_pylist(), np.float32), matrix[np.argsort(ids)])


def test_imported_vectors_are_probed_compared_and_searched(place: tuple[Path, Path]) -> None:
    store, recipe = place
    common = ("--store", store, "--format", "json", "-q")
    run("probe", recipe, "--features", "coles,tfidf", "--folds", "3", "--repeats", "1", *common)
    found = {row["features"]: row for row in rows(run("compare", recipe, "--wide", *common))}
    assert found["coles"]["model"] == "coles"
    assert found["coles"]["k"] is None
    assert found["coles"]["difference"] is not None
    near = rows(run("similar", recipe, "c1", "--features", "coles", "-n", "3", *common))
    ((best,),) = Store(store).sql("SELECT entity_id FROM nearest('shop', 'c1', 'coles', 0, 1)").fetchall()
    assert near[0]["entity_id"] == best
    for asked, line in (
        (
            "'shp', 'c1', 'coles', 0",
            r"nearest: no embeddings of dataset 'shp': there are .*shop.*; did you mean 'shop'\?",
        ),
        ("'shop', 'c1', 'coals', 0", "nearest: no embeddings of shop by model 'coals': there are .*coles"),
        ("'shop', 'c1', 'coles', 8", r"nearest: no embeddings of shop by coles with k 8: there are \[0\]"),
        ("'shop', 'c77', 'coles', 0", "nearest: no entity 'c77' of shop has a vector by coles with k 0: look in"),
    ):
        with pytest.raises(StoreError, match=f"^query failed: {line}"):
            run("sql", f"SELECT count(*) FROM nearest({asked}, 3)", "--store", store)


def test_features_are_exported_for_other_tools(place: tuple[Path, Path], tmp_path: Path) -> None:
    store, recipe = place
    out = tmp_path / "x.parquet"
    run("export", recipe, "--features", "coles,tfidf", "--out", out, "--store", store, "-q")
    table = pq.read_table(out)
    assert table.num_rows == CUSTOMERS
    assert table.column_names[:5] == ["entity_id", "coles_000", "coles_001", "coles_002", "coles_003"]
    run(
        "export", recipe, "--features", "coles", "--layout", "long", "--out", tmp_path / "x.csv", "--store", store, "-q"
    )
    assert (tmp_path / "x.csv").read_text().splitlines()[0] == "entity_id,features,vector"
    # what was exported can be imported again, under another name
    run("import", out, "--name", "again", "--dataset", "other", "--store", store, "-q")
    assert Store(store).sql("SELECT max(dim) FROM embeddings WHERE model = 'again'").fetchall() == [(9,)]


def test_a_name_that_is_taken_or_a_file_that_is_none(place: tuple[Path, Path], tmp_path: Path) -> None:
    store, _ = place
    words = ("--dataset", "shop", "--store", store, "-q")
    with pytest.raises(OptionError, match=r"no file .*none\.parquet"):
        run("import", tmp_path / "none.parquet", "--name", "x", *words)
    (tmp_path / "bad.parquet").write_text("no parquet")
    with pytest.raises(Llm4esError, match=r"bad\.parquet cannot be read"):
        run("import", tmp_path / "bad.parquet", "--name", "x", *words)
    opened = Store(store)
    with opened.run("embed", "shop", {}, "0") as made:
        scope = {"dataset": "shop", "model": "ours", "config_id": "c"}
        one = pa.table({"entity_id": ["c1"], "k": pa.array([1], pa.int32()), "pooling": ["mean"], "source_hash": ["h"]})
        made.append("embeddings", scope, one, ("entity_id", "k"))
    with pytest.raises(OptionError, match="--name 'ours' is a model's whose vectors are in the store"):
        run("import", vectors(tmp_path / "v.parquet"), "--name", "ours", *words)


def test_csv_ids_stay_text(place: tuple[Path, Path], tmp_path: Path) -> None:
    store, _ = place
    for header, words in (('\ufeff"cl_id",a,paid', ("--id", "cl_id")), ('a,"id",paid', ())):
        first = header.startswith("a")
        lines = ["1,007,2.5", "3,008,4"] if first else ["007,1,2.5", "008,3,4"]
        (tmp_path / "v.csv").write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
        run("import", tmp_path / "v.csv", "--name", "rfm", "--dataset", "csv", *words, "--store", store, "-q")
        found = Store(store).sql("SELECT entity_id, vector FROM embeddings WHERE model = 'rfm' ORDER BY 1").fetchall()
        assert found == [("007", [1.0, 2.5]), ("008", [3.0, 4.0])]
    (tmp_path / "v.csv").write_text("who,a\n007,1\n")
    with pytest.raises(Llm4esError, match="no column 'entity_id': name the ids' column with --id, one of who, a"):
        run("import", tmp_path / "v.csv", "--name", "rfm", "--dataset", "csv", "--store", store, "-q")
    (tmp_path / "v.csv").write_text("")
    with pytest.raises(Llm4esError, match="is empty: its first line should name the columns"):
        run("import", tmp_path / "v.csv", "--name", "rfm", "--dataset", "csv", "--store", store, "-q")


def test_diff_of_versions_and_of_features(place: tuple[Path, Path], tmp_path: Path) -> None:
    store, _ = place
    words = ("--name", "moving", "--dataset", "moves", "--store", store, "-q")
    asked = ("--dataset", "moves", "--store", store, "--format", "json")
    run("import", vectors(tmp_path / "v.parquet"), *words)
    first = Store(store).record()["version"].to_pylist()[-1]
    run("import", vectors(tmp_path / "v.parquet", shift=50.0, customers=CUSTOMERS - 2), *words)
    now = Store(store).record()["version"].to_pylist()[-1]
    for a, b in ((first, now), (f"moving:{first}", "moving")):
        found = {row["measure"]: row["value"] for row in rows(run("diff", a, b, *asked))}
        assert (found["gone"], found["added"], found["changed"]) == (2, 0, 1)
        assert found["cosine least"] < 0.99 < found["cosine 5%"]
    found = {row["measure"]: row["value"] for row in rows(run("diff", 1, now, *asked))}
    assert found == {"entities after": CUSTOMERS - 2, "added": CUSTOMERS - 2}
    with pytest.raises(OptionError, match="no features 'm@9': there are moving"):
        run("diff", "m@9", "moving", *asked)
    with pytest.raises(OptionError, match=r"vectors of .* datasets: choose one of"):
        run("diff", first, now, "--store", store)


def test_diff_of_versions_that_have_texts_only(tmp_path: Path) -> None:
    store = tmp_path / "store"
    recipe = shop.write(tmp_path / "shop", CUSTOMERS)
    run("serialize", recipe, "--store", store, "-q")
    run("enrich", recipe, "--variants", "1", "--store", store, "-q")
    shop.write(tmp_path / "shop", CUSTOMERS + 1, {3: "coffee"})
    run("serialize", recipe, "--store", store, "-q")
    found = rows(run("diff", 2, 6, "--store", store, "--format", "json"))
    measured = {(row["features"], row["measure"]): row["value"] for row in found}
    assert [measured["texts", measure] for measure in ("added", "gone", "changed")] == [1, 0, 1]
    assert [measured["enriched texts", measure] for measure in ("entities before", "added")] == [0, CUSTOMERS]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12", Side(None, "12")),
        ("2026-11-20T10:00", Side(None, "2026-11-20T10:00")),
        ("m@8", Side("m@8", None)),
        ("m@8:12", Side("m@8", "12")),
        ("m@8:2026-11-20T10:00:30", Side("m@8", "2026-11-20T10:00:30")),
        ("org/m@8 [256 tokens]", Side("org/m@8 [256 tokens]", None)),
    ],
)
def test_sides_as_they_are_typed(text: str, expected: Side) -> None:
    assert side(text) == expected


def test_a_probe_reads_the_vectors_of_the_labelled_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe, store = shop.write(tmp_path / "shop", CUSTOMERS), tmp_path / "store"
    labels = (tmp_path / "shop" / "customers.csv").read_text().splitlines()
    (tmp_path / "shop" / "customers.csv").write_text("\n".join(labels[:21]) + "\n")  # 20 of 30 have one
    run("serialize", recipe, "--store", store, "-q")
    run("import", vectors(tmp_path / "v.parquet"), "--name", "coles", "--dataset", "shop", "--store", store, "-q")
    found, read = StoredVectors.__call__, []

    def counted(self: Any, among: str | None = None) -> Any:
        read.append(found(self, among))
        return read[-1]

    monkeypatch.setattr(StoredVectors, "__call__", counted)
    said = invoke("probe", "shop", "--features", "coles", "--folds", 2, "--repeats", 1, "--store", store).stderr
    (features,) = read
    assert features.entity_ids == sorted(line.partition(",")[0] for line in labels[1:21])
    written = pq.read_table(tmp_path / "v.parquet").to_pylist()
    expected = {row["entity_id"]: row["vector"] for row in written}
    assert [row.tolist() for row in features.matrix] == [expected[entity] for entity in features.entity_ids]
    assert "left out: 10 with these features and no label" in said
