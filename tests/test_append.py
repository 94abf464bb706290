"""Sources that only grow: what has come is read, and the store is what one reading of everything would have made."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llm4es import Project
from llm4es.core.errors import DataError
from llm4es.project import completed, reading

from .growing import FIRST, SECOND, Growing, write


@pytest.fixture
def grown(place: Path) -> Growing:
    growing = Growing(place / "raw")
    growing.add("day-1.csv", FIRST)
    growing.day()
    return growing


def test_only_new_files_are_read(grown: Growing, read: list[int]) -> None:
    grown.add("day-2.csv", SECOND)
    outcome = grown.day()
    assert read == [3]
    assert (outcome.rows, outcome.computed, outcome.reused) == (4, 3, 1)
    assert sorted(outcome.reasons.values()) == [1, 2]
    assert grown.rows() == grown.at_once()


def test_late_events_take_their_place(grown: Growing) -> None:
    grown.add("day-2.csv", SECOND)
    grown.day()
    of_a = [row for row in grown.rows()["events"] if "a" in row[:2]]
    assert [row[4] for row in of_a] == ["tea", "bread", "rice"]
    assert [row[2] for row in of_a] == [0, 1, 2]  # positions
    assert [row[6] for row in of_a] == [None, 1, 1]  # days between them


def test_a_day_without_events_reads_nothing(grown: Growing, read: list[int]) -> None:
    before = grown.rows()
    (grown.folder / "customers.csv").write_text("customer,loyal\na,no\nb,no\nc,yes\nd,no\n")
    outcome = grown.day()
    assert (read, outcome.rows, outcome.computed) == ([], 3, 0)
    assert "serialize: no new events" in grown.told
    assert [row[3] for row in grown.rows()["labels"]] == ["no", "no", "yes", "no"]
    assert grown.rows()["events"] == before["events"]


def test_a_file_with_a_header_alone_is_a_day_without_events(grown: Growing) -> None:
    grown.add("day-2.csv", [])
    assert grown.day().computed == 0
    assert grown.rows() == grown.at_once()


def test_a_renamed_file_is_not_new(grown: Growing, read: list[int]) -> None:
    (grown.folder / "day-1.csv").rename(grown.folder / "day-01.csv")
    grown.add("day-2.csv", SECOND)
    grown.day()
    assert read == [3]
    assert grown.rows() == grown.at_once()


def test_a_column_that_a_new_file_lacks_is_missing_there(place: Path) -> None:
    growing = Growing(place / "raw", 'key = "receipt"')
    growing.add("day-1.csv", FIRST)
    growing.day()
    (growing.folder / "day-2.csv").write_text("customer,bought_at,product\na,2026-01-04,tea\nd,2026-01-04,milk\n")
    assert growing.day().computed == 2
    assert growing.rows() == growing.at_once()
    (growing.folder / "day-3.csv").write_text("customer,bought_at,receipt\na,2026-01-05,9\n")
    growing.day()
    assert growing.rows() == growing.at_once()


def test_a_column_that_no_file_has_is_refused(grown: Growing) -> None:
    grown.add("day-2.csv", SECOND)
    grown.recipe.write_text(grown.recipe.read_text() + '\n[[fields]]\nname = "price"\n')
    grown.project = grown._opened(grown.folder.parent / "store")
    with pytest.raises(DataError, match="there is no column 'price'"):
        grown.day()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda folder: write(folder, "day-1.csv", FIRST[:2]), "of 1 files that were read 1 have changed (day-1.csv"),
        (lambda folder: (folder / "day-1.csv").unlink(), "of 1 files that were read 1 have changed (day-1.csv is gone"),
    ],
)
def test_changed_and_vanished_files_are_told_and_read_anew(
    grown: Growing, change: Callable[[Path], Any], told: str
) -> None:
    change(grown.folder)
    grown.add("day-2.csv", SECOND)
    grown.day()
    assert any(told in line for line in grown.told), grown.told
    assert grown.rows() == grown.at_once()


def test_equal_events_are_told_and_kept_without_a_key(grown: Growing) -> None:
    grown.add("day-2.csv", [*FIRST[:2], *SECOND])
    grown.day()
    assert any(line.startswith("2 new events equal one that was there") for line in grown.told), grown.told
    assert grown.rows() == grown.at_once()


def test_an_event_of_a_known_key_takes_the_place_of_the_older(place: Path) -> None:
    growing = Growing(place / "raw", 'key = "receipt"')
    growing.add("day-1.csv", FIRST)
    growing.day()
    growing.add("day-2.csv", [FIRST[0], ("b", "2026-01-01 11:00:00", "oat milk", 2), *SECOND])
    outcome = growing.day()
    assert "serialize: 2 new events have the key of one that was there, and take its place" in growing.told
    assert outcome.computed == 3
    rows = growing.rows()
    assert rows == growing.at_once()
    assert len(rows["events"]) == len({row[3] for row in FIRST + SECOND})
    assert [row[4] for row in rows["events"] if row[1] == "b"] == ["oat milk", "tea"]


def test_rows_that_lack_the_key_stand_for_themselves(place: Path) -> None:
    growing = Growing(place / "raw", 'key = "receipt"')
    (growing.folder / "day-1.csv").write_text(
        "customer,bought_at,product,receipt\na,2026-01-01,tea,\na,2026-01-02,milk,\na,2026-01-03,rice,7\n"
        "a,2026-01-04,salt,7\n"
    )
    growing.day()
    assert [row[4] for row in growing.rows()["events"]] == ["tea", "milk", "salt"]


def test_a_killed_day_is_found_whole_by_the_next(grown: Growing, monkeypatch: pytest.MonkeyPatch) -> None:
    grown.add("day-2.csv", SECOND)

    def broken(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(reading, "keep_recipe", broken)
    with pytest.raises(KeyboardInterrupt):
        grown.day()
    monkeypatch.undo()
    assert len(grown.rows()["events"]) == 7  # the killed day has got that far
    grown.add("day-3.csv", [("a", "2026-01-05 10:00:00", "tea", 8)])
    grown.day()
    assert grown.rows() == grown.at_once()
    assert not any("every row" in line for line in grown.told)


def test_what_another_job_writes_meanwhile_is_not_doubled(grown: Growing, monkeypatch: pytest.MonkeyPatch) -> None:
    grown.add("day-2.csv", SECOND)
    real = completed.completed
    other = Project(grown.recipe, grown.folder.parent / "store", observer="silent")

    def late(*args: Any) -> Any:
        monkeypatch.setattr(reading, "completed", real)
        other.serialize()
        yield from real(*args)

    monkeypatch.setattr(reading, "completed", late)
    grown.day()
    assert grown.rows() == grown.at_once()


def test_a_changed_recipe_reads_everything(grown: Growing, read: list[int]) -> None:
    grown.recipe.write_text(grown.recipe.read_text().replace('name = "gap"', 'name = "gap"\nheader = "Days since"'))
    grown.project = grown._opened(grown.folder.parent / "store")
    grown.day()
    assert read == [4]
    assert "serialize: every row of shop is read: other texts are asked for" in grown.told
    assert set(grown.at_once()["texts"]) <= set(grown.rows()["texts"])  # those of the old recipe are there too


def test_a_sample_reads_everything(grown: Growing) -> None:
    grown.add("day-2.csv", SECOND)
    project = Project(grown.recipe, grown.folder.parent / "store", observer=grown, max_entities=2)
    project.serialize()
    assert any("of a sample (--max-entities)" in line for line in grown.told)


def test_dry_run_says_the_same_and_writes_nothing(grown: Growing) -> None:
    grown.add("day-2.csv", SECOND)
    planned = grown.project.serialize(dry_run=True)
    assert len(grown.rows()["events"]) == 4
    done = grown.day()
    assert (planned.rows, planned.computed, planned.reasons) == (done.rows, done.computed, done.reasons)
