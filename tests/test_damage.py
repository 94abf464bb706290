"""Damaged tables: each is named in one line with its file and hides no other; none reads as fewer rows in silence."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from llm4es import Project
from llm4es.core.errors import StoreError
from llm4es_store import Store

from .rows import KEY, SCOPE, texts, three_texts
from .shell import Shell

LOG = "tables/texts/_delta_log"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return three_texts(tmp_path / "store")


def cut(path: Path) -> None:
    """The first half of a file."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def data_file(root: Path) -> Path:
    return min((root / "tables/texts").rglob("*.parquet"))


def entry(root: Path, version: int) -> Path:
    return root / LOG / f"{version:020d}.json"


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a file is gone": (lambda root: data_file(root).unlink(), r"its file dataset=d/variant=raw/.*parquet is gone"),
    "a file is cut": (lambda root: cut(data_file(root)), r"its file dataset=d/.*parquet cannot be read \(No magic"),
    "a file is empty": (lambda root: data_file(root).write_bytes(b""), r"its file .* \(File too small to be a Parquet"),
    "the newest entry is lost": (
        lambda root: entry(root, 3).unlink(),
        "at version 2, the record of runs knows version 3",
    ),
    "the newest entry is empty": (lambda root: entry(root, 3).write_bytes(b""), "0003.json is empty, .* a power cut"),
    "the newest entry is cut": (lambda root: cut(entry(root, 3)), "0003.json is cut short or damaged"),
    "an entry between is lost": (lambda root: entry(root, 1).unlink(), "0001.json is missing"),
    "the first entry is lost": (lambda root: entry(root, 0).unlink(), "0000.json is missing"),
    "an entry is zeros": (lambda root: entry(root, 2).write_bytes(bytes(500)), "0002.json is cut short or damaged"),
    "the log is gone": (lambda root: shutil.rmtree(root / LOG), "its log is gone"),
}
"""What befalls a store -> what happens to it, what is said."""


@pytest.mark.parametrize("fault", FAULTS)
def test_a_damaged_table_is_named_and_every_other_can_be_read(root: Path, fault: str) -> None:
    befall, words = FAULTS[fault]
    befall(root)
    store = Store(root)
    assert store.sql("SELECT label FROM labels").fetchall() == [("x",)]
    assert len(store.sql("SELECT * FROM runs").fetchall()) == 4
    for query in (
        "SELECT count(*) FROM texts",
        "SELECT text FROM texts WHERE n_events > 7",  # a planner may find without reading that a null never is
        "SELECT 1 FROM labels LEFT JOIN texts USING (dataset, entity_id)",
        "SELECT no_such_column FROM texts",
    ):
        with pytest.raises(StoreError, match=f"^table texts is damaged: .*{words}") as told:
            store.sql(query)
        assert "\n" not in str(told.value)
        assert not [word for word in ("unknown>", "pthread", "ParsedLogPath", "permissions") if word in str(told.value)]


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if "file" not in fault])  # adding rows reads no data file
def test_a_damaged_table_takes_no_rows_and_others_do(root: Path, fault: str) -> None:
    befall, words = FAULTS[fault]
    befall(root)
    store = Store(root)
    with pytest.raises(StoreError, match=words), store.run("serialize", "d", {}, "0") as run:
        run.append("texts", SCOPE, texts({"e": "1"}), KEY)
    with store.run("probe", "d", {}, "0") as run:
        run.replace("splits", {"dataset": "d"}, pa.table({"entity_id": ["a"], "split": ["test"], "name": ["hash"]}))
    again = Store(root)
    assert again.sql("SELECT split FROM splits").fetchall() == [("test",)]
    with pytest.raises(StoreError, match=words):  # what was written since does not make it forgotten
        again.sql("SELECT count(*) FROM texts")


def test_where_the_record_ends_in_a_damaged_entry_the_tables_can_be_read(root: Path) -> None:
    cut(root / f"tables/runs/_delta_log/{8:020d}.json")
    store = Store(root)
    assert store.sql("SELECT count(*) FROM texts").fetchall() == [(3,)]
    with pytest.raises(StoreError, match=r"table runs is damaged: its log's _delta_log/0+8.json is cut short"):
        store.sql("SELECT * FROM runs")
    with pytest.raises(StoreError, match="table runs is damaged"), store.run("serialize", "d", {}, "0") as run:
        run.begin()


def test_where_the_record_s_first_entry_is_damaged_the_events_can_be_read(project: Project, place: Path) -> None:
    project.serialize()
    cut(place / "store" / "tables" / "runs" / "_delta_log" / f"{1:020d}.json")
    ((events,),) = Store(place / "store").sql("SELECT count(*) FROM events_shop").fetchall()
    assert events == len((place / "shop" / "events.csv").read_text().splitlines()) - 1


def test_where_a_file_of_the_record_is_gone_the_tables_can_be_read(root: Path) -> None:
    min((root / "tables/runs").glob("*.parquet")).unlink()
    store = Store(root)
    assert store.sql("SELECT count(*) FROM texts").fetchall() == [(3,)]
    with pytest.raises(StoreError, match=r"table runs is damaged: its file .*parquet is gone"):
        store.sql("SELECT * FROM runs")


def test_commands_say_it_in_one_line(shell: Shell) -> None:
    shell.stage("serialize")
    for table in ("splits", "texts"):
        next((shell.root / "tables" / table).rglob("*.parquet")).unlink()
    assert shell("sql", "SELECT count(*) FROM labels")[1].splitlines()[-1] == "20"
    assert "table splits is damaged: its file" in shell.fails("sql", "SELECT count(*) FROM splits")
    for words in (
        ["embed", shell.recipe, "--model", shell.model, "--max-length", "64"],
        ["probe", shell.recipe],
        ["serialize", shell.recipe],
    ):
        assert "is damaged: its file" in shell.fails(*map(str, words))
    (shell.root / "tables/events/shop/_delta_log" / f"{0:020d}.json").write_bytes(b"{")
    assert "table events/shop is damaged" in shell.fails("sql", "SELECT product FROM events_shop")
