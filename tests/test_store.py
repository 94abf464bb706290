"""Opening a store, its views, and how it was at other times."""

import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake

from llm4es.core import schemas
from llm4es.core.errors import StoreError
from llm4es.core.tables import events_table
from llm4es_store import TABLES, Store
from llm4es_store.maintenance import optimize, vacuum

from .rows import KEY, SCOPE, texts, vectors, with_vectors


def test_no_store_is_told_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"no store at .*none: run `llm4es run RECIPE` first"):
        Store(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_folder_of_other_things_is_not_made_a_store(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear reader")
    with pytest.raises(StoreError, match="not a store and not empty"):
        Store(tmp_path, create=True)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_a_file_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("")
    with pytest.raises(StoreError, match="is not a store"):
        Store(tmp_path / "store", create=True)


def test_a_newer_format_is_refused_by_name(tmp_path: Path) -> None:
    description = json.dumps({"llm4es store format": 99})
    DeltaTable.create(tmp_path / "store/tables/runs", TABLES["runs"].schema, description=description)
    with pytest.raises(StoreError, match="has format 99, this llm4es knows up to 2: upgrade it"):
        Store(tmp_path / "store")


def test_somebody_elses_table_is_no_store(tmp_path: Path) -> None:
    DeltaTable.create(tmp_path / "store/tables/runs", pa.schema([("a", pa.int32())]))
    with pytest.raises(StoreError, match="that llm4es did not make"):
        Store(tmp_path / "store")


@pytest.mark.parametrize("name", ["a[b]", "a^b", "a|b", "a%20b", "k=5"])
def test_roots_that_delta_readers_misread_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(StoreError, match="choose another folder"):
        Store(tmp_path / name, create=True)


@pytest.mark.parametrize("name", ["a b", "ü#?{}", "100%", "it's"])
def test_odd_roots_hold_a_store(tmp_path: Path, name: str) -> None:
    store = with_vectors(tmp_path / name)
    assert store.sql("SELECT count(*) FROM embeddings WHERE model = 'm' AND k = 8").fetchall() == [(2,)]


def test_every_promised_view_is_there_before_anything_is_written(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    for table, spec in TABLES.items():
        relation = store.sql(f"SELECT * FROM {table}")
        assert len(relation.fetchall()) == 0
        if table != "runs":
            assert relation.columns == spec.schema.names


def test_the_contracts_query_runs_as_it_stands(tmp_path: Path) -> None:
    rows = (
        with_vectors(tmp_path / "store")
        .sql("""
        SELECT a.entity_id, cosine(a.vector, b.vector) AS agreement
        FROM embeddings a JOIN embeddings b USING (dataset, entity_id)
        WHERE a.model = 'm' AND a.k = 1 AND b.model = 'm' AND b.k = 8 ORDER BY agreement""")
        .fetchall()
    )
    assert rows == [("1", pytest.approx(0.5**0.5)), ("2", pytest.approx(1.0))]


def test_a_moved_store_still_reads(tmp_path: Path) -> None:
    with_vectors(tmp_path / "store")
    shutil.move(tmp_path / "store", tmp_path / "elsewhere")
    assert len(Store(tmp_path / "elsewhere").sql("SELECT * FROM embeddings").fetchall()) == 6


def test_columns_that_an_older_table_lacks_are_null(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    old = pa.schema([field for field in TABLES["labels"].schema if field.name not in ("label", "run_id")])
    DeltaTable.create(tmp_path / "store/tables/labels", old, partition_by=["dataset"])
    assert store.sql("SELECT * FROM labels").columns == TABLES["labels"].schema.names
    with store.run("serialize", "d", {}, "0") as run:
        run.replace("labels", {"dataset": "d"}, pa.table({"entity_id": ["1"], "task": ["t"], "label": ["x"]}))
    assert store.sql("SELECT entity_id, label FROM labels").fetchall() == [("1", "x")]


def test_a_record_that_lacks_a_newer_column_goes_on(tmp_path: Path) -> None:
    old = pa.schema([field for field in TABLES["runs"].schema if field.name != "reasons"])
    description = json.dumps({"llm4es store format": 1})
    DeltaTable.create(tmp_path / "store/tables/runs", old, description=description)
    store = Store(tmp_path / "store")
    dead = store.run("embed", "d", {}, "0")
    row, first = dead.record.row(1, {}).select(old.names), CommitProperties(app_transactions=[Transaction("{}", 1)])
    write_deltalake(tmp_path / "store/tables/runs", row, mode="append", commit_properties=first)
    store.layout.folder("running").mkdir()
    with store.run("serialize", "d", {}, "0"):
        pass
    found = store.sql("SELECT stage, status, reasons FROM runs ORDER BY version").fetchall()
    assert found == [("embed", "killed", "{}"), ("serialize", "done", "{}")]


def test_a_datasets_recipe_is_kept(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    assert store.recipe("d") is None
    row = {"recipe": '{"name": "d"}', "origin": "built in", "folder": None, "recipe_hash": "h", "config_id": "c"}
    with store.run("serialize", "d", {}, "0") as run:
        for dataset in ("d", "it's"):
            run.replace("recipes", {"dataset": dataset}, pa.Table.from_pylist([row]))
        assert run.replace("recipes", {"dataset": "d"}, pa.Table.from_pylist([row])) == 0
    assert store.recipe("d") == {"dataset": "d", **row, "run_id": run.run_id}
    with store.run("serialize", "d", {}, "0") as run:
        run.replace("recipes", {"dataset": "d"}, pa.Table.from_pylist([{**row, "origin": "frame", "folder": "/raw"}]))
    found = store.recipe("d")
    assert found is not None
    assert (found["origin"], found["folder"]) == ("frame", "/raw")
    assert store.sql("SELECT dataset FROM recipes ORDER BY 1").fetchall() == [("d",), ("it's",)]


def test_a_store_without_recipes_shows_none(tmp_path: Path) -> None:
    with_vectors(tmp_path / "store")
    assert not (tmp_path / "store/tables/recipes").exists()
    store = Store(tmp_path / "store")
    assert store.recipe("d") is None
    assert store.sql("SELECT * FROM recipes").columns == TABLES["recipes"].schema.names


def test_raw_files_have_a_folder_that_gc_leaves_alone(tmp_path: Path) -> None:
    store = with_vectors(tmp_path / "store")
    file = store.layout.folder("raw") / "d" / "events.parquet"
    assert file == tmp_path / "store/raw/d/events.parquet"
    file.parent.mkdir(parents=True)
    file.write_text("events")
    os.utime(file, (0, 0))
    vacuum(store, 0, dry_run=False, code_version="0")
    assert file.exists()


def test_events_have_a_view_of_their_own(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    events = pa.table(
        [["my-data.v2"], ["1"], pa.array([0], pa.int32()), pa.array([0], schemas.TIME), ["x"], ["h"]],
        names=[*schemas.EVENT_KEYS.names, "title", "source_hash"],
    )
    with store.run("serialize", "my-data.v2", {}, "0") as run:
        run.append(
            events_table("my-data.v2"), {"dataset": "my-data.v2"}, events, ("entity_id", "position"), events.schema
        )
    assert store.sql("SELECT entity_id, title FROM events_my_data_v2").fetchall() == [("1", "x")]


def test_versions_and_times_bring_back_what_was(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    with store.run("serialize", "d", {}, "0") as run:
        run.append("texts", SCOPE, texts({"1": "a"}), KEY)
    first = run.version
    between = datetime.now(UTC)
    with store.run("serialize", "d", {}, "0") as run:
        run.append("texts", SCOPE, texts({"2": "b"}), KEY)
    for at, count in ((first, 1), (str(first), 1), (between, 1), (between.isoformat(), 1), (run.version, 2), (1, 0)):
        assert store.sql("SELECT count(*) FROM texts", at=at).fetchall() == [(count,)], at
    shutil.copytree(tmp_path / "store", tmp_path / "copy")  # a copy has other file times
    assert Store(tmp_path / "copy").sql("SELECT count(*) FROM texts", at=between).fetchall() == [(1,)]


@pytest.mark.parametrize(
    ("at", "message"),
    [
        (99, "--at 99: no such version, the store has 1 to 2"),
        ("2001-01-01", "the store began later"),
        ("yesterday", "neither a version nor a time"),
    ],
)
def test_points_in_time_that_never_were(tmp_path: Path, at: int | str, message: str) -> None:
    store = Store(tmp_path / "store", create=True)
    with store.run("serialize", "d", {}, "0") as run:
        run.begin()
    with pytest.raises(StoreError, match=message):
        store.sql("SELECT 1", at=at)


def test_optimize_leaves_fewer_files_and_the_same_rows(tmp_path: Path) -> None:
    store = with_vectors(tmp_path / "store")
    with store.run("embed", "d", {}, "0") as run:
        for entity in ("3", "4"):
            scope = {"dataset": "d", "model": "m", "config_id": "c"}
            run.append("embeddings", scope, vectors("m", 1, {entity: [1.0, 2.0]}), ("entity_id", "k"))
    before = store.sql("SELECT * EXCLUDE (run_id) FROM embeddings ORDER BY ALL").fetchall()
    done = {row["table"]: row for row in optimize(store, "0").to_pylist()}
    assert done["embeddings"] == {"table": "embeddings", "files_before": 5, "files_after": 3}
    assert store.sql("SELECT * EXCLUDE (run_id) FROM embeddings ORDER BY ALL").fetchall() == before


def test_gc_spares_what_is_young_and_what_is_live(tmp_path: Path) -> None:
    store = with_vectors(tmp_path / "store")
    live, stray = store.layout.folder("models") / "live", store.layout.folder("models") / "stray"
    for folder in (live, stray):
        folder.mkdir(parents=True)
        (folder / "model.safetensors").write_text("weights")
    models = pa.table({"model": ["m"], "path": ["models/live"]})
    with store.run("finetune", "d", {}, "0") as run:
        run.replace("models", {"model": "m"}, models)
    vacuum(store, 30, dry_run=False, code_version="0")
    assert live.exists()
    assert stray.exists()  # young: somebody may be writing it
    vacuum(store, 0, dry_run=True, code_version="0")
    assert stray.exists()
    vacuum(store, 0, dry_run=False, code_version="0")
    assert live.exists()
    assert not stray.exists()
    assert len(store.sql("SELECT * FROM embeddings").fetchall()) == 6
