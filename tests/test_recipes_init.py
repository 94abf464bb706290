"""``init``: unknown tables to recipes that work, and what it says that it is unsure of."""

import gzip
import shlex
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as pq
import pytest

from llm4es.core.errors import DataError
from llm4es.options import SerializeOptions
from llm4es.recipes import load_recipe, locate, read_events, read_labels
from llm4es.recipes.init.draft import Draft, draft_recipe
from llm4es.serialize import serialize

from .shell import invoke

CSV = (
    "row_id;Client ID;visitedAt;Shop name;price;pages;país;sessionId\n"
    + "".join(
        f"{n};c{n % 7};{1 + n % 28:02}.{1 + n % 12:02}.2024 1{n % 10}:05;shop {n % 4};{n * 1.25};{n % 3};ES;s{n // 2}\n"
        for n in range(60)
    )
)  # fmt: skip
LABELS = "Client ID,left,visits,age\n" + "".join(f"c{n},{n % 2},{n % 3},{20 + n}\n" for n in range(7))


def drafted(folder: Path, draft: Draft) -> Path:
    path = folder / "mine.toml"
    path.write_text(draft.toml, encoding="utf-8")
    return path


def test_a_csv_and_its_labels(tmp_path: Path) -> None:
    (tmp_path / "visits.csv").write_text(CSV, encoding="utf-8")
    (tmp_path / "labels.csv").write_text(LABELS, encoding="utf-8")
    draft = draft_recipe(tmp_path / "visits.csv", tmp_path / "labels.csv", tmp_path)
    recipe = load_recipe(str(drafted(tmp_path, draft)))
    assert recipe.name == "visits"
    assert recipe.events.entity == '"Client ID"'
    assert recipe.events.time is not None
    assert (recipe.events.time.column, recipe.events.time.format) == ("visitedAt", "%d.%m.%Y %H:%M")
    assert [field.name for field in recipe.text_fields()] == [
        "date", "weekday", "hour", "shop_name", "price", "pages",
    ]  # fmt: skip
    assert (recipe.amount, recipe.item) == ("price", "shop_name")
    assert {name: task.kind.value for name, task in recipe.tasks.items()} == {
        "left": "binary",
        "visits": "multiclass",
        "age": "multiclass",
    }
    source = locate(recipe)
    assert read_labels(recipe, source).num_rows == 21
    options = SerializeOptions()
    texts = pa.Table.from_batches(serialize(read_events(recipe, source, options), recipe, options))
    assert texts["entity_id"].to_pylist() == [f"c{n}" for n in range(7)]
    lines = texts["text"][0].as_py().splitlines()
    assert lines[:2] == [
        "Date | Weekday | Hour | Shop name | Price | Pages",
        "2024-01-01 | Monday | 10 | shop 0 | 0.00 | 0",
    ]
    assert any("row_id: hardly a value comes again" in doubt for doubt in draft.unsure)
    assert any("fields.pages: numbers with 3 different values, taken as codes" in doubt for doubt in draft.unsure)
    assert any("tasks.age: taken as multiclass" in doubt for doubt in draft.unsure)


def test_parquet_with_unix_times_and_no_labels(tmp_path: Path) -> None:
    rows = {"user": [1, 1, 2] * 9, "ts": [1_700_000_000_000 + n for n in range(27)], "song": ["a", "b", None] * 9}
    pq.write_table(pa.table(rows), tmp_path / "plays.parquet")
    draft = draft_recipe(tmp_path / "plays.parquet", folder=tmp_path)
    recipe = load_recipe(str(drafted(tmp_path, draft)))
    assert recipe.events.time is not None
    assert (recipe.events.entity, recipe.events.time.format, recipe.events.time.unit) == ("user", "unix", "ms")
    assert recipe.tasks == {}
    assert "# [tasks.left]" in draft.toml
    first = read_events(recipe, locate(recipe), SerializeOptions()).read_all().to_pylist()[0]
    assert (first["entity_id"], first["song"], first["hour"]) == ("1", "a", 22)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_an_index_that_was_written_along_is_left_out(tmp_path: Path, suffix: str) -> None:
    plays = pa.table({"": range(18), "user": ["a", "b"] * 9, "song": ["x", "y", "z"] * 6})
    path = tmp_path / f"plays.{suffix}"
    csv.write_csv(plays, path) if suffix == "csv" else pq.write_table(plays, path)
    draft = draft_recipe(path, folder=tmp_path)
    recipe = load_recipe(str(drafted(tmp_path, draft)))
    assert [field.name for field in recipe.fields] == ["song"]
    events = read_events(recipe, locate(recipe), SerializeOptions()).read_all()
    assert events["song"].to_pylist() == ["x", "z", "y"] * 3 + ["y", "x", "z"] * 3


def test_doubts_about_days_and_months_and_missing_times(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("user,when\n" + "a,01/02/2024\nb,03/04/2024\n" * 8, encoding="utf-8")
    doubt = "events.time: 'when' may have day and month the other way round: format = \"%m/%d/%Y\""
    assert doubt in draft_recipe(tmp_path / "a.csv").unsure
    (tmp_path / "b.csv").write_text("user,day\n" + "a,1\nb,300\n" * 8, encoding="utf-8")
    assert any(
        "is read as a number of days; the origin is made up" in each for each in draft_recipe(tmp_path / "b.csv").unsure
    )
    (tmp_path / "c.csv").write_text("user,what\n" + "a,x\nb,y\n" * 8, encoding="utf-8")
    draft = draft_recipe(tmp_path / "c.csv")
    assert any("no column looks like a time" in each for each in draft.unsure)
    assert load_recipe(str(drafted(tmp_path, draft))).events.time is None


def test_labels_of_another_name_and_a_leak(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text("customer,plan,at\n" + "a,x,2024-01-01\nb,y,2024-01-02\n" * 8, encoding="utf-8")
    (tmp_path / "l.csv").write_text("who,plan\na,x\nb,y\n", encoding="utf-8")
    draft = draft_recipe(tmp_path / "e.csv", tmp_path / "l.csv", tmp_path)
    assert "tasks: labels are matched by their column 'who' with the events' 'customer'" in draft.unsure
    assert any("tasks.plan: the events have a column 'plan' too" in each for each in draft.unsure)
    recipe = load_recipe(str(drafted(tmp_path, draft)))
    assert read_labels(recipe, locate(recipe))["label"].to_pylist() == ["x", "y"]
    assert recipe.events.time is not None
    assert (recipe.events.time.column, recipe.events.time.format) == ("at", "iso")


def test_encodings_and_compression(tmp_path: Path) -> None:
    (tmp_path / "l1.csv").write_bytes(("user,what\n" + "a,café\nb,thé\n" * 8).encode("latin-1"))
    draft = draft_recipe(tmp_path / "l1.csv")
    assert 'encoding = "windows-1252"' in draft.toml
    assert any("is no UTF-8 and is read as windows-1252; it could be another" in doubt for doubt in draft.unsure)
    with gzip.open(tmp_path / "z.csv.gz", "wt") as file:
        file.write("user\twhat\n" + "a\tx\nb\ty\n" * 8)
    assert 'delimiter = "\\t"' in draft_recipe(tmp_path / "z.csv.gz").toml


def amounts(folder: Path, csv: str) -> tuple[list[float | None], Draft]:
    """A CSV of the columns user, day and n, through the recipe that is written for it."""
    (folder / "n.csv").write_text(csv, encoding="utf-8")
    draft = draft_recipe(folder / "n.csv", folder=folder)
    recipe = load_recipe(str(drafted(folder, draft)))
    assert recipe.amount == "n"
    return read_events(recipe, locate(recipe), SerializeOptions()).read_all()["n"].to_pylist(), draft


@pytest.mark.parametrize(
    ("written", "read", "doubt"),
    [
        (["-1.234,50", "2,5", "3"], [-1234.5, 2.5, 3.0], "n: commas in its numbers stand for decimal points"),
        (["-1,234.50", "1,000", "3"], [-1234.5, 1000.0, 3.0], "n: commas in its numbers stand between thousands"),
        (["1,234", "2,500", "3,125"], [1234.0, 2500.0, 3125.0], "they could be decimal points as well"),
        (["1.5", "NA", "2"], [1.5, None, 2.0], "n: 4 values such as 'NA' are taken as missing"),
        (["1,5", "-", "2,25"], [1.5, None, 2.25], "decimal points, 4 values such as 'NA' are taken as missing"),
    ],
)
def test_numbers_in_other_writings(tmp_path: Path, written: list[str], read: list[float | None], doubt: str) -> None:
    rows = "".join(f"a;2024-01-0{1 + at};{value}\nb;2024-01-0{1 + at};{value}\n" for at, value in enumerate(written))
    rows += "".join(f"a;2024-02-0{1 + at};{value}\nb;2024-02-0{1 + at};{value}\n" for at, value in enumerate(written))
    values, draft = amounts(tmp_path, "user;day;n\n" + rows)
    assert values == read * 4
    assert any(doubt in each for each in draft.unsure), draft.unsure


def test_nested_parquet_with_odd_names(tmp_path: Path) -> None:
    count = 24
    table = {
        "Patient Id": [n % 4 for n in range(count)],
        "when": [f"2024-01-{1 + n:02}T10:00:00+02:00" for n in range(count)],
        "vitals": [{"bp": 100.5 + n, "group": {"by": "ab"[n % 2]}} for n in range(count)],
        "codes": [["I10", "E11"][: n % 3] for n in range(count)],
        "Wéird\nname": ["x", None] * 12,
        "_row": [n % 3 for n in range(count)],
        "nothing": pa.nulls(count, pa.string()),
    }
    pq.write_table(pa.table(table), tmp_path / "p.parquet")
    draft = draft_recipe(tmp_path / "p.parquet", folder=tmp_path)
    assert "events.time: 'when' has time zones: days and hours are told in UTC" in draft.unsure
    recipe = load_recipe(str(drafted(tmp_path, draft)))
    options = SerializeOptions()
    texts = pa.Table.from_batches(serialize(read_events(recipe, locate(recipe), options), recipe, options))
    assert texts["text"][0].as_py().splitlines()[:2] == [
        "Date | Weekday | Hour | Vitals bp | Vitals group by | Codes | Row",
        "2024-01-01 | Monday | 8 | 100.5 | a |  | 0",
    ]
    assert recipe.fields[-3].title == "Wéird name"


def test_days_and_hours_in_two_columns(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("user,date,time,x\n" + "a,31.01.2024,9:05,p\nb,01.02.2024,23:10,q\n" * 8)
    draft = draft_recipe(tmp_path / "a.csv", folder=tmp_path)
    assert "events.time: the days of 'date' and the hours of 'time' are put together" in draft.unsure
    recipe = load_recipe(str(drafted(tmp_path, draft)))
    first = read_events(recipe, locate(recipe), SerializeOptions()).read_all().to_pylist()[0]
    assert first["event_time"].isoformat() == "2024-01-31T09:05:00+00:00"
    assert [field.name for field in recipe.fields] == ["date", "weekday", "hour", "x"]


def test_columns_that_every_event_has_get_other_names(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("user,position,dataset\n" + "a,left,p\nb,right,q\n" * 8)
    recipe = load_recipe(str(drafted(tmp_path, draft_recipe(tmp_path / "a.csv", folder=tmp_path))))
    assert [(field.name, field.column) for field in recipe.fields] == [
        ("position_", "position"), ("dataset_", "dataset"),
    ]  # fmt: skip
    assert read_events(recipe, locate(recipe), SerializeOptions()).read_all()["position_"][0].as_py() == "left"


def test_dates_without_separators(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("user,posted\n" + "a,20240131\nb,20231201\n" * 8)
    recipe = load_recipe(str(drafted(tmp_path, draft_recipe(tmp_path / "a.csv", folder=tmp_path))))
    first = read_events(recipe, locate(recipe), SerializeOptions()).read_all().to_pylist()[0]
    assert first["event_time"].isoformat() == "2024-01-31T00:00:00+00:00"


def test_names_that_are_words_of_sql_or_of_other_scripts(tmp_path: Path) -> None:
    rows = "".join(f"u{n % 3};{n % 28 + 1:02}.01.2024;{'xyz'[n % 3]};{n},5\n" for n in range(30))
    (tmp_path / "größe.csv").write_bytes(f"user;Überweisungstag;金额;group\n{rows}".encode())
    draft = draft_recipe(tmp_path / "größe.csv", folder=tmp_path)
    recipe = load_recipe(str(drafted(tmp_path, draft)))
    assert recipe.name == "grosse"
    assert [(field.name, field.title) for field in recipe.text_fields()] == [
        ("date", "Date"), ("weekday", "Weekday"), ("column", "金额"), ("group", "Group"),
    ]  # fmt: skip
    assert read_events(recipe, locate(recipe), SerializeOptions()).read_all()["group"].to_pylist()[:2] == [0.5, 3.5]


def test_a_name_of_everybody_is_no_class(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text("user,what\n" + "".join(f"u{n % 30},x\n" for n in range(90)))
    (tmp_path / "l.csv").write_text("user,full name,vip\n" + "".join(f"u{n},Name {n},{n % 2}\n" for n in range(30)))
    draft = draft_recipe(tmp_path / "e.csv", tmp_path / "l.csv", tmp_path)
    assert "tasks: 'full name' has 30 different texts, too many for classes" in draft.unsure
    assert list(load_recipe(str(drafted(tmp_path, draft))).tasks) == ["vip"]


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (None, r"no file at .*: give the table of events, a CSV or Parquet file"),
        ("", r"is empty: its first line should name the columns"),
        ("a,b\n", r"has no rows|no column repeats"),
        ("a,b\n1,2\n3,4\n", r"no column repeats its values, so none says whose an event is"),
    ],
)
def test_bad_files(tmp_path: Path, contents: str | None, message: str) -> None:
    if contents is not None:
        (tmp_path / "x.csv").write_text(contents, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        draft_recipe(tmp_path / "x.csv")


def test_labels_of_one_class_leave_the_template_of_a_task(tmp_path: Path) -> None:
    events = "user,at,shop\n" + "".join(f"u{n % 8},2024-01-{n % 28 + 1:02},s{n % 3}\n" for n in range(80))
    (tmp_path / "visits.csv").write_text(events)
    (tmp_path / "one.csv").write_text("user,left\n" + "".join(f"u{n},no\n" for n in range(8)))
    draft = draft_recipe(tmp_path / "visits.csv", tmp_path / "one.csv", tmp_path)
    assert draft.toml.endswith('# table = "labels"\n# entity = "user"\n# label = "left"\n')
    assert "# [tasks.left]" in draft.toml
    assert load_recipe(str(drafted(tmp_path, draft))).tasks == {}
    several = "".join(f"u{n % 8},{'yes' if n % 5 else 'no'}\n" for n in range(16))
    (tmp_path / "many.csv").write_text(f"user,left\n{several}")
    (torn,) = [
        line for line in draft_recipe(tmp_path / "visits.csv", tmp_path / "many.csv").unsure if "several" in line
    ]
    rows = [line.split(",") for line in several.split()]
    expected = sum(len({left for user, left in rows if user == each}) > 1 for each in {user for user, _ in rows})
    assert torn == f"tasks.left: {expected} of 8 entities have several different 'left': keep one of them in many.csv"


def test_a_name_near_the_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "good.csv").write_text("user,at,shop\n" + "u1,2024-01-01,tea\n" * 8)
    (tmp_path / "labels.csv").write_text("user,left\nu1,no\n")
    with pytest.raises(
        DataError, match=r"no file at .*goodd.csv: give the table of events, .*; did you mean 'good.csv'"
    ):
        draft_recipe(tmp_path / "goodd.csv")
    with pytest.raises(DataError, match=r"lables.csv: give the table of labels, .*; did you mean 'labels.csv'\?"):
        draft_recipe(tmp_path / "good.csv", tmp_path / "lables.csv")


def test_commands_name_the_data_where_it_lies_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "my data").mkdir()
    (tmp_path / "out").mkdir()
    events = "user,at,shop\n" + "".join(f"u{n % 8},2024-01-{n % 28 + 1:02},s{n % 3}\n" for n in range(80))
    (tmp_path / "my data/visits.csv").write_text(events)
    out = tmp_path / "out/x.toml"
    said = invoke("init", tmp_path / "my data/visits.csv", "--out", out).stderr
    (command,) = [line.split("`")[1] for line in said.splitlines() if line.startswith("wrote ")]
    _, *words = shlex.split(command)
    assert words == ["run", str(out), "--data", str(tmp_path / "my data")]
    invoke("serialize", *words[1:], "--store", tmp_path / "store")
    with pytest.raises(DataError, match=r"there is no visits.csv \(layout 'files'\): give theirs with --data"):
        invoke("serialize", out, "--store", tmp_path / "store2")
