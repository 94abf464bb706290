"""``llm4es sql`` as a person uses it: files, pipes, limits, and the prompt."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from llm4es.core.errors import OptionError, StoreError
from llm4es_cli.prompt import FIRST, NEXT, history_file, prompt, remembered
from llm4es_store import Store

from .rows import KEY, SCOPE, texts
from .shell import Call, invoke


@pytest.fixture
def root(tmp_path: Path) -> str:
    store = Store(tmp_path / "store", create=True)
    with store.run("serialize", "d", {}, "0") as run:
        run.append("texts", SCOPE, texts({"1": "a", "2": "b"}), KEY)
    return store.layout.root


def sql(root: str, *words: str, text: str | None = None) -> str:
    return invoke("sql", "--store", root, *words, stdin=text).stdout


def test_a_query_comes_as_words_from_a_file_or_from_stdin(root: str, tmp_path: Path) -> None:
    (tmp_path / "q.sql").write_text("SELECT count(*) AS n FROM texts")
    for words, text in ((["SELECT count(*) AS n FROM texts"], None), ([str(tmp_path / "q.sql")], None)):
        assert sql(root, *words, text=text) == "n\n2\n"
    assert sql(root, "-", text="SELECT count(*) AS n FROM texts") == "n\n2\n"
    with pytest.raises(OptionError, match=r"cannot read the query from none\.sql"):
        sql(root, "none.sql")


@pytest.mark.parametrize("name", ["x.parquet", "x.csv", "x.json"])
def test_rows_are_written_to_a_file_by_its_ending(root: str, tmp_path: Path, name: str) -> None:
    sql(root, "SELECT entity_id, n_events FROM texts ORDER BY 1", "--out", str(tmp_path / name))
    path = tmp_path / name
    if name.endswith("parquet"):
        assert pq.read_table(path).to_pylist() == [{"entity_id": "1", "n_events": 1}, {"entity_id": "2", "n_events": 1}]
    elif name.endswith("csv"):
        assert path.read_text() == "entity_id,n_events\n1,1\n2,1\n"
    else:
        assert json.loads(path.read_text()) == [{"entity_id": "1", "n_events": 1}, {"entity_id": "2", "n_events": 1}]


def test_parquet_goes_into_a_pipe(root: str, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "llm4es_cli.main", "sql", "SELECT entity_id FROM texts", "--store", root]
    done = subprocess.run([*words, "--format", "parquet"], capture_output=True, check=True)
    (tmp_path / "x").write_bytes(done.stdout)
    assert pq.read_table(tmp_path / "x").num_rows == 2


def test_a_failed_query_leaves_no_file(root: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "x.parquet").write_text("old")
    with pytest.raises(StoreError, match="boom"):
        sql(
            root,
            "SELECT CASE WHEN range > 9 THEN error('boom') END AS a FROM range(20)",
            "--out",
            str(out / "x.parquet"),
        )
    assert [path.name for path in out.iterdir()] == ["x.parquet"]
    assert (out / "x.parquet").read_text() == "old"


@pytest.mark.parametrize(
    ("out", "message"),
    [("x.xls", "does not end in a known format"), ("no/folder/x.csv", r"cannot be written \(No such file")],
)
def test_places_that_take_no_rows(root: str, tmp_path: Path, out: str, message: str) -> None:
    before = sorted(tmp_path.iterdir())
    with pytest.raises(OptionError, match=message):
        sql(root, "SELECT 1", "--out", str(tmp_path / out))
    assert sorted(tmp_path.iterdir()) == before


def test_both_columns_of_a_join_are_shown(root: str) -> None:
    asked = "SELECT a.entity_id, b.entity_id FROM texts a, texts b WHERE a.entity_id < b.entity_id"
    assert sql(root, asked, "--format", "csv") == "entity_id,entity_id_1\n1,2\n"
    assert sql(root, asked, "--format", "table").split() == ["entity_id", "entity_id_1", "1", "2"]
    assert json.loads(sql(root, asked, "--format", "json")) == [{"entity_id": "1", "entity_id_1": "2"}]


@pytest.mark.parametrize("format_", ["table", "csv", "json"])
@pytest.mark.parametrize("date", ["DATE 'infinity'", "TIMESTAMP '200000-01-01'"])
def test_dates_that_cannot_be_printed(root: str, format_: str, date: str) -> None:
    with pytest.raises(OptionError, match="a date beyond the years 1 to 9999: cast it to VARCHAR"):
        sql(root, f"SELECT {date} AS a", "--format", format_)


def test_limits_are_options(root: str) -> None:
    asked = "SELECT current_setting('threads') AS n"
    assert sql(root, asked, "--threads", "1", "--memory-limit", "100MB", "--timeout", "60") == "n\n1\n"


def test_the_prompt_answers_whole_statements_and_survives_errors() -> None:
    typed: Iterator[str | BaseException] = iter(
        ["SELECT 1", "  + 1;", "DROP it;", "half", KeyboardInterrupt(), "", ".tables", EOFError()]
    )
    asked: list[str] = []
    answered: list[str] = []
    said: list[str] = []

    def ask(sign: str) -> str:
        asked.append(sign)
        line = next(typed)
        if isinstance(line, BaseException):
            raise line
        return line

    def answer(statement: str) -> None:
        if "DROP" in statement:
            raise StoreError("the store is read-only")
        answered.append(statement)

    prompt(ask, answer, said.append)
    assert answered == ["SELECT 1\n  + 1;", "SHOW TABLES;"]
    assert asked == [FIRST, NEXT, FIRST, FIRST, NEXT, FIRST, FIRST, FIRST]
    assert "error: the store is read-only" in said


def test_json_has_numbers_and_null_for_what_is_none(root: str, tmp_path: Path) -> None:
    query = """SELECT 'nan'::DOUBLE AS a, [1.5, 'inf'::DOUBLE] AS b, {'c': '-inf'::FLOAT} AS d, 2.5 AS e, sum(i) AS f
        FROM range(3) t(i)"""
    sql(root, query, "--out", str(tmp_path / "x.json"))
    for text in (sql(root, query, "--format", "json"), (tmp_path / "x.json").read_text()):
        assert json.loads(text, parse_constant=pytest.fail) == [
            {"a": None, "b": [1.5, None], "d": {"c": None}, "e": 2.5, "f": 3}
        ]


def test_a_file_needs_a_query(root: str, tmp_path: Path, llm4es: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", type("Terminal", (), {"isatty": lambda _: True})())
    code, out, err = llm4es("sql", "--out", tmp_path / "x.csv", "--store", root)
    assert (code, out) == (2, "")
    assert "x.csv needs a query: give one" in err
    assert not (tmp_path / "x.csv").exists()


@pytest.mark.parametrize("word", [".exit", ".quit", "exit", "QUIT;"])
def test_the_prompt_is_left_by_a_word(word: str) -> None:
    typed = iter([word, "SELECT 1;"])
    answered: list[str] = []
    prompt(lambda _: next(typed), answered.append, lambda _: None)
    assert answered == []
    assert list(typed) == ["SELECT 1;"]  # nothing more was asked for


def test_history_lies_in_the_users_state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("readline")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert history_file() == tmp_path / "state/llm4es/sql_history"
    with remembered(history_file()):
        import readline

        readline.add_history("SELECT 1;")
    assert "SELECT 1;" in history_file().read_text()
    assert history_file().stat().st_mode & 0o077 == 0
