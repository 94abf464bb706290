"""``init``: times, money and clocks as people write them, and what it says of those that it cannot tell."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from llm4es.recipes import keep_frames, load_recipe, locate, read_events, recipe_from_frame
from llm4es.recipes.init.draft import Draft, draft_recipe

COMMON = "2024-01-30 15:18:45"


def events(folder: Path, draft: Draft) -> pa.Table:
    (folder / "mine.toml").write_text(draft.toml, encoding="utf-8")
    recipe = load_recipe(folder / "mine.toml")
    return read_events(recipe, locate(recipe), recipe.texts.options()).read_all()


def drafted(folder: Path, header: str, rows: list[str]) -> tuple[pa.Table, Draft]:
    """The events of a table of two users, and what was drafted: each row is there four times."""
    lines = [f"{user}\t{row}" for row in rows for user in "abab"]
    (folder / "t.tsv").write_text("\n".join([f"user\t{header}", *lines]) + "\n", encoding="utf-8")
    draft = draft_recipe(folder / "t.tsv", folder=folder)
    return events(folder, draft), draft


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("30.01.2024 15:18:45", COMMON),
        ("30-01-2024 15:18", "2024-01-30 15:18:00"),
        ("30/01/24 15:18", "2024-01-30 15:18:00"),
        ("1/30/2024 3:18 PM", "2024-01-30 15:18:00"),
        ("01/30/2024 03:18:45 pm", COMMON),
        ("30 Jan 2024", "2024-01-30 00:00:00"),
        ("30-Jan-24", "2024-01-30 00:00:00"),
        ("January 30, 2024", "2024-01-30 00:00:00"),
        ("Jan 30, 2024 3:18 PM", "2024-01-30 15:18:00"),
        ("Tuesday, January 30, 2024", "2024-01-30 00:00:00"),
        ("Tue, 30 Jan 2024 17:18:45 +0200", COMMON),
        ("Tue, 30 Jan 2024 15:18:45 GMT", COMMON),
        ("30/Jan/2024:16:18:45 +0100", COMMON),
        ("[30/Jan/2024:16:18:45 +0100]", COMMON),
        ("Tue Jan 30 15:18:45 2024", COMMON),
        ("Tue Jan 30 15:18:45 +0000 2024", COMMON),
        ("30JAN24:15:18:45", COMMON),
        ("20240130", "2024-01-30 00:00:00"),
        ("202401301518", "2024-01-30 15:18:00"),
        ("20240130151845", COMMON),
        ("20240130T151845", COMMON),
        ("1706627925", COMMON),
        ("1706627925000", COMMON),
        ("1706627925000000", COMMON),
        ("1706627925000000000", COMMON),
        ("2024-01-30T16:18:45+01:00", COMMON),
        ("2024-01-30T15:18:45.000Z", COMMON),
        ("2024-01-30 15:18:45,000", COMMON),
        ("2024-01-30 10:18:45 EST", COMMON),
        ("2024-01-30 16:18:45 Europe/Berlin", COMMON),
        ("2024-01", "2024-01-01 00:00:00"),
        ("Jan 2024", "2024-01-01 00:00:00"),
    ],
)
def test_writings_of_times(tmp_path: Path, written: str, read: str) -> None:
    table, draft = drafted(tmp_path, "when\twhat", [f"{written}\ttea"])
    assert set(table["event_time"].to_pylist()) == {datetime.fromisoformat(read).replace(tzinfo=UTC)}, draft.toml
    assert not any("no column looks like a time" in doubt for doubt in draft.unsure)


def test_years_and_months_and_orders_are_doubts(tmp_path: Path) -> None:
    table, draft = drafted(tmp_path, "year\twhat", ["2021\ttea", "2022\tmilk"])
    assert {time.year for time in table["event_time"].to_pylist()} == {2021, 2022}
    assert "events.time: 'year' holds years only: events of one stay in the order of the file" in draft.unsure
    for mark, other in ((".", None), ("/", "%m/%d/%y"), ("-", "%m-%d-%y")):
        _, draft = drafted(tmp_path, "day\twhat", [f"03{mark}04{mark}24\ttea", f"05{mark}06{mark}24\ttea"])
        doubts = [doubt for doubt in draft.unsure if doubt.startswith("events.time")]
        assert any("years of two digits" in doubt for doubt in doubts)
        assert any(f'other way round: format = "{other}"' in doubt for doubt in doubts) == (other is not None)


@pytest.mark.parametrize(
    ("written", "read", "doubt"),
    [
        (["2024-01-30", "31.01.2024", "01.02.2024"], ["2024-01-30", "2024-01-31", "2024-02-01"], "%d.%m.%Y, ISO"),
        (["30.01.2024", "31.01.2024 15:18"], ["2024-01-30", "2024-01-31T15:18:00"], "%d.%m.%Y, %d.%m.%Y %H:%M"),
        (["2024-01-30T16:18:45+01:00", "Jan 31, 2024 3:18 PM"], [COMMON, "2024-01-31T15:18"], "ISO, %b %d, %Y %I:%M"),
        (["2024-01-30", "03/04/2024"], ["2024-01-30", "2024-04-03"], "day and month of '%d/%m/%Y' the other way round"),
        (["30.01.2024"] * 12 + ["2024-01-31", "soon"], ["2024-01-30"] * 12 + ["2024-01-31"], "in 4 of 56 values such"),
    ],
)  # fmt: skip
def test_times_in_several_writings(tmp_path: Path, written: list[str], read: list[str], doubt: str) -> None:
    table, draft = drafted(tmp_path, "when\twhat", [f"{value}\ttea" for value in written])
    times = sorted({datetime.fromisoformat(value).replace(tzinfo=UTC) for value in read})
    assert sorted(set(table["event_time"].to_pylist())) == times, draft.toml
    assert len(table) == 4 * len(read)
    assert any(each.startswith("events.time: 'when' holds times") and doubt in each for each in draft.unsure)


def test_writings_that_contradict_each_other_are_told_and_kept_as_texts(tmp_path: Path) -> None:
    table, draft = drafted(tmp_path, "when\twhat", ["03/04/2024\ttea", "30/01/2024\tmilk", "01/31/2024\ttea"])
    assert {"03/04/2024", "30/01/2024", "01/31/2024"} == set(table["when"].to_pylist())
    (told,) = [each for each in draft.unsure if each.startswith("fields.when")]
    assert "%d/%m/%Y, %m/%d/%Y; it is kept as texts, since '03/04/2024' could be two of them" in told


def test_unreadable_times_are_counted_and_named(tmp_path: Path) -> None:
    rows = [f"{day:02}.01.2024\ttea" for day in range(1, 20)] + ["soon\ttea", "\ttea"]
    table, draft = drafted(tmp_path, "when\twhat", rows)
    assert len(table) == 4 * 19
    assert "events.time: 'when' cannot be read in 4 of 80 values such as 'soon'" in draft.unsure
    assert "events.time: 'when' is missing in some 4 of 84 rows: they are left out" in draft.unsure
    assert 'on_bad_row = "skip"' in draft.toml


def test_rows_of_nobody_are_told_and_left_out(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(
        "Customer ID,when,what\n" + "7,2024-01-01,tea\n,2024-01-02,tea\n8,2024-01-03,x\n" * 8
    )
    draft = draft_recipe(tmp_path / "t.csv", folder=tmp_path)
    assert len(events(tmp_path, draft)) == 16
    assert "events.entity: 'Customer ID' is missing in some 8 of 24 rows: they are left out" in draft.unsure


def test_durations_are_no_clocks(tmp_path: Path) -> None:
    table, draft = drafted(tmp_path, "date\tduration\twhat", ["2024-01-30\t03:45\ttea"])
    assert table["event_time"][0].as_py() == datetime(2024, 1, 30, tzinfo=UTC)
    assert not any("put together" in doubt for doubt in draft.unsure)
    table, draft = drafted(tmp_path, "date\tstart\twhat", ["30.01.2024\t3:45 PM\ttea"])
    assert table["event_time"][0].as_py() == datetime(2024, 1, 30, 15, 45, tzinfo=UTC)
    assert "events.time: the days of 'date' and the hours of 'start' are put together" in draft.unsure
    table, _ = drafted(tmp_path, "date\tsplit\twhat", ["2024-01-30\t26:45:00\ttea"])
    assert table["event_time"][0].as_py() == datetime(2024, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "read", "doubt", "unit"),
    [
        (["$5,538.33", "($1.00)", "-$2.50"], [5538.33, -1.0, -2.5], "commas in its numbers stand between", "$"),
        (["€ 1,50", "€ 1.234,56", "€ 3"], [1.5, 1234.56, 3.0], "commas in its numbers stand for decimal points", "€"),
        (["1.234,56 EUR", "0,50 EUR", "9 EUR"], [1234.56, 0.5, 9.0], "'EUR' is left out of its numbers", "EUR"),
        (["€1.50", "2.25 EUR", "3"], [1.5, 2.25, 3.0], "'€' is left out of its numbers, and is their unit, also", "€"),
        (["$1.50", "US$ 2", "USD 3"], [1.5, 2.0, 3.0], "is their unit, also written '$' and 'US$'", "USD"),
        (["12.5%", "7 %", "0.25 %"], [12.5, 7.0, 0.25], "'%' is left out of its numbers, and is their unit", "%"),
        (["1 234,50", "2\u00a0000,00", "3,5"], [1234.5, 2000.0, 3.5], "spaces or apostrophes in its numbers", ""),
        (["1'234.50", "2'000.00", "3.5"], [1234.5, 2000.0, 3.5], "spaces or apostrophes in its numbers", ""),
        (["(1.00)", "2.50", "3"], [-1.0, 2.5, 3.0], "4 numbers in brackets or with a minus behind", ""),
        (["5,538", "12,000", "300"], [5538.0, 12000.0, 300.0], "they could be decimal points as well", ""),
        (["$1.5", "-", "$2"], [1.5, None, 2.0], "4 values such as 'NA' are taken as missing", "$"),
    ],
)  # fmt: skip
def test_money_and_percents(tmp_path: Path, written: list[str], read: list[float], doubt: str, unit: str) -> None:
    table, draft = drafted(tmp_path, "when\tn", [f"2024-01-0{at + 1}\t{value}" for at, value in enumerate(written)])
    assert table["n"].to_pylist() == [value for _ in "ab" for value in read for _ in "ab"]
    assert any(each.startswith("fields.n:") and doubt in each for each in draft.unsure), draft.unsure
    assert (f'unit = "{unit}"' in draft.toml) == bool(unit)


def test_what_is_no_number_later_is_refused_and_not_made_one(tmp_path: Path) -> None:
    _, draft = drafted(tmp_path, "when\tn", ["2024-01-01\t$1.50", "2024-01-02\t$2"])
    (tmp_path / "t.tsv").write_text("user\twhen\tn\na\t2024-01-01\tsee note 5\n")
    with pytest.raises(
        Exception, match=r"fields.n: row 1 has 'see note 5', which is not a number written like 1,234.50"
    ):
        events(tmp_path, draft)


def test_currencies_are_not_added_up_and_numbers_with_words_are_said(tmp_path: Path) -> None:
    table, draft = drafted(tmp_path, "when\tn", ["2024-01-01\t$1.50", "2024-01-02\t€2"])
    assert table["n"].to_pylist()[:3] == ["$1.50", "$1.50", "€2"]
    assert any("amounts are in several currencies ($, €)" in doubt for doubt in draft.unsure)
    _, draft = drafted(tmp_path, "when\tn", [*(f"2024-01-01\t{n}" for n in range(30)), "2024-01-02\tmany"])
    assert any("120 of 124 values are numbers and the others such as 'many'" in doubt for doubt in draft.unsure)
    _, draft = drafted(tmp_path, "when\tn", [f"2024-01-01\t{n}.125" for n in range(1, 30)])
    assert any(
        "points in its numbers are taken for decimal points; they could stand" in doubt for doubt in draft.unsure
    )


def test_rows_from_the_whole_file_are_looked_at(tmp_path: Path) -> None:
    n = 250_000
    products = np.array(["apple"] * 150_000 + ["bread"] * 60_000 + ["tea"] * 40_000)  # sorted, as exports are
    prices = np.where(np.arange(n) < 200_000, "1", "1.5")
    rows = {"user": np.arange(n) % 500, "product": products, "price": prices, "receipt": np.arange(n).astype(str)}
    pq.write_table(pa.table(rows), tmp_path / "sorted.parquet")
    draft = draft_recipe(tmp_path / "sorted.parquet", folder=tmp_path)
    assert 'item = "product"' in draft.toml
    assert "always the same" not in draft.toml
    assert "# A first recipe for sorted.parquet, from all over its 250000 rows" in draft.toml
    assert any("fields.receipt: hardly a value comes again" in doubt for doubt in draft.unsure)


def test_a_wide_table_is_drafted(tmp_path: Path) -> None:
    rows = {"user": ["a", "b"] * 8, "at": ["2024-01-01"] * 16, **{f"c{n}": range(16) for n in range(1500)}}
    pq.write_table(pa.table(rows), tmp_path / "wide.parquet")
    draft = draft_recipe(tmp_path / "wide.parquet", folder=tmp_path)
    assert draft.toml.count("[[fields]]") == 1000
    doubt = "tables.events.columns: the first 1000 of 1502 are looked at, and the others are no fields"
    assert doubt in draft.unsure


@pytest.mark.parametrize(
    ("mark", "texts", "numbers"),
    [
        (".", ["$1,234.50", "(1.00)", "12 %", "7"], [1234.5, -1.0, 12.0, 7.0]),
        (",", ["1.234,50 €", "-0,5", "1 000"], [1234.5, -0.5, 1000.0]),
    ],
)
def test_a_field_says_how_its_numbers_are_written(
    tmp_path: Path, mark: str, texts: list[str], numbers: list[float]
) -> None:
    frame = pa.table({"user": ["a"] * len(texts), "paid": texts})
    recipe = recipe_from_frame("shop", frame, entity="user", fields=[{"name": "paid", "decimal_mark": mark}])
    recipe = keep_frames(recipe, frame, None, tmp_path)
    assert read_events(recipe, locate(recipe), recipe.texts.options()).read_all()["paid"].to_pylist() == numbers


def test_a_date_among_the_labels_is_shown_as_their_own_time(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("user,when,what\n" + "a,2024-01-01,tea\nb,2024-01-02,bread\n" * 8)
    (tmp_path / "l.csv").write_text("user,left,day\na,0,01.02.2024\nb,1,29.02.2024\n")
    draft = draft_recipe(tmp_path / "t.csv", tmp_path / "l.csv", tmp_path)
    assert '\n# as_of = { from = "day", format = "%d.%m.%Y" }' in draft.toml
    assert "[tasks.day]" not in draft.toml
    assert any("'day' in l.csv may say when each label is of" in doubt for doubt in draft.unsure)


@pytest.mark.parametrize(("zone", "told"), [("EST", True), ("Europe/Berlin", True), ("GMT", False), ("+00:00", False)])
@pytest.mark.parametrize("day", ["2024-01-30", "Tue, 30 Jan 2024"])
def test_names_of_zones_are_told(tmp_path: Path, zone: str, told: bool, day: str) -> None:
    if "/" in zone and "," in day:
        return  # no mail has it
    _, draft = drafted(tmp_path, "at\twhat", [f"{day} 10:00:00 {zone}\ttea", f"{day} 11:00:00 {zone}\tmilk"])
    assert any("has time zones" in doubt for doubt in draft.unsure) == (told or ("," in day and zone == "+00:00"))
