"""Raw files through a recipe: both shapes of MovieLens, times, names, samples, labels, splits, and every bad input."""

import gzip
import logging
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from llm4es.config import History, SerializeOptions
from llm4es.errors import DataError, FetchError, Llm4esError, OptionError, RecipeError
from llm4es.recipes import load_recipe, locate, read_events, read_labels, read_splits
from llm4es.serialize import serialize

ALL = SerializeOptions()

GROUPLENS = {
    "u.data": "2\t1\t5\t881250949\n1\t3\t3\t881250950\n2\t2\t1\t881250900\n1\t2\t4\t881250950\n",
    "u.item": "1|Toy Story (1995)|01-Jan-1995||http://x|0|0|0|1|1|1|0|0|0|0|0|0|0|0|0|0|0|0|0\n"
    "2|Misérables, Les (1995)|01-Jan-1995||http://x|0|0|0|0|0|0|0|0|1|0|0|0|1|0|0|0|0|0|0\n"
    "3|unknown||||1|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0\n",
    "u.user": "1|24|M|technician|85711\n2|53|F|other|94043\n3|29|M|writer|32067\n",
}
RECBOLE = {
    "ml-100k.inter": "user_id:token\titem_id:token\trating:float\ttimestamp:float\n" + GROUPLENS["u.data"],
    "ml-100k.item": "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"
    "1\tToy Story\t1995\tAnimation Children's Comedy\n2\tMisérables, Les\t1995\tDrama Musical\n"
    "3\tunkonwn\tunkonwn\tunknown\n",
    "ml-100k.user": "user_id:token\tage:token\tgender:token\toccupation:token\tzip_code:token\n"
    + GROUPLENS["u.user"].replace("|", "\t"),
}
TEXT_OF_2 = (
    "Title | Year | Genres | Rating | Date\n"
    "Misérables, Les | 1995 | Drama, Musical | terrible | 1997-12-04\n"
    "Toy Story | 1995 | Animation, Children's, Comedy | excellent | 1997-12-04"
)


def write(folder: Path, files: dict[str, str]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_bytes(text.encode("latin-1" if name == "u.item" else "utf-8"))
    return folder


def events(
    recipe: Path | str, data: Path | None = None, options: SerializeOptions = ALL, n: int | None = None
) -> pa.Table:
    loaded = load_recipe(str(recipe))
    return read_events(loaded, locate(loaded, data), options, n).read_all()


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Path]:
    """Writes a small recipe and its CSV; keyword ``more`` is put behind the fields."""

    def make(csv: str, fields: str = 'name = "what"', entity: str = "user", time: str = "", more: str = "") -> Path:
        (tmp_path / "events.csv").write_text(csv, encoding="utf-8")
        time = f"time = {time}" if time else ""
        recipe = tmp_path / "mine.toml"
        recipe.write_text(
            f'name = "mine"\n[tables.events]\npath = "events.csv"\n[events]\nentity = "{entity}"\n{time}\n'
            f"[[fields]]\n{fields}\n{more}\n",
            encoding="utf-8",
        )
        return recipe

    return make


@pytest.mark.parametrize(("layout", "files"), [("grouplens", GROUPLENS), ("recbole", RECBOLE)])
def test_both_shapes_of_movielens_give_the_same_texts(tmp_path: Path, layout: str, files: dict[str, str]) -> None:
    recipe = load_recipe("movielens-100k")
    source = locate(recipe, write(tmp_path / "raw", files))
    assert source.layout == layout
    texts = pa.Table.from_batches(serialize(read_events(recipe, source, ALL), recipe, ALL)).to_pylist()
    assert [text["entity_id"] for text in texts] == ["1", "2"]
    assert texts[1]["text"] == TEXT_OF_2
    # the two events of user 1 are of the same second: they stay in the order of the file, film 3 before film 2
    assert texts[0]["text"].splitlines()[1:] == [
        "unknown |  | unknown | average | 1997-12-04",
        "Misérables, Les | 1995 | Drama, Musical | good | 1997-12-04",
    ]


def test_events_are_typed_and_numbered(tmp_path: Path) -> None:
    first = events("movielens-100k", write(tmp_path / "raw", RECBOLE)).to_pylist()[2]
    assert first == {
        "dataset": "movielens-100k",
        "entity_id": "2",
        "position": 0,
        "event_time": datetime(1997, 12, 4, 15, 55, tzinfo=UTC),
        "title": "Misérables, Les",
        "year": 1995,
        "genres": "Drama, Musical",
        "rating": "terrible",
        "date": date(1997, 12, 4),
        "item_id": "2",
        "stars": 1.0,
    }


def test_labels_and_those_of_strangers_are_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    recipe = load_recipe("movielens-100k")
    source = locate(recipe, write(tmp_path / "raw", RECBOLE))
    rows = read_labels(recipe, source).to_pylist()
    assert [(r["entity_id"], r["label"]) for r in rows if r["task"] == "gender"] == [("1", "M"), ("2", "F"), ("3", "M")]
    assert [r["label"] for r in rows if r["task"] == "age_bucket"] == ["young", "adult", "young"]
    with caplog.at_level(logging.WARNING):
        assert read_labels(recipe, source, pa.array(["1", "2"])).num_rows == 4
    assert "2 labels are of entities that have no events here" in caplog.text


def test_hash_split_is_the_md5_of_the_id() -> None:
    # the first eight digits as a share of 16**8: c4ca4238 = 0.769, 013d4071 = 0.005, 1679091c = 0.088; test < 0.2
    splits = read_splits(load_recipe("movielens-100k"), pa.array(["6", "1", "138"]), name="hash").to_pylist()
    assert [(row["entity_id"], row["split"]) for row in splits] == [("1", "train"), ("138", "test"), ("6", "test")]


def test_ptls_split(tmp_path: Path) -> None:
    users = [str(number) for number in range(1, 21)]
    files = RECBOLE | {
        "ml-100k.inter": "user_id:t\titem_id:t\trating:f\ttimestamp:f\n" + "".join(f"{u}\t1\t3\t0\n" for u in users),
        "ml-100k.user": "user_id:t\tage:t\tgender:t\toccupation:t\tzip_code:t\n"
        + "".join(f"{u}\t20\tM\tx\t1\n" for u in users),
    }
    recipe = load_recipe("movielens-100k")
    source = locate(recipe, write(tmp_path / "raw", files))
    rows = read_splits(recipe, pa.array(users), source, "ptls").to_pylist()
    # "1", "10", "11", ..., "19", "2", "20", "3", ... shuffled by random.Random(42), worked out apart: the last 2 of 20
    assert [row["entity_id"] for row in rows if row["split"] == "test"] == PTLS_TEST


PTLS_TEST = ["1", "12"]


def test_samples_are_nested_and_prefer_labels(tmp_path: Path) -> None:
    ids = [f"u{number}" for number in range(30)]
    files = RECBOLE | {
        "ml-100k.inter": "user_id:t\titem_id:t\trating:f\ttimestamp:f\n" + "".join(f"{u}\t1\t3\t0\n" for u in ids),
        "ml-100k.user": "user_id:t\tage:t\tgender:t\toccupation:t\tzip_code:t\nu29\t20\tM\tx\t1\nu7\t20\tM\tx\t1\n",
    }
    folder = write(tmp_path / "raw", files)
    taken = [set(events("movielens-100k", folder, n=n)["entity_id"].to_pylist()) for n in (2, 5, 12)]
    assert taken[0] == {"u29", "u7"}
    assert taken[0] < taken[1] < taken[2]
    assert [len(each) for each in taken] == [2, 5, 12]


def test_as_of_is_exclusive(tmp_path: Path) -> None:
    folder = write(tmp_path / "raw", RECBOLE)
    cut = SerializeOptions(as_of=datetime(1997, 12, 4, 15, 55, 49, tzinfo=UTC))  # 881250949: user 2's second event
    assert events("movielens-100k", folder, cut)["item_id"].to_pylist() == ["2"]


@pytest.mark.parametrize(
    ("time", "value", "read"),
    [
        ('{ from = "at", format = "%d%b%y:%H:%M:%S" }', "21OCT17:13:05:00", datetime(2017, 10, 21, 13, 5, tzinfo=UTC)),
        ('{ from = "at", format = "days", origin = "2000-01-01" }', "31", datetime(2000, 2, 1, tzinfo=UTC)),
        (
            '{ from = "at", format = "days_time", origin = "2000-01-01" }',
            "15 01:40:60",
            datetime(2000, 1, 16, 1, 40, 59, tzinfo=UTC),
        ),
        ('{ from = "at" }', "2017-10-21T14:05:00+02:00", datetime(2017, 10, 21, 12, 5, tzinfo=UTC)),
        ('{ from = "at" }', "2017-10-21", datetime(2017, 10, 21, tzinfo=UTC)),
        (
            '{ from = "at", format = "unix", unit = "ms" }',
            "881250949123",
            datetime(1997, 12, 4, 15, 55, 49, 123000, tzinfo=UTC),
        ),
    ],
)
def test_times(make: Callable[..., Path], time: str, value: str, read: datetime) -> None:
    assert events(make(f"user,at,what\na,{value},x\n", time=time))["event_time"].to_pylist() == [read]


def test_derived_fields(make: Callable[..., Path]) -> None:
    more = "".join(
        f'\n[[fields]]\nname = "{name}"\nderive = "{name}"\n'
        for name in ("date", "weekday", "month", "hour", "time", "gap_days", "gap_hours")
    )
    more += '\n[[fields]]\nname = "l"\nfrom = "what"\nderive = "log_integer"\n'
    csv = "user,at,what\nb,2024-01-03 23:30:00,-100\na,2024-01-01 10:00:00,99\na,2024-01-03 09:00:00,0\n"
    rows = events(make(csv, time='{ from = "at" }', more=more)).to_pylist()
    assert [row["gap_days"] for row in rows] == [None, 1, None]
    assert [row["gap_hours"] for row in rows] == [None, 47, None]
    assert [row["weekday"] for row in rows] == ["Monday", "Wednesday", "Wednesday"]
    assert [row["l"] for row in rows] == [4, 0, -4]  # ln(100) = 4.605, ln(1) = 0, -ln(101) = -4.615
    assert (rows[2]["month"], rows[2]["hour"], rows[2]["time"]) == ("2024-01", 23, "23:30")


def test_names_for_codes_and_unknown_ones_counted(make: Callable[..., Path], caplog: pytest.LogCaptureFixture) -> None:
    recipe = make("user,what\na,1\na,7\na,7\na,\n", fields='name = "what"\nnames = { 1 = "one" }')
    with caplog.at_level(logging.WARNING):
        assert events(recipe)["what"].to_pylist() == ["one", "7", "7", None]
    assert "2 values of 'what' have no name" in caplog.text


def test_names_from_a_table(make: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "codes.csv").write_text("code;name\n1;uno\n2;dos\n", encoding="utf-8")
    recipe = make(
        "user,what\na,1\na,2\n",
        fields='name = "what"\nnames = { table = "codes", code = "code", name = "name" }',
        more='[tables.codes]\npath = "codes.csv"\ndelimiter = ";"',
    )
    assert events(recipe)["what"].to_pylist() == ["uno", "dos"]


def test_gz_parquet_globs_and_file_order(make: Callable[..., Path], tmp_path: Path) -> None:
    recipe = make("", fields='name = "what"')
    (tmp_path / "events.csv").unlink()
    with gzip.open(tmp_path / "events.csv.gz", "wt") as file:
        file.write("user,what\na,x\n")
    assert events(recipe)["what"].to_pylist() == ["x"]
    for number in range(3):
        pq.write_table(
            pa.table({"user": [7] * 2, "what": [f"{number}a", f"{number}b"]}), tmp_path / f"p{number}.parquet"
        )
    recipe.write_text(recipe.read_text(encoding="utf-8").replace("events.csv", "p*.parquet"), encoding="utf-8")
    table = events(recipe)
    assert table["what"].to_pylist() == ["0a", "0b", "1a", "1b", "2a", "2b"]
    assert table["entity_id"].to_pylist() == ["7"] * 6


def test_source_is_named_by_contents(tmp_path: Path) -> None:
    recipe = load_recipe("movielens-100k")
    one, two = write(tmp_path / "one", RECBOLE), write(tmp_path / "two", RECBOLE)
    assert locate(recipe, one).fingerprint == locate(recipe, two).fingerprint
    (two / "ml-100k.inter").write_text(RECBOLE["ml-100k.inter"] + "1\t1\t1\t1\n", encoding="utf-8")
    assert locate(recipe, one).fingerprint != locate(recipe, two).fingerprint


def test_expressions_reach_nothing_else(make: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("s\n1\n", encoding="utf-8")
    inside = f"(SELECT content FROM read_text('{tmp_path}/secret.csv'))"
    with pytest.raises(Llm4esError, match="Cannot access file"):
        events(make("user,what\na,1\n", fields=f'name = "what"\nfrom = "{inside}"'))


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
        assert events(recipe, options=SerializeOptions(on_bad_row="skip"))["what"].to_pylist() == ["x"]
    assert "1 lines of table 'events' are no rows and were left out" in caplog.text
    assert "events.time.from: row 2 has 'soon'" in caplog.text
    assert "events.entity: row 3 has nothing" in caplog.text


def test_leaving_out_every_row_is_refused(make: Callable[..., Path]) -> None:
    skip = SerializeOptions(on_bad_row="skip")
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
    skip = SerializeOptions(on_bad_row="skip")
    with caplog.at_level(logging.WARNING):
        assert events(recipe, options=skip)["what"].to_pylist() == ["süß"]
    assert "3 lines of table 'events' are no rows and were left out" in caplog.text


def test_emoji_and_other_scripts(make: Callable[..., Path]) -> None:
    table = events(make("user,what\nüser 🎂,日本語\nю,नमस्ते\n"))
    assert table["entity_id"].to_pylist() == ["üser 🎂", "ю"]  # in the order of their bytes
    assert table["what"].to_pylist() == ["日本語", "नमस्ते"]


@pytest.mark.parametrize("threads", [1, 4])
def test_the_same_bytes_whatever_the_threads(
    make: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    """40,000 rows of 97 entities, nearly all of them tied in time: the order of the file decides."""
    rows = "".join(f"u{n % 97},2024-01-0{1 + n % 2},{n}\n" for n in range(40_000))
    connect = duckdb.connect

    def with_threads(config: dict[str, Any]) -> duckdb.DuckDBPyConnection:
        return connect(config=config | {"threads": threads})

    monkeypatch.setattr("llm4es.recipes.database.duckdb.connect", with_threads)
    monkeypatch.setattr("llm4es.serialize.WORKERS", threads)
    monkeypatch.setattr("llm4es.serialize.PART_ROWS", 1000 * threads)
    recipe = load_recipe(str(make("user,at,what\n" + rows, time='{ from = "at" }')))
    texts = pa.Table.from_batches(serialize(read_events(recipe, locate(recipe), ALL), recipe, ALL))
    assert texts["entity_id"].to_pylist() == sorted(f"u{n}" for n in range(97))
    of_u5 = [n for day in (0, 1) for n in range(5, 40_000, 97) if n % 2 == day]
    (u5,) = texts.filter(pc.equal(texts["entity_id"], "u5"))["text"].to_pylist()
    assert u5 == "What\n" + "\n".join(map(str, of_u5))


def test_as_of_needs_times(make: Callable[..., Path]) -> None:
    with pytest.raises(RecipeError, match=r"--as-of needs times, and recipe 'mine' has no events.time"):
        events(make("user,what\na,1\n"), options=SerializeOptions(as_of=datetime(2024, 1, 1)))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"history": History.FULL, "max_events": 3}, r"--history full keeps every event and --max-events 3 does not"),
        ({"on_bad_row": "ignore"}, r"--on-bad-row 'ignore' is neither 'fail' nor 'skip'"),
    ],
)
def test_options_that_cannot_work(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        SerializeOptions(**settings)


@pytest.mark.parametrize(
    ("splits", "name", "message"),
    [
        ("", "ptls", r"recipe 'mine' has no split 'ptls': there are hash"),
        (
            '[splits.columns.own]\ntable = "events"\nentity = "user"\nsplit = "what"',
            "own",
            r"entity 'a' is in '1', which is",
        ),
    ],
)
def test_splits_that_are_not_there(make: Callable[..., Path], splits: str, name: str, message: str) -> None:
    recipe = load_recipe(str(make("user,what\na,1\n", more=splits)))
    with pytest.raises((RecipeError, DataError), match=message):
        read_splits(recipe, pa.array(["a"]), locate(recipe), name)


def test_a_split_of_the_data(make: Callable[..., Path]) -> None:
    more = '[splits]\ndefault = "own"\n[splits.columns.own]\ntable = "events"\nentity = "user"\nsplit = "what"'
    recipe = load_recipe(str(make("user,what\na,test\nb,train\n", more=more)))
    rows = read_splits(recipe, pa.array(["a", "b"]), locate(recipe)).to_pylist()
    assert [(row["name"], row["entity_id"], row["split"]) for row in rows][:2] == [
        ("own", "a", "test"),
        ("own", "b", "train"),
    ]
    with pytest.raises(RecipeError, match=r"split 'own' of recipe 'mine' needs the raw data"):
        read_splits(recipe, pa.array(["a"]))


@pytest.mark.real
def test_the_real_movielens() -> None:
    recipe = load_recipe("movielens-100k")
    table = read_events(recipe, locate(recipe), ALL).read_all()
    assert (table.num_rows, len(table["entity_id"].unique()), table["title"].null_count) == (100_000, 943, 0)
    assert table["year"].null_count == 9  # film 267, 'unknown', has no year and nine ratings


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
    monkeypatch.setattr("llm4es.fetch.download", refuse)
    monkeypatch.setattr("llm4es.fetch.wheel_files", refuse)
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
    monkeypatch.setattr("llm4es.fetch.download", no_network)
    monkeypatch.setattr("llm4es.fetch.wheel_files", wheel)
    recipe = load_recipe("movielens-100k")
    assert locate(recipe).layout == locate(recipe).layout == "recbole"
    assert asked == ["https://files.grouplens.org/datasets/movielens/ml-100k.zip", "recbole==1.2.1"]


@pytest.mark.parametrize(
    ("labels", "kind", "message"),
    [
        ("user,y\na,1\na,2\n", "binary", r"tasks.t: entity 'a' has several different labels"),
        ("user,y\na,1\nb,2\nc,3\n", "binary", r"tasks.t is binary and has 3 classes \(1, 2, 3, ...\)"),
        ("user,y\n,1\n", "binary", r"tasks.t: a label has no entity id"),
        ("user,y\na,x\n", "regression", r"tasks.t is a regression and 'x' is no number"),
        ("user,yy\na,x\n", "binary", r"tasks.t: there is no column 'y'; did you mean yy\?"),
    ],
)
def test_bad_labels(make: Callable[..., Path], tmp_path: Path, labels: str, kind: str, message: str) -> None:
    (tmp_path / "labels.csv").write_text(labels, encoding="utf-8")
    more = (
        '[tables.labels]\npath = "labels.csv"\n'
        f'[tasks.t]\nkind = "{kind}"\ntable = "labels"\nentity = "user"\nlabel = "y"'
    )
    recipe = load_recipe(str(make("user,what\na,x\n", more=more)))
    with pytest.raises((DataError, RecipeError), match=message):
        read_labels(recipe, locate(recipe))


LABELLED = """[tables.labels]
path = "labels.csv"
[tasks.t]
kind = "binary"
table = "labels"
entity = "user"
label = "LABEL"
"""


@pytest.mark.parametrize(
    ("csv", "label", "read"),
    [
        ("user,age\n007,9\nb,40\nc,\n", "age < 30", [("007", "true"), ("b", "false")]),
        ("user,age\n7,9\n8,40\n", "CASE WHEN age < 30 THEN 'young' ELSE 'old' END", [("7", "young"), ("8", "old")]),
        ("user,age\n7,9\n8,40\n", "age::INTEGER < 30", [("7", "true"), ("8", "false")]),
        ("user,age\n7,009\n8,40\n", "age", [("7", "009"), ("8", "40")]),
        ("user,zip\n7,12345\n8,40\n", "zip[1]", [("7", "1"), ("8", "4")]),
    ],
)
def test_labels_by_expression(
    make: Callable[..., Path], tmp_path: Path, csv: str, label: str, read: list[tuple[str, str]]
) -> None:
    (tmp_path / "labels.csv").write_text(csv, encoding="utf-8")
    recipe = load_recipe(str(make("user,what\na,x\n", more=LABELLED.replace("LABEL", label))))
    rows = read_labels(recipe, locate(recipe)).to_pylist()
    assert [(row["entity_id"], row["label"]) for row in rows] == read


def test_an_expression_over_texts_says_what_to_write(make: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("user,age\na,9\nb,x\n", encoding="utf-8")
    recipe = load_recipe(str(make("user,what\na,x\n", more=LABELLED.replace("LABEL", "age < 30"))))
    with pytest.raises(RecipeError, match=r"tasks.t: .*explicit cast is required; .*write age::DOUBLE"):
        read_labels(recipe, locate(recipe))


def test_lines_of_labels_that_are_no_rows_can_be_left_out(make: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("user,y\na,1\nb,0,9\n", encoding="utf-8")
    recipe = load_recipe(str(make("user,what\na,x\n", more=LABELLED.replace("LABEL", "y"))))
    with pytest.raises(DataError, match=r"cannot read labels.csv: .*Line: 3"):
        read_labels(recipe, locate(recipe))
    assert read_labels(recipe, locate(recipe), skip=True)["label"].to_pylist() == ["1"]


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
        ('history = "new"', r"texts.history .*Input should be 'newest', 'oldest' or 'full', not 'new'"),
        ('history = "full"\nmax_events = 3', r"--history full keeps every event and --max-events 3 does not"),
        ('on_bad_row = "drop"', r"--on-bad-row 'drop' is neither 'fail' nor 'skip'"),
    ],
)
def test_text_defaults_that_cannot_be(make: Callable[..., Path], texts: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        load_recipe(str(make("user,what\na,1\n", more=f"[texts]\n{texts}")))
