"""Raw files through a recipe: both shapes of MovieLens, times, names, samples, and the same bytes every time."""

import gzip
import logging
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from llm4es.options import SerializeOptions
from llm4es.recipes import load_recipe, locate, read_events
from llm4es.serialize import serialize

from .raw import ALL, GROUPLENS, RECBOLE, events, maker, write


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Path]:
    return maker(tmp_path)


TEXT_OF_2 = (
    "Title | Year | Genres | Rating | Date\n"
    "Misérables, Les | 1995 | Drama, Musical | terrible | 1997-12-04\n"
    "Toy Story | 1995 | Animation, Children's, Comedy | excellent | 1997-12-04"
)


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
    monkeypatch.setattr(sys.modules["llm4es.serialize.serialize"], "WORKERS", threads)
    monkeypatch.setattr(sys.modules["llm4es.serialize.serialize"], "PART_ROWS", 1000 * threads)
    recipe = load_recipe(str(make("user,at,what\n" + rows, time='{ from = "at" }')))
    texts = pa.Table.from_batches(serialize(read_events(recipe, locate(recipe), ALL), recipe, ALL))
    assert texts["entity_id"].to_pylist() == sorted(f"u{n}" for n in range(97))
    of_u5 = [n for day in (0, 1) for n in range(5, 40_000, 97) if n % 2 == day]
    (u5,) = texts.filter(pc.equal(texts["entity_id"], "u5"))["text"].to_pylist()
    assert u5 == "What\n" + "\n".join(map(str, of_u5))


@pytest.mark.real
def test_the_real_movielens() -> None:
    recipe = load_recipe("movielens-100k")
    table = read_events(recipe, locate(recipe), ALL).read_all()
    assert (table.num_rows, len(table["entity_id"].unique()), table["title"].null_count) == (100_000, 943, 0)
    assert table["year"].null_count == 9  # film 267, 'unknown', has no year and nine ratings
