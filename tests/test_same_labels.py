"""Labels and splits of a later day: read again only where what they are made from may have changed."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from llm4es import Project
from llm4es.project import reading, row_chunks
from llm4es.recipes import read_labels
from llm4es_store import Store

RECIPE = """
name = "visits"

[tables.events]
path = "events*.csv"

[tables.known]
path = "known.csv"

[events]
entity = "user"
time = { from = "at" }

[[fields]]
name = "shop"

[tasks.loyal]
kind = "binary"
table = "known"
entity = "user"
label = "loyal"

[splits.columns.drawn]
table = "known"
entity = "user"
split = "part"
"""
KNOWN = "user,loyal,part\n" + "".join(f"u{i},{i % 2},{'test' if i % 3 else 'train'}\n" for i in range(6))
TABLES = ("texts", "events_visits", "labels", "splits")


class Day:
    """Raw files, and how often the labels of them were read."""

    def __init__(self, root: Path, mode: str) -> None:
        self.root, self.n_read = root, 0
        (root / "r.toml").write_text(RECIPE.replace("[events]\n", f"[events]\n{mode}\n"))
        self.write("known.csv", KNOWN)
        self.write("events.csv", "user,at,shop\n" + "".join(f"u{i},2026-01-01,tea\n" for i in range(5)))

    def write(self, name: str, text: str) -> None:
        (self.root / name).write_text(text)

    def serialize(self, store: str = "store") -> Store:
        self.n_read = 0
        Project(self.root / "r.toml", store=self.root / store).serialize()
        return Store(self.root / store)

    def check(self) -> None:
        """The store's rows are those of a store that is made at once."""
        mine, other = Store(self.root / "store"), self.serialize("at once")
        for table in TABLES:
            query = f"SELECT * EXCLUDE (run_id) FROM {table} ORDER BY ALL"
            assert mine.sql(query).to_arrow_table() == other.sql(query).to_arrow_table(), table


@pytest.fixture(params=["", 'mode = "append"'], ids=["all", "append"])
def day(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Day:
    made = Day(tmp_path, request.param)

    def counted(*given: Any, **options: Any) -> pa.Table:
        made.n_read += 1
        return read_labels(*given, **options)

    monkeypatch.setattr(reading, "read_labels", counted)
    return made


def test_labels_of_the_same_files_are_not_read_again(day: Day) -> None:
    day.serialize()
    assert day.n_read == 1
    day.write("events_2.csv", "user,at,shop\nu3,2026-02-01,milk\n")
    day.serialize()
    assert day.n_read == 0
    day.check()


def test_who_is_new_is_split_all_the_same(day: Day) -> None:
    day.serialize()
    day.write("events_2.csv", "user,at,shop\nu5,2026-02-01,milk\n")
    store = day.serialize()
    assert day.n_read == 0
    assert store.sql("SELECT split FROM splits WHERE entity_id = 'u5' AND name = 'drawn'").fetchall() == [("test",)]
    day.check()


def test_changed_labels_are_read(day: Day) -> None:
    day.serialize()
    day.write("known.csv", KNOWN.replace("u1,1,test", "u1,0,train"))
    day.write("events_2.csv", "user,at,shop\nu3,2026-02-01,milk\n")
    day.serialize()
    assert day.n_read == 1
    day.check()


def test_labels_that_another_serialization_keeps_meanwhile_are_read_again(
    day: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    day.serialize()
    day.write("events_2.csv", "user,at,shop\nu3,2026-02-01,milk\n")
    real, made = row_chunks.chunks_made, list[bool]()

    def meanwhile(*given: Any) -> Any:
        if not made:
            made.append(True)
            day.write("known.csv", KNOWN.replace("u1,1,test", "u1,0,train"))
            day.serialize()
            day.write("known.csv", KNOWN)
        return real(*given)

    monkeypatch.setattr(reading, "chunks_made", meanwhile)
    day.serialize()
    assert day.n_read == 2
    day.check()


def test_labels_in_the_events_own_table_are_read_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Day(tmp_path, "")
    own = RECIPE[: RECIPE.index("[splits")].replace('table = "known"', 'table = "events"').replace('"loyal"', '"shop"')
    (tmp_path / "r.toml").write_text(own.replace("[events]\n", "[events]\n"))
    made.serialize()
    made.write("events.csv", (tmp_path / "events.csv").read_text().replace("u1,2026-01-01,tea", "u1,2026-01-01,milk"))
    made.serialize()
    made.check()
