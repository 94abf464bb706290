"""Times that are no plain text: days with fractions, years of two digits, counts of another unit."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from llm4es.core.errors import DataError
from llm4es.recipes.init import draft_recipe

from .raw import events, maker


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Path]:
    return maker(tmp_path)


def _times(recipe: Path) -> list[datetime]:
    times: list[datetime] = events(recipe)["event_time"].to_pylist()
    return times


EXCEL = '{ from = "at", format = "days", origin = "1899-12-30" }'


@pytest.mark.parametrize("day", [45000.75, 45000.35, 45000.999999, 45000.5, 45001.0, 44999 + 7 / 24, -0.25])
def test_days_with_fractions_are_that_day(make: Callable[..., Path], tmp_path: Path, day: float) -> None:
    exact = datetime(1899, 12, 30, tzinfo=UTC) + timedelta(days=day)
    right = [(exact + timedelta(microseconds=500)).replace(microsecond=exact.microsecond // 1000 * 1000)]
    recipe = make(f"user,at,what\na,{day!r},x\n", time=EXCEL)
    (read,) = _times(recipe)
    assert abs(read - right[0]) <= timedelta(milliseconds=1)
    assert read.date() == exact.date()
    pq.write_table(pa.table({"user": ["a"], "at": [day], "what": ["x"]}), tmp_path / "events.parquet")
    recipe.write_text(recipe.read_text().replace("events.csv", "events.parquet"))
    assert _times(recipe) == [read]


def test_a_day_never_ends_tomorrow(make: Callable[..., Path]) -> None:
    (read,) = _times(make("user,at,what\na,45000.9999999999,x\n", time=EXCEL))
    assert read.date() == datetime(2023, 3, 15, tzinfo=UTC).date()
    (read,) = _times(make("user,at,what\na,15.9 01:00:00,x\n", time=EXCEL.replace('"days"', '"days_time"')))
    assert read == datetime(1900, 1, 14, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("format", "written"),
    [
        ("%m/%d/%Y", "01/14/{}"),
        ("%m/%d/%y", "01/14/{}"),
        ("%d.%m.%Y %H:%M", "14.01.{} 00:00"),
        ("%Y-%m-%d", "{}-01-14"),
    ],
)
def test_years_of_two_digits_turn_at_69(
    make: Callable[..., Path], format: str, written: str, caplog: pytest.LogCaptureFixture
) -> None:
    years = ["00", "24", "68", "69", "99"]
    csv = "user,at,what\n" + "".join(f"a,{written.format(year)},x\n" for year in years)
    with caplog.at_level(logging.WARNING):
        times = _times(make(csv, time=f'{{ from = "at", format = "{format}" }}'))
    assert sorted(times) == sorted(datetime.strptime(f"14/01/{year}", "%d/%m/%y").replace(tzinfo=UTC) for year in years)
    told = "mine, events.time.from: 5 of 5 values, such as " in caplog.text
    assert told == ("%Y" in format)


def test_whole_years_stay(make: Callable[..., Path], caplog: pytest.LogCaptureFixture) -> None:
    csv = "user,at,what\na,0001-01-01,x\na,1924-01-14,x\n"
    with caplog.at_level(logging.WARNING):
        for time in ('{ from = "at" }', '{ from = "at", format = "%Y-%m-%d" }'):
            assert [moment.year for moment in _times(make(csv, time=time))] == [1, 1924]
    assert not caplog.messages


@pytest.mark.parametrize("field", ['name = "at"\ntype = "date"', 'name = "at"\ntype = "datetime"'])
def test_a_short_year_without_a_format_is_refused(make: Callable[..., Path], field: str) -> None:
    csv = "user,at,what\na,24-01-14,x\n"
    with pytest.raises(DataError, match=r"events.time.from: row 1 has '24-01-14', which is not a time of format 'iso'"):
        events(make(csv, time='{ from = "at" }'))
    with pytest.raises(DataError, match=r"fields.at: row 1 has '24-01-14', which is not a (date|time)"):
        events(make(csv, fields=field))


def test_a_drafted_recipe_reads_years_of_two_digits(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text("customer,at,product\n" + "c1,01/14/24,tea\nc2,02/20/23,tea\n" * 6)
    recipe = tmp_path / "r.toml"
    recipe.write_text(draft_recipe(tmp_path / "e.csv", folder=tmp_path).toml)
    assert set(_times(recipe)) == {datetime(2024, 1, 14, tzinfo=UTC), datetime(2023, 2, 20, tzinfo=UTC)}


def test_seconds_read_as_milliseconds_are_told(make: Callable[..., Path], caplog: pytest.LogCaptureFixture) -> None:
    csv = "user,at,what\na,1700000000,x\na,1700000300,x\n"
    unix = '{{ from = "at", format = "unix", unit = "{}" }}'
    with caplog.at_level(logging.WARNING):
        assert _times(make(csv, time=unix.format("s")))[0] == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
        assert not caplog.messages
        assert {moment.year for moment in _times(make(csv, time=unix.format("ms")))} == {1970}
    assert "2 of 2 values, such as '1700000000', are in 1970: are they seconds, and not ms?" in caplog.text
