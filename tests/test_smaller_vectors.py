"""Vectors in fewer bytes: what is kept of them, how they read, and that two precisions never mix."""

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from llm4es.core.errors import StoreError
from llm4es.core.schemas import EMBEDDINGS, LAYERS
from llm4es.embed.smaller_vectors import smaller
from llm4es.options import EmbedOptions, StoreAs
from llm4es_store import Store, layout
from llm4es_store.maintenance import optimize

from .rows import vectors
from .shell import Shell

pytestmark = pytest.mark.usefixtures("few_folds")

SMALLER = [StoreAs.FLOAT16, StoreAs.INT8]


def matrix(n: int = 200, width: int = 64) -> np.ndarray:
    """Vectors as decoders give them: one number is twenty times the others' size, and all entities are much alike."""
    draw = np.random.default_rng(0)
    x = draw.normal(size=width) + 0.2 * draw.normal(size=(n, width))
    x[:, 3] = 20 + 0.5 * draw.normal(size=n)
    return x.astype(np.float32)


def batch(x: np.ndarray, schema: pa.Schema = EMBEDDINGS) -> pa.RecordBatch:
    """Rows of the schema with these vectors and nothing else."""
    lists = pa.array(x.tolist(), pa.list_(pa.float32()))
    known = {"vector": lists, "entity_id": pa.array([f"{i:04}" for i in range(len(x))])}
    return pa.record_batch([known.get(f.name, pa.nulls(len(x), f.type)) for f in schema], schema=schema)


def stored(root: Path, x: np.ndarray, store_as: StoreAs, config_id: str = "c") -> Store:
    """A store that has these vectors of model m."""
    store = Store(root, create=True)
    with store.run("embed", "d", {}, "0") as run:
        rows = smaller(batch(x), store_as)
        rows = rows.set_column(rows.schema.get_field_index("k"), "k", pa.array([1] * len(x), pa.int32()))
        run.append("embeddings", {"dataset": "d", "model": "m", "config_id": config_id}, rows, ("entity_id", "k"))
    return store


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    a, b = a.astype(np.float64), b.astype(np.float64)
    return np.asarray((a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1))


def test_half_precision_is_numpys(tmp_path: Path) -> None:
    x = matrix()
    _, read = stored(tmp_path / "store", x, StoreAs.FLOAT16).matrix("d", model="m", k=1)
    assert np.array_equal(read, x.astype(np.float16).astype(np.float32))
    beyond = smaller(batch(np.array([[1e6, -1e6, 1.0]], np.float32)), StoreAs.FLOAT16)["vector"][0].as_py()
    assert beyond == [65504.0, -65504.0, 1.0]


@pytest.mark.parametrize("store_as", SMALLER)
def test_what_is_read_is_as_near_as_is_told(tmp_path: Path, store_as: StoreAs) -> None:
    x = matrix()
    store = stored(tmp_path / "store", x, store_as)
    ids, read = store.matrix("d", model="m", k=1)
    assert ids.to_pylist() == sorted(ids.to_pylist())
    table = store.embeddings("d", model="m", k=1)
    assert table["vector"].type == pa.list_(pa.float32())
    assert table["stored_as"].unique().to_pylist() == [store_as.value]
    told = table["stored_cosine"].to_numpy()
    assert np.allclose(told, cosines(x, read), atol=1e-6)
    assert told.min() > 0.9995


def test_steps_are_fine_where_most_numbers_are(tmp_path: Path) -> None:
    x = matrix()
    _, read = stored(tmp_path / "store", x, StoreAs.INT8).matrix("d", model="m", k=1)
    apart = (x - x.mean(0)) / x.std(0)  # what a probe standardises
    of_read = (read - x.mean(0)) / x.std(0)
    explained = 1 - ((apart - of_read) ** 2).mean(0)
    linear = np.rint(x / np.abs(x).max(1, keepdims=True) * 127) * np.abs(x).max(1, keepdims=True) / 127
    of_linear = 1 - ((apart - (linear - x.mean(0)) / x.std(0)) ** 2).mean(0)
    assert np.median(explained) > 0.98 > np.median(of_linear)


def test_zeros_stay_zeros(tmp_path: Path) -> None:
    for store_as in SMALLER:
        store = stored(tmp_path / store_as.value, np.zeros((2, 4), np.float32), store_as)
        assert store.matrix("d", model="m", k=1)[1].tolist() == [[0.0] * 4] * 2
        assert store.embeddings("d", model="m", k=1)["stored_cosine"].to_pylist() == [1.0, 1.0]


def test_what_rounds_to_zeros_is_near_nothing() -> None:
    assert smaller(batch(np.full((1, 4), 1e-9, np.float32)), StoreAs.FLOAT16)["stored_cosine"].to_pylist() == [0.0]


def test_who_cannot_read_codes_refuses_a_store_that_has_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x, root = matrix(3), tmp_path / "store"
    stored(root, x, StoreAs.FLOAT16)
    before = Store(root)
    assert before.format == 1
    stored(root, x, StoreAs.INT8, config_id="small")
    assert Store(root).format == 2
    with before.run("embed", "d", {}, "0") as run:  # who had it open goes on, and says it no second time
        run.append(
            "embeddings", {"dataset": "d", "model": "n", "config_id": "c"}, smaller(batch(x), StoreAs.INT8), ("k",)
        )
    assert [entry["operation"] for entry in before.runs.history()].count("UPDATE TABLE METADATA") == 1
    assert Store(root).record()["version"].to_pylist() == [1, 2, 3, 4, 5, 6]
    assert Store(root).sql("SELECT count(vector) FROM embeddings", at=2).fetchall() == [(3,)]
    monkeypatch.setattr(layout, "FORMAT_WITH_CODES", 1)
    with pytest.raises(StoreError, match="has format 2, this llm4es knows up to 1: upgrade it"):
        Store(root)


def test_files_are_smaller_and_stay_so(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(4000, 256)).astype(np.float32)

    def size(root: Path) -> int:
        folder = root / "tables/embeddings/dataset=d"
        return sum(file.stat().st_size for file in folder.rglob("*.parquet"))

    sizes = {store_as: size(Path(stored(tmp_path / store_as.value, x, store_as).layout.root)) for store_as in StoreAs}
    assert sizes[StoreAs.INT8] < 0.3 * sizes[StoreAs.FLOAT32]
    assert sizes[StoreAs.FLOAT16] < 0.6 * sizes[StoreAs.FLOAT32]
    store = Store(tmp_path / "int8")
    before = store.matrix("d", model="m", k=1)[1]
    stored(tmp_path / "int8", x[:2], StoreAs.INT8, config_id="other")
    optimize(store, "0")
    assert len(list((tmp_path / "int8/tables/embeddings").rglob("*.parquet"))) == 3  # two and the one they became
    assert np.array_equal(Store(tmp_path / "int8").matrix("d", model="m", k=1, config_id="c")[1], before)


def test_a_store_of_float32_gets_smaller_vectors_beside_them(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    with store.run("embed", "d", {}, "0") as run:
        rows = vectors("m", 1, {"a": [1.0, 0.5], "b": [0.5, -1.0]})
        run.append("embeddings", {"dataset": "d", "model": "m", "config_id": "old"}, rows, ("entity_id", "k"))
    table = store.table("embeddings")
    assert table is not None
    assert not {"codes", "scale"} & set(table.schema.names)
    stored(tmp_path / "store", np.array([[1.0, 0.5]], np.float32), StoreAs.INT8)
    store = Store(tmp_path / "store")
    assert store.matrix("d", model="m", k=1, config_id="old")[1].tolist() == [[1.0, 0.5], [0.5, -1.0]]
    ((near,),) = store.sql("""SELECT cosine(a.vector, b.vector) FROM embeddings a, embeddings b
        WHERE a.config_id = 'old' AND a.entity_id = 'a' AND b.config_id = 'c'""").fetchall()
    assert near == pytest.approx(1, abs=1e-4)
    assert store.sql("SELECT count(*) FROM embeddings", at=2).fetchall() == [(2,)]


def test_layers_get_smaller_too() -> None:
    rows = smaller(batch(matrix(2), LAYERS), StoreAs.INT8)
    assert rows["stored_as"].to_pylist() == ["int8", "int8"]
    assert "stored_cosine" not in rows.column_names


def test_float32_is_the_configuration_that_it_was() -> None:
    assert "store_as" not in EmbedOptions().fingerprint()
    assert EmbedOptions(store_as=StoreAs.INT8).fingerprint()["store_as"] == "int8"


def test_embedding_probing_and_searching_in_int8(shell: Shell) -> None:
    shell.stage("serialize")
    words = ("--model", shell.model, "--max-length", 64, "--k", 1)
    shell.stage("embed", *words)
    code, _, err = shell("embed", shell.recipe, *words, "--store-as", "int8", "--layers", "keep")
    assert code == 0
    cosine, share = re.findall(r"kept as int8: cosine to float32 ([\d.]+) or more, (\d+)% of the bytes", err)[0]
    assert float(cosine) > 0.999
    assert 25 <= int(share) <= 30
    (again,) = shell.stage("embed", *words, "--store-as", "int8")
    assert (again["computed"], again["reused"]) == (0, 20)
    both = shell.sql("SELECT vector, stored_as, entity_id FROM embeddings ORDER BY entity_id, stored_as NULLS FIRST")
    for (whole, none, _), (small, kept, _) in zip(both[::2], both[1::2], strict=True):
        assert (none, kept) == (None, "int8")
        assert cosines(np.array([whole]), np.array([small]))[0] > 0.999
    shell.stage("probe", "--task", "loyal")
    code, out, _ = shell("compare", shell.recipe, "--task", "loyal", "--format", "csv")
    assert code == 0
    assert f"{shell.model.name}@1 [64 tokens, int8]" in out
    code, out, _ = shell("similar", shell.recipe, "c1", "--features", f"{shell.model.name}@1 [64 tokens, int8]")
    assert code == 0
    assert "0.99" in out
    copied = shell.folder / "copied"
    assert shell("copy", copied)[0] == 0
    assert Store(copied).sql("SELECT sum(list_sum(vector)) FROM layers").fetchall()[0][0] != 0
    assert shell("check")[0] == 0
