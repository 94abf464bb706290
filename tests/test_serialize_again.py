"""The second day of `serialize`: only entities whose raw events changed are read, written as text and committed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from llm4es import Project
from llm4es.recipes import RawEvents
from llm4es_store import Store

pytestmark = pytest.mark.usefixtures("few_folds")

RECIPE = """
name = "visits"

[tables.events]
path = "events.csv"

[events]
entity = "user"
time = { from = "at" }

[[fields]]
name = "shop"

[[fields]]
name = "amount"
type = "number"
"""
HEAD = "user,at,shop,amount"
ROWS = [f"u{user},2026-01-0{day},shop {day},{user}.5" for day in range(1, 5) for user in range(8)]
TIED = ["u0,2026-02-01,tea,1", "u0,2026-02-01,milk,2"]


class Visits:
    """A folder of raw visits, and what was read and asked for at each serialization."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "r.toml").write_text(RECIPE)
        self.read: list[list[str]] = []

    def write(self, rows: Sequence[str]) -> None:
        (self.root / "events.csv").write_text("\n".join([HEAD, *rows]) + "\n")

    def serialize(self, store: str = "store", **options: Any) -> str:
        """The outcome in words; who was read is in ``read``."""
        self.read.clear()
        return str(Project(self.root / "r.toml", store=self.root / store).serialize(**options))

    def rows(self, store: str = "store") -> list[pa.Table]:
        queries = ("texts", "events_visits", "splits")
        opened = Store(self.root / store)
        return [opened.sql(f"SELECT * EXCLUDE (run_id) FROM {name} ORDER BY ALL").to_arrow_table() for name in queries]

    def check(self) -> None:
        """The store's rows are those of a store that is made at once."""
        self.serialize("at once")
        assert self.rows() == self.rows("at once")


@pytest.fixture
def visits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Visits:
    made = Visits(tmp_path)
    real = RawEvents.read

    def reading(self: RawEvents, only: pa.ChunkedArray | None = None) -> pa.RecordBatchReader:
        made.read.append(["everybody"] if only is None else only.to_pylist())
        return real(self, only)

    monkeypatch.setattr(RawEvents, "read", reading)
    return made


def test_only_who_changed_is_read_and_each_table_gets_one_commit(visits: Visits) -> None:
    visits.write(ROWS)
    visits.serialize()
    assert visits.read == [["everybody"]]
    before = Store(visits.root / "store").snapshot()
    visits.write([*ROWS, "u3,2026-02-01,tea,9", "new,2026-02-01,tea,9"])
    assert "2 computed, 7 reused (1 new, 1 text changed)" in visits.serialize()
    assert visits.read == [["new", "u3"]]
    after = Store(visits.root / "store").snapshot()
    assert {table: after[table] - before[table] for table in ("texts", "events/visits")} == {
        "texts": 1,
        "events/visits": 1,
    }
    visits.check()


def test_a_file_in_another_order_changes_nobody_but_those_with_events_of_one_time(visits: Visits) -> None:
    visits.write([*ROWS, *TIED])
    visits.serialize()
    visits.write([*TIED[::-1], *ROWS[::-1]])
    assert "1 computed, 7 reused (1 text changed)" in visits.serialize()
    assert visits.read == [["u0"]]
    visits.check()


def test_who_is_gone_goes_without_reading_anybody(visits: Visits) -> None:
    visits.write(ROWS)
    visits.serialize()
    visits.write([row for row in ROWS if not row.startswith("u5")])
    assert "0 computed, 7 reused (1 vanished)" in visits.serialize()
    assert visits.read == []
    visits.check()


def test_a_zero_below_zero_is_another_value(visits: Visits) -> None:
    visits.write([*ROWS, "z,2026-01-01,tea,0.0"])
    visits.serialize()
    visits.write([*ROWS, "z,2026-01-01,tea,-0.0"])
    visits.serialize()
    assert visits.read == [["z"]]


def test_a_text_that_was_lost_is_made_again(visits: Visits) -> None:
    visits.write(ROWS)
    visits.serialize()
    with Store(visits.root / "store").run("mend", "visits", {}, "0") as run:
        run.delete("texts", {"dataset": "visits"}, "entity_id = 'u2'")
    visits.write([*ROWS, "u3,2026-02-01,tea,9"])
    visits.serialize()
    assert visits.read == [["u2", "u3"]]
    visits.check()


def test_what_another_configuration_or_a_sample_wrote_in_between_is_not_taken_for_known(visits: Visits) -> None:
    visits.write(ROWS)
    visits.serialize()
    visits.write([*ROWS, "u3,2026-02-01,tea,9"])
    visits.serialize(as_of="2026-01-03")  # the events are those of today now, the texts of whole histories are not
    visits.write([*ROWS, "u3,2026-02-01,tea,9", "u4,2026-02-01,tea,9"])
    assert "2 computed" in visits.serialize()
    assert visits.read == [["everybody"]]
    visits.write([*ROWS, "u3,2026-02-01,tea,9", "u4,2026-02-01,tea,9", "u5,2026-02-01,tea,9"])
    Project(visits.root / "r.toml", store=visits.root / "store", max_entities=3).serialize()
    visits.serialize()
    assert visits.read == [["everybody"]]
    texts = Store(visits.root / "store").sql("SELECT count(*) FROM texts WHERE as_of IS NULL AND text LIKE '%tea%'")
    assert texts.fetchall() == [(3,)]


def test_texts_before_a_cut_off_are_counted_as_they_would_be(visits: Visits) -> None:
    visits.write([*ROWS, "late,2026-03-01,tea,1"])
    visits.serialize(as_of="2026-02-01")
    visits.write([*ROWS, "late,2026-03-01,tea,1", "u1,2026-01-05,tea,1"])
    assert "1 computed, 7 reused (1 text changed)" in visits.serialize(as_of="2026-02-01")
    assert visits.read == [["late", "u1"]]  # who has no text may have been before it, or not: it is looked at
