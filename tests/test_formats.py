"""Every format of one history against its golden file, and what each promises."""

import json
import sqlite3
from pathlib import Path

import pytest

from llm4es.core.errors import OptionError
from llm4es.serialize.escaping import escape
from llm4es.serialize.formats import ParsedHistory, TextFormat, field_named, parse, write

GOLDEN = Path(__file__).parent / "golden"
VALUES = [
    ("Toy Story", "1995", "Comedy", "good"),
    ('It\'s | a <b>trap</b>\nno: "yes"', "1996", "", "bad"),
    ("Café \\ 🎂", "1997", "Comedy", "good"),
]
RAW = "Title | Year | Genres | Rating\n" + "\n".join(" | ".join(map(escape, row)) for row in VALUES)
CUTTABLE = [format for format in TextFormat if format not in (TextFormat.SUMMARY, TextFormat.GROUPED)]


@pytest.mark.parametrize("format", list(TextFormat))
def test_golden(format: TextFormat) -> None:
    """To accept a change: delete the file, run once, look at the difference."""
    path = GOLDEN / f"{format.value}.txt"
    text = write(parse(RAW, dropped=2), format).text
    if not path.exists():
        path.write_text(text, encoding="utf-8", newline="\n")
        pytest.fail(f"{path.name} was not there and has been written: look at it")
    assert text == path.read_bytes().decode()


@pytest.mark.parametrize("format", CUTTABLE)
def test_pieces_are_events(format: TextFormat) -> None:
    written = write(parse(RAW), format)
    assert written.cuttable
    assert len(written.events) == len(VALUES)
    assert written.opening + "".join(written.events) + written.closing == written.text
    assert ["Toy Story" in piece for piece in written.events] == [True, False, False]


def test_json_and_sql_are_read_back() -> None:
    assert [tuple(event.values()) for event in json.loads(write(parse(RAW), TextFormat.JSON).text)] == VALUES
    database = sqlite3.connect(":memory:")
    database.execute('CREATE TABLE events ("Title", "Year", "Genres", "Rating")')
    database.executescript(write(parse(RAW), TextFormat.SQL).text)
    rows = database.execute("SELECT * FROM events").fetchall()
    database.close()
    assert rows == [tuple(map(escape, row)) for row in VALUES]


def test_grouped_by_a_named_field() -> None:
    text = write(parse(RAW), TextFormat.GROUPED, "genres").text
    assert text.startswith("Genres: Comedy (2 events)\n- Title: Toy Story; Year: 1995; Rating: good\n- Title: Café")


def test_a_field_that_is_not_there_is_told() -> None:
    with pytest.raises(OptionError, match=r"--group-by 'genre' is no field of the texts: did you mean Genres\?"):
        write(parse(RAW), TextFormat.GROUPED, "genre")
    with pytest.raises(OptionError, match=r"there are Title, Year, Genres, Rating"):
        field_named(parse(RAW).headers, "shop")


def test_summary_of_numbers_and_dates() -> None:
    history = ParsedHistory(("N", "D"), tuple((str(n), f"2024-01-0{n}") for n in range(1, 8)))
    text = write(history, TextFormat.SUMMARY).text
    assert text == (
        "Summary of 7 events; the single events are left out.\n"
        "N: from 1 to 7, on average 4\nD: from 2024-01-01 to 2024-01-07\n"
    )


def test_no_value_at_all() -> None:
    assert "N: never given" in write(ParsedHistory(("N",), (("",), ("",))), TextFormat.SUMMARY).text
