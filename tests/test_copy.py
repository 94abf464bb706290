"""``copy``: a store as it was at one moment, while others write to it."""

import threading
from pathlib import Path

import pyarrow as pa
import pytest

from llm4es.core.errors import StoreError
from llm4es_store import Store
from llm4es_store.check import check
from llm4es_store.copy import copy

from .rows import KEY, SCOPE, texts
from .shell import Shell


def commit(store: Store, entity: str) -> None:
    with store.run("serialize", "d", {}, "0") as run:
        run.append("texts", SCOPE, texts({entity: "1"}), KEY)
        run.replace("labels", {"dataset": "d"}, pa.table({"entity_id": [entity], "task": ["t"], "label": [entity]}))


def test_a_copy_is_whole_while_others_write(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    commit(store, "0")
    over = threading.Event()

    def write() -> None:
        number = 0
        while not over.is_set():
            number += 1
            commit(Store(tmp_path / "store"), str(number))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(4):
            copy(Store(tmp_path / "store"), tmp_path / f"copy{number}")
    finally:
        over.set()
        writer.join()
    for number in range(4):
        assert check(tmp_path / f"copy{number}") == []
        copied = Store(tmp_path / f"copy{number}")
        ((rows, newest),) = copied.sql("SELECT count(*), max(entity_id::INT) FROM texts").fetchall()
        assert rows == newest + 1
        ((label,),) = copied.sql("SELECT label::INT FROM labels").fetchall()
        assert label in (newest, newest - 1)
        assert "running" not in {status for (status,) in copied.sql("SELECT status FROM runs").fetchall()}
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_copy_holds_earlier_versions_models_and_frames_and_is_a_store_of_its_own(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    commit(store, "a")
    commit(store, "b")
    for name in ("models/tuned/weights", "raw/d/events"):
        (tmp_path / "store" / name).parent.mkdir(parents=True)
        (tmp_path / "store" / name).write_text(name)
    (tmp_path / "backup").mkdir()
    rows = copy(store, tmp_path / "backup").to_pylist()
    assert [(row["what"], row["version"]) for row in rows if row["what"] in ("runs", "texts", "labels")] == [
        ("runs", 4),
        ("texts", 2),
        ("labels", 2),
    ]
    copied = Store(tmp_path / "backup")
    assert copied.sql("SELECT label FROM labels", at=2).fetchall() == [("a",)]
    assert (tmp_path / "backup/models/tuned/weights").read_text() == "models/tuned/weights"
    assert (tmp_path / "backup/raw/d/events").exists()
    commit(copied, "c")
    assert store.sql("SELECT count(*) FROM texts").fetchall() == [(2,)]


def test_what_cannot_be_copied_leaves_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    commit(store, "a")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").touch()
    with pytest.raises(StoreError, match="give a folder that is empty or not there yet"):
        copy(store, tmp_path / "mine")
    victim = next((tmp_path / "store/tables/labels").rglob("*.parquet"))
    victim.write_bytes(victim.read_bytes().replace(b"a", b"b"))
    with pytest.raises(StoreError, match=r"table labels is damaged: its file .* is not what was written"):
        copy(store, tmp_path / "backup")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "store"]


def test_the_command_says_what_it_copied(shell: Shell) -> None:
    shell.stage("serialize")
    code, out, _ = shell("copy", shell.folder / "backup")
    assert code == 0
    assert "events/shop" in out
    assert Store(shell.folder / "backup").sql("SELECT count(*) FROM events_shop").fetchall() == [(90,)]
