"""The recipe of baseball careers on hand-made files of the Lahman database's shape."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from llm4es.options import SerializeOptions
from llm4es.recipes import Recipe, Source, load_recipe, locate, read_events, read_labels
from llm4es.serialize import serialize
from llm4es.serialize.event_lines import event_fields, event_lines

POSITIONS = ("p", "c", "1b", "2b", "3b", "ss", "of", "dh")


def season(player: str, year: int, team: str, stint: int = 1, **numbers: int) -> dict[str, Any]:
    return {"playerID": player, "yearID": year, "stint": stint, "teamID": team, "G": 100, "H": 0, "HR": 0} | numbers


def played(player: str, year: int, team: str, **games: int) -> dict[str, Any]:
    return {"playerID": player, "yearID": year, "teamID": team} | {f"G_{at}": games.get(at, 0) for at in POSITIONS}


def ballot(player: str, year: int, inducted: str, category: str = "Player") -> dict[str, Any]:
    return {"playerID": player, "yearid": year, "votedBy": "BBWAA", "inducted": inducted, "category": category}


def person(player: str, last: int) -> dict[str, Any]:
    return {"playerID": player, "finalGame": datetime(last, 9, 30)}


def managed(player: str, year: int) -> dict[str, Any]:
    return {"playerID": player, "yearID": year, "plyrMgr": "N"}


TABLES: dict[str, list[dict[str, Any]]] = {
    "Batting": [
        season("star", 1958, "LAN", H=10, HR=1),
        season("star", 1957, "BRO", H=3),
        season("bat", 1957, "BRO", H=150, HR=4),
        season("bat", 1958, "BRO", H=49, HR=20),
        season("bat", 1958, "LAN", stint=2, H=1),
        season("chief", 1957, "BRO", H=50),
        season("nobody", 1957, "BRO", H=99),  # on no ballot
        season("owner", 1957, "BRO", H=99),  # on one, not as a player
    ],
    "Pitching": [
        {"playerID": "star", "yearID": 1957, "stint": 1, "W": 4, "ERA": 2.99},
        {"playerID": "star", "yearID": 1958, "stint": 1, "W": 15, "ERA": 3.0},
        {"playerID": "bat", "yearID": 1958, "stint": 2, "W": 0, "ERA": 54.0},  # once, in a lost game
    ],
    "Appearances": [
        played("star", 1957, "BRO", p=30),
        played("star", 1958, "LAN", p=30),
        played("bat", 1957, "BRO", ss=90, of=10),
        played("bat", 1958, "BRO", c=9, ss=90),
        played("bat", 1958, "LAN"),
        played("chief", 1957, "BRO", dh=9),
    ],
    "Teams": [
        {"yearID": 1957, "teamID": "BRO", "name": "Brooklyn Dodgers"},
        {"yearID": 1958, "teamID": "BRO", "name": "Brooklyn Dodgers"},
        {"yearID": 1958, "teamID": "LAN", "name": "Los Angeles Dodgers"},
    ],
    "HallOfFame": [
        ballot("star", 1970, "N"),
        ballot("star", 1971, "Y"),
        ballot("bat", 1970, "N"),
        ballot("chief", 1970, "N"),
        ballot("chief", 1990, "Y", "Manager"),  # elected for something else
        ballot("owner", 1970, "Y", "Pioneer/Executive"),
    ],
    "People": [person("star", 1958), person("bat", 1958), person("chief", 1957), person("nobody", 1957)],
    "Managers": [managed("bat", 1958), managed("chief", 1958), managed("nobody", 1970), managed("chief", 1960)],
}


@pytest.fixture
def source(tmp_path: Path) -> Source:
    for name, rows in TABLES.items():
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / f"{name}.parquet")
    return locate(load_recipe("baseball"), tmp_path)


@pytest.fixture
def recipe() -> Recipe:
    return load_recipe("baseball")


def test_a_career_ends_with_the_last_game_and_pitchers_have_other_numbers(recipe: Recipe, source: Source) -> None:
    options = SerializeOptions()
    made = pa.Table.from_batches(serialize(read_events(recipe, source, options), recipe, options))
    texts = dict(zip(made["entity_id"].to_pylist(), made["text"].to_pylist(), strict=True))
    assert set(texts) == {"star", "bat", "chief"}
    assert texts["star"].splitlines() == [
        "Year | Club | Position | Hits | Home runs | Wins | Earned runs",
        "1957 | Brooklyn Dodgers | pitcher | - | - | small | small",
        "1958 | Los Angeles Dodgers | pitcher | - | - | large | medium",
    ]
    assert texts["bat"].splitlines()[1:] == [
        "1957 | Brooklyn Dodgers | shortstop | large | small | - | -",
        "1958 | Brooklyn Dodgers | shortstop | small | large | - | -",
        "1958 | Los Angeles Dodgers | pinch hitter | small | small | - | -",
    ]


def test_an_event_is_a_kind_of_season_at_a_club_of_a_decade(recipe: Recipe, source: Source) -> None:
    events = pa.Table.from_batches(read_events(recipe, source, SerializeOptions()))
    fields = event_fields(recipe)
    lines = event_lines([events[field.name].combine_chunks() for field in fields], fields).to_pylist()
    assert "1950s Brooklyn Dodgers | pitcher | - | - | small | small" in lines
    assert set(events["team"].to_pylist()) == {"1950s Brooklyn Dodgers", "1950s Los Angeles Dodgers"}


def test_who_was_elected_as_a_player_and_who_managed_only_afterwards(recipe: Recipe, source: Source) -> None:
    labels = {(row["task"], row["entity_id"]): row["label"] for row in read_labels(recipe, source).to_pylist()}
    assert labels == {
        ("inducted", "star"): "inducted",
        ("inducted", "bat"): "not",
        ("inducted", "chief"): "not",
        ("managed", "star"): "never",
        ("managed", "chief"): "later",  # 'bat' did while still playing
    }
