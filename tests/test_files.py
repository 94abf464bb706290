"""Files as people have them: every one of these holds the same two rows, whatever it is written in."""

import bz2
import gzip
import lzma
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from llm4es.core.errors import DataError, RecipeError
from llm4es.options import SerializeOptions
from llm4es.recipes import load_recipe, locate, read_events, read_labels
from llm4es.recipes.init.draft import draft_recipe

ROWS = {"user": ["a", "b"] * 6, "at": ["2024-01-31", "2024-02-01"] * 6, "what": ["café, noir", "thé € 007"] * 6}
TEXT = "user,at,what\n" + 'a,2024-01-31,"café, noir"\nb,2024-02-01,thé € 007\n' * 6
LINES = [("a", "2024-01-31", "café, noir")] * 6 + [("b", "2024-02-01", "thé € 007")] * 6


def rows(folder: Path, name: str, said: str = "") -> list[tuple[str, str, str]]:
    """What ``serialize`` would read of a file."""
    (folder / "r.toml").write_text(
        f'name = "r"\n[tables.events]\npath = "{name}"\n{said}\n[events]\nentity = "user"\ntime = {{ from = "at" }}\n'
        '[[fields]]\nname = "date"\nderive = "date"\n[[fields]]\nname = "what"\n[tasks.t]\nkind = "multiclass"\n'
        'table = "events"\nentity = "user"\nlabel = "what"\n',
        encoding="utf-8",
    )
    recipe = load_recipe(folder / "r.toml")
    source = locate(recipe)
    assert read_labels(recipe, source)["label"].to_pylist() == ROWS["what"][:2]
    events = read_events(recipe, source, SerializeOptions()).read_all()
    return [(row["entity_id"], str(row["date"]), row["what"]) for row in events.to_pylist()]


def drafted(folder: Path, path: Path, table: str | None = None) -> tuple[list[tuple[str, ...]], tuple[str, ...]]:
    """What is read by the recipe that ``init`` writes; it takes the first two columns for an id and a time."""
    draft = draft_recipe(path, folder=folder, table=table)
    (folder / "d.toml").write_text(draft.toml, encoding="utf-8")
    recipe = load_recipe(folder / "d.toml")
    events = read_events(recipe, locate(recipe), SerializeOptions()).read_all()
    what = [field.name for field in recipe.fields][-1]
    return [(row["entity_id"], str(row["event_time"])[:10], row[what]) for row in events.to_pylist()], draft.unsure


def sqlite(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE visits (user, at, what)")
        connection.executemany("INSERT INTO visits VALUES (?, ?, ?)", list(zip(*ROWS.values(), strict=True)))


def duck(path: Path) -> None:
    with duckdb.connect(path) as connection:
        connection.register("rows", pa.table(ROWS))
        connection.execute("CREATE TABLE visits AS FROM rows")


def excel(path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in [tuple(ROWS), *zip(*ROWS.values(), strict=True)]:
        sheet.append(row)
    book.save(path)


def zipped(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("deep/visits.csv", TEXT)


def zstd(path: Path) -> None:
    with pa.output_stream(str(path), compression="zstd") as file:
        file.write(TEXT.encode())


def ipc(opened: Callable[..., Any], path: Path) -> None:
    with opened(path, pa.table(ROWS).schema) as writer:
        writer.write_table(pa.table(ROWS))


def row_names(path: Path) -> None:
    """R's write.table(sep = ","): the names of the rows have no name in the header."""
    head, *lines = TEXT.splitlines(keepends=True)
    path.write_text(head + "".join(f"{at},{line}" for at, line in enumerate(lines, start=1)), encoding="utf-8")


FILES: dict[str, Callable[[Path], object]] = {
    "pandas.csv": lambda path: pd.DataFrame(ROWS).to_csv(path),
    "resaved.csv": lambda path: pd.DataFrame({"Unnamed: 0": range(12), **ROWS}).to_csv(path),
    "bom.csv": lambda path: path.write_text(TEXT, encoding="utf-8-sig"),
    "utf16.csv": lambda path: path.write_text(TEXT, encoding="utf-16"),
    "utf16le.csv": lambda path: path.write_bytes(b"\xff\xfe" + TEXT.encode("utf-16-le")),
    "utf16be.csv": lambda path: path.write_bytes(b"\xfe\xff" + TEXT.encode("utf-16-be")),
    "crlf.CSV": lambda path: path.write_bytes(TEXT.replace("\n", "\r\n").encode()),
    "mixed.csv": lambda path: path.write_bytes(TEXT.replace("\nb", "\r\nb").encode()),
    "cr.csv": lambda path: path.write_bytes(TEXT.replace("\n", "\r").encode()),
    "sep.csv": lambda path: path.write_text("sep=,\r\n" + TEXT.replace("\n", "\r\n"), encoding="utf-8", newline=""),
    "blank.csv": lambda path: path.write_text("\n\n" + TEXT, encoding="utf-8"),
    "trailing.csv": lambda path: path.write_text(TEXT.replace("\n", ",\n"), encoding="utf-8"),
    "trailing_rows.csv": lambda path: path.write_text(TEXT.replace("\n", ",\n").replace("what,", "what", 1), "utf-8"),
    "trailing_header.csv": lambda path: path.write_text(TEXT.replace("what", "what,"), encoding="utf-8"),
    "r.csv": row_names,
    "a.csv.gz": lambda path: path.write_bytes(gzip.compress(TEXT.encode())),
    "a.csv.GZ": lambda path: path.write_bytes(gzip.compress(TEXT.encode())),
    "not_named_so.csv": lambda path: path.write_bytes(gzip.compress(TEXT.encode())),
    "a.csv.bz2": lambda path: path.write_bytes(bz2.compress(TEXT.encode())),
    "a.csv.xz": lambda path: path.write_bytes(lzma.compress(TEXT.encode())),
    "a.csv.zst": zstd,
    "a.zip": zipped,
    "a.jsonl": lambda path: pd.DataFrame(ROWS).to_json(path, orient="records", lines=True, force_ascii=False),
    "a.json": lambda path: pd.DataFrame(ROWS).to_json(path, orient="records"),
    "a.ndjson.gz": lambda path: pd.DataFrame(ROWS).to_json(path, orient="records", lines=True),
    "A.PARQUET": lambda path: pq.write_table(pa.table(ROWS), path),
    "parquet_really.csv": lambda path: pq.write_table(pa.table(ROWS), path),
    "a.feather": lambda path: feather.write_feather(pa.table(ROWS), path),
    "a.arrow": lambda path: ipc(pa.ipc.new_file, path),
    "a.arrows": lambda path: ipc(pa.ipc.new_stream, path),
    "a.xlsx": excel,
    "a.sqlite": sqlite,
    "a.db": sqlite,
    "a.duckdb": duck,
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_each_kind_is_read_and_drafted(tmp_path: Path, name: str) -> None:
    FILES[name](tmp_path / name)
    assert rows(tmp_path, name) == LINES
    assert drafted(tmp_path, tmp_path / name)[0] == LINES


def test_encodings_that_a_recipe_says(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(TEXT.encode("cp1252"))
    assert rows(tmp_path, "a.csv", 'encoding = "windows-1252"') == LINES
    for end in ("le", "be"):
        (tmp_path / "a.csv").write_bytes(TEXT.encode(f"utf-16-{end}"))  # without a mark
        assert rows(tmp_path, "a.csv", 'encoding = "utf-16"') == LINES
        assert drafted(tmp_path, tmp_path / "a.csv")[0] == LINES
    with pytest.raises(RecipeError, match=r"encoding.*there is no such encoding; 'windows-1252' and 'latin-1' are"):
        rows(tmp_path, "a.csv", 'encoding = "klingon"')
    (tmp_path / "a.csv").write_bytes(TEXT.encode("cp1252"))
    with pytest.raises(DataError, match=r"a.csv"):
        rows(tmp_path, "a.csv")
    (tmp_path / "a.csv").write_bytes(TEXT.replace("é", "\x9d").encode("latin-1", errors="ignore"))
    with pytest.raises(DataError, match=r"byte 9d some \d+ bytes in is no cp1252: mend the file or"):
        rows(tmp_path, "a.csv", 'encoding = "windows-1252"')


def test_text_that_is_utf_8_only_at_first(tmp_path: Path) -> None:
    plain = "user,at,what\n" + "a,2024-01-31,tea\nb,2024-02-01,milk\n" * 40_000
    (tmp_path / "a.csv").write_bytes(plain.encode() + "a,2024-03-01,café\n".encode("cp1252"))
    read, unsure = drafted(tmp_path, tmp_path / "a.csv")
    assert read[40_000] == ("a", "2024-03-01", "café")
    assert any("is UTF-8 at first and is read as windows-1252" in doubt for doubt in unsure)


def test_line_breaks_inside_quotes_stay_where_line_ends_are_mixed(tmp_path: Path) -> None:
    text = 'user,at,what\r\na,2024-01-31,"x\r\ny ""q"""\nb,2024-02-01,z\r\n'
    (tmp_path / "a.csv").write_bytes(text.encode())
    (tmp_path / "r.toml").write_text(
        'name = "r"\n[tables.events]\npath = "a.csv"\n[events]\nentity = "user"\n[[fields]]\nname = "what"\n'
    )
    recipe = load_recipe(tmp_path / "r.toml")
    events = read_events(recipe, locate(recipe), SerializeOptions()).read_all()
    assert events["what"].to_pylist() == ['x\r\ny "q"', "z"]


def test_a_first_row_of_data_is_said_and_not_eaten(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(TEXT.partition("\n")[2], encoding="utf-8")
    with pytest.raises(DataError, match=r"'2024-01-31'.* looks like data: write header = \"none\" and col"):
        rows(tmp_path, "a.csv")
    said = 'header = "none"\ncolumns = ["user", "at", "what"]'
    assert rows(tmp_path, "a.csv", said) == LINES
    read, unsure = drafted(tmp_path, tmp_path / "a.csv")
    assert read == LINES
    assert any("header: the first line of a.csv ('a', '2024-01-31'" in doubt for doubt in unsure)


def test_a_table_of_several_is_named(tmp_path: Path) -> None:
    sqlite(tmp_path / "a.sqlite")
    with sqlite3.connect(tmp_path / "a.sqlite") as connection:
        connection.execute("CREATE TABLE other (x)")
    with pytest.raises(DataError, match=r"has 2 tables, and none is named: write table = .* there are other, visits"):
        rows(tmp_path, "a.sqlite")
    assert rows(tmp_path, "a.sqlite", 'table = "visits"') == LINES
    assert drafted(tmp_path, tmp_path / "a.sqlite", "visits")[0] == LINES


def test_cells_of_excel_are_texts_as_they_are_seen(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (
        ["user", "at", "what"],
        [7, pd.Timestamp("2024-01-31 10:00"), 1.5],
        [8, pd.Timestamp("2024-02-01"), True],
    ):
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    (tmp_path / "r.toml").write_text(
        'name = "r"\n[tables.events]\npath = "a.xlsx"\n[events]\nentity = "user"\ntime = { from = "at" }\n'
        '[[fields]]\nname = "what"\n'
    )
    recipe = load_recipe(tmp_path / "r.toml")
    events = read_events(recipe, locate(recipe), SerializeOptions()).read_all()
    assert events["entity_id"].to_pylist() == ["7", "8"]
    assert [str(time) for time in events["event_time"].to_pylist()] == [
        "2024-01-31 10:00:00+00:00",
        "2024-02-01 00:00:00+00:00",
    ]
    assert events["what"].to_pylist() == ["1.5", "true"]


def test_folders_and_globs(tmp_path: Path) -> None:
    (tmp_path / "visits [2024]").mkdir()
    head, *lines = TEXT.splitlines(keepends=True)
    for at in range(3):
        (tmp_path / "visits [2024]" / f"{at}.csv").write_text(
            head + "".join(lines[4 * at : 4 * at + 4]), encoding="utf-8"
        )
    (tmp_path / "visits [2024]" / "readme.txt").write_text("nothing")
    read, unsure = drafted(tmp_path, tmp_path / "visits [2024]")
    assert read == LINES
    assert any("*.csv are taken, and not readme.txt" in doubt for doubt in unsure)
    (tmp_path / "visits [2024]").rename(tmp_path / "visits")
    assert drafted(tmp_path, tmp_path / "visits" / "*.csv")[0] == LINES
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match="there is no file in the folder"):
        draft_recipe(tmp_path / "none")


@pytest.mark.parametrize(
    ("name", "start", "what"),
    [
        ("a.dta", b"x", "Stata"),
        ("a.sas7bdat", b"x", "SAS"),
        ("a.PKL", b"x", "pickle"),
        ("a.csv", b"\x89HDF\r\n", "HDF5"),
        ("a.csv", b"%PDF-1.7", "PDF"),
        ("a.feather", b"FEA1", "Feather version 1"),
        ("a.rds", gzip.compress(b"RDX3\n", mtime=0), "R"),
    ],
)
def test_what_is_not_read_is_refused_by_name(tmp_path: Path, name: str, start: bytes, what: str) -> None:
    (tmp_path / name).write_bytes(start)
    for attempt in (lambda: rows(tmp_path, name), lambda: draft_recipe(tmp_path / name)):
        with pytest.raises(DataError, match=f"is a file of kind {what}, which is not read: give delimited text"):
            attempt()


def test_broken_packings_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(TEXT.encode())[:-20])
    (tmp_path / "a.csv.xz").write_bytes(lzma.compress(TEXT.encode())[:60])
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.csv", TEXT)
        archive.writestr("b.csv", TEXT)
    with pytest.raises(DataError, match="holds 2 files"):
        rows(tmp_path, "a.zip")
    for name in ("a.csv.gz", "a.csv.xz"):
        with pytest.raises(DataError, match="cannot read"):
            rows(tmp_path, name)
