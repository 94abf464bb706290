"""One dataset, one name in SQL: a second that would share it is refused, and stores that hold both are read right."""

from pathlib import Path

import pyarrow as pa
import pytest

import llm4es
from llm4es.core.errors import Llm4esError, StoreError
from llm4es.core.tables import events_table
from llm4es_store import Run, Store

from .shell import Shell


def events(dataset: str, n: int) -> pa.Table:
    return pa.table(
        {
            "dataset": [dataset] * n,
            "entity_id": [str(i) for i in range(n)],
            "position": pa.array([0] * n, pa.int32()),
            "mcc": [dataset] * n,
        }
    )


def old_store(root: Path) -> Store:
    """What llm4es 0.1 took: three datasets of one name."""
    store = Store(root, create=True)
    for n, dataset in ((4, "a-b"), (7, "a.b"), (9, "a_b"), (2, "alone")):
        rows = events(dataset, n)
        with Run(store, "serialize", dataset, {}, "0.1") as run:
            run.append(events_table(dataset), {"dataset": dataset}, rows, ("entity_id", "position"), rows.schema)
    return store


def test_a_store_that_holds_both_reads_each_by_its_own_name(tmp_path: Path) -> None:
    store = old_store(tmp_path / "store")
    for n, dataset in ((4, "a-b"), (7, "a.b"), (9, "a_b")):
        assert store.events_view(dataset) == f"events/{dataset}"
        rows = store.sql(f'SELECT DISTINCT mcc, count(*) FROM "events/{dataset}" GROUP BY ALL').fetchall()
        assert rows == [(dataset, n)]
    assert store.sql("SELECT count(*) FROM events_alone").fetchall() == [(2,)]
    with pytest.raises(StoreError, match=r'3 datasets: read "events/a-b" and "events/a.b" and "events/a_b", in double'):
        store.sql("SELECT count(*) FROM events_a_b")
    with store.run("serialize", "a.b", {}, "0") as run:  # both go on
        run.begin()


@pytest.mark.parametrize("name", ["a_b", "a.b", "A-b"])
def test_a_second_dataset_of_the_name_is_refused_where_it_is_made(tmp_path: Path, name: str) -> None:
    store = Store(tmp_path / "store", create=True)
    with store.run("serialize", "a-b", {}, "0") as run:
        run.begin()
    version = store.snapshot()
    with pytest.raises(StoreError, match=rf"dataset '{name}' would be events_\w+ in SQL, which is 'a-b' in this store"):
        store.run("import", name, {}, "0")
    assert store.snapshot() == version
    store.run("import", "a-bc", {}, "0")


def test_serialize_import_and_frames_are_refused(shell: Shell) -> None:
    recipe = shell.recipe.read_text()
    shell.recipe.write_text(recipe.replace('name = "shop"', 'name = "shop-1"'))
    shell.stage("serialize")
    shell.recipe.write_text(recipe.replace('name = "shop"', 'name = "shop.1"'))
    (shell.folder / "vectors.csv").write_text("entity_id,a\nc1,0.5\n")
    before = sorted(shell.root.rglob("*"))
    for words in (
        ("serialize", shell.recipe),
        ("serialize", shell.recipe, "--dry-run"),
        ("import", shell.folder / "vectors.csv", "--name", "v", "--dataset", "shop_1"),
    ):
        assert "which is 'shop-1' in this store" in shell.fails(*map(str, words))
    frame = pa.table({"who": ["a"], "mcc": ["tea"]})
    with pytest.raises(Llm4esError, match="which is 'shop-1' in this store"):
        llm4es.Project.from_frame(frame, name="shop_1", entity="who", store=shell.root, observer="silent")
    assert sorted(shell.root.rglob("*")) == before
