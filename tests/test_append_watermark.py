"""One table that grows: the rows beyond the greatest time or number that was read are new."""

from pathlib import Path

import pytest

from llm4es.core.errors import DataError

from .growing import FIRST, SECOND, Growing, Row

WATERMARK = 'watermark = "receipt"'


def test_rows_beyond_the_watermark_alone_are_read(place: Path, read: list[int]) -> None:
    growing = Growing(place / "raw", WATERMARK, "all.csv")
    growing.add("all.csv", FIRST)
    growing.day()
    growing.add("all.csv", [*SECOND, *FIRST])  # wherever they stand
    growing.day()
    assert read == [4, 3]
    growing.add("all.csv", [*SECOND, *FIRST, ("c", "2026-02-01 10:00:00", "tea", 10)])  # 10 is beyond 7, as a number
    growing.day()
    assert read == [4, 3, 1]
    assert growing.rows() == growing.at_once()


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([*FIRST[1:], *SECOND], "up to receipt 4.000000000 there are 1 rows fewer than were read"),
        ([*FIRST, *SECOND, ("c", "2026-01-09 10:00:00", "tea", 2)], "there are 1 rows more than were read"),
        (FIRST[:2], "up to receipt 4.000000000 there are 2 rows fewer"),  # a clock that goes back
    ],
)
def test_a_past_that_changed_is_told_and_read_anew(place: Path, rows: list[Row], told: str) -> None:
    growing = Growing(place / "raw", WATERMARK, "all.csv")
    growing.add("all.csv", FIRST)
    growing.day()
    growing.add("all.csv", rows)
    growing.day()
    assert any(told in line for line in growing.told), growing.told
    assert growing.rows() == growing.at_once()


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("receipt", "", "events.watermark: 1 of 5 rows have no 'receipt'"),
        ("receipt", "n/a", "'receipt' has values, such as 'n/a', that are neither times nor numbers"),
        ("reciept", "5", "has no column 'reciept'; did you mean"),
    ],
)
def test_a_watermark_that_tells_nothing_is_refused(place: Path, column: str, value: str, told: str) -> None:
    growing = Growing(place / "raw", f'watermark = "{column}"', "all.csv")
    growing.add("all.csv", [*FIRST, ("c", "2026-02-01 10:00:00", "tea", value)])  # type: ignore[list-item]
    with pytest.raises(DataError) as error:
        growing.day()
    assert told in str(error.value)


def test_a_table_that_was_emptied_is_one_line(place: Path) -> None:
    growing = Growing(place / "raw", WATERMARK, "all.csv")
    growing.add("all.csv", FIRST)
    growing.day()
    growing.add("all.csv", [])
    with pytest.raises(DataError, match=r"events.watermark: there is no row in all.csv: put the table's rows back"):
        growing.day()
    assert len(growing.rows()["events"]) == len(FIRST)


def test_times_are_watermarks_too(place: Path, read: list[int]) -> None:
    growing = Growing(place / "raw", 'watermark = "bought_at"', "all.csv")
    growing.add("all.csv", FIRST)
    growing.day()
    growing.add("all.csv", [*FIRST, *SECOND[:2]])
    growing.day()
    assert read == [4, 2]
    assert growing.rows() == growing.at_once()
