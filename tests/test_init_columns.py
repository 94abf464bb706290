"""``init``: whose and when where columns say little by themselves, and the files of folders and globs."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from llm4es.recipes.init import draft_recipe
from llm4es.recipes.init.draft import Draft

from .raw import events


def _drafted(folder: Path, header: str, rows: list[str]) -> tuple[list[tuple[str, datetime | None]], Draft]:
    """Whose events there are and when, as the unchanged draft reads them, and the draft."""
    (folder / "e.csv").write_text("\n".join([header, *rows]) + "\n")
    draft = draft_recipe(folder / "e.csv", folder=folder)
    (folder / "r.toml").write_text(draft.toml)
    read = events(folder / "r.toml").select(["entity_id", "event_time"]).to_pylist()
    return [(row["entity_id"], row["event_time"]) for row in read], draft


@pytest.mark.parametrize(
    ("columns", "values", "right"),
    [
        ("year,month,day,hour", "2024,2,30,5", None),
        ("year,month,day,hour,minute", "2024,12,30,5,07", datetime(2024, 12, 30, 5, 7, tzinfo=UTC)),
        ("Day,Month,Year", "30,01,2024", datetime(2024, 1, 30, tzinfo=UTC)),
        ("yr,mon", "1999,4", datetime(1999, 4, 1, tzinfo=UTC)),
    ],
)
def test_parts_of_a_time_are_put_together(tmp_path: Path, columns: str, values: str, right: datetime | None) -> None:
    rows = [f"{user},{what},{values}" for user in "ab" for what in ("tea", "milk")]
    if right is None:
        rows = [row.replace(",2,30,", f",{3 + at},30,") for at, row in enumerate(rows)]
        right = datetime(2024, 3, 30, 5, tzinfo=UTC)
    read, draft = _drafted(tmp_path, f"user,what,{columns}", rows)
    assert read[0] == ("a", right)
    assert f"events.time: the columns {', '.join(sorted(columns.split(',')))} are put together" in draft.unsure
    assert "fields.month" not in draft.toml


def test_all_events_of_one(tmp_path: Path) -> None:
    rows = [f"u,2024-01-0{day},{what}" for day in range(1, 9) for what in ("tea", "milk")]
    read, draft = _drafted(tmp_path, "user,at,what", rows)
    assert {entity for entity, _ in read} == {"u"}
    assert "events.entity: 'user' is the same in every row: all events are of one" in draft.unsure


def test_events_one_each(tmp_path: Path) -> None:
    read, draft = _drafted(tmp_path, "customer_id,what", [f"u{at},{'tea' if at % 2 else 'milk'}" for at in range(12)])
    assert len({entity for entity, _ in read}) == 12
    said = "events.entity: hardly a value of 'customer_id' comes again, so most have one event; it could be 'what'"
    assert said in draft.unsure


ROWS = "user,what\na,tea\na,milk\nb,tea\nb,rice\n"


def test_a_folder_s_readme_is_no_table(tmp_path: Path) -> None:
    folder = tmp_path / "raw"
    folder.mkdir()
    (folder / "README.md").write_text("# What this is\n")
    (folder / "LICENSE").write_text("Free\n")
    (folder / "a.csv").write_text(ROWS)
    (folder / "B.CSV").write_text(ROWS.replace("a,", "c,"))
    draft = draft_recipe(folder, folder=tmp_path)
    (tmp_path / "r.toml").write_text(draft.toml)
    assert set(events(tmp_path / "r.toml")["entity_id"].to_pylist()) == {"a", "b", "c"}
    assert any("are taken, and not LICENSE, README.md" in doubt for doubt in draft.unsure)


def test_a_glob_in_a_folder_like_a_pattern(tmp_path: Path) -> None:
    folder = tmp_path / "[2026] data"
    folder.mkdir()
    (folder / "a.csv").write_text(ROWS)
    draft = draft_recipe(folder / "*.csv", folder=tmp_path)
    (tmp_path / "r.toml").write_text(draft.toml)
    assert set(events(tmp_path / "r.toml")["entity_id"].to_pylist()) == {"a", "b"}
    assert "Events of [2026] data" in draft.toml


@pytest.mark.parametrize("inside", [True, False])
def test_what_folders_alone_tell_is_a_doubt(tmp_path: Path, inside: bool) -> None:
    for day in ("1", "2"):
        folder = tmp_path / "raw" / f"day={day}"
        folder.mkdir(parents=True)
        columns = {"user": ["a", "a", "b"], "what": ["tea", "milk", "tea"]} | ({"day": [day] * 3} if inside else {})
        pq.write_table(pa.table(columns), folder / "x.parquet")
    doubts = [doubt for doubt in draft_recipe(tmp_path / "raw", folder=tmp_path).unsure if "tell 'day'" in doubt]
    said = "tables.events.path: only folders such as day=1 tell 'day', which is not read: put it into the files"
    assert doubts == ([] if inside else [said])
