"""Expressions of a recipe may come from anyone: each key holds one expression over columns, and reaches no file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from llm4es.core.errors import Llm4esError, RecipeError
from llm4es.options import SerializeOptions
from llm4es.recipes import database, load_recipe, locate, read_events, read_labels, read_splits, recipe_from_frame
from llm4es.recipes.expressions import expression

EVENTS = "user,at,what,code\n" + "".join(f"u{row},2024-01-0{row},tea,1\n" for row in range(1, 5))
PEOPLE = "user,churn,part\n" + "".join(f"u{row},{row % 2},train\n" for row in range(1, 5))
RECIPE = """
name = "mine"
[tables.events]
path = "events.csv"
derive = {{ derived = "{derive}" }}
[tables.people]
path = "people.csv"
[tables.codes]
path = "codes.csv"
[events]
entity = "{entity}"
time = {{ from = "{time}" }}
where = "{where}"
joins = [{{ table = "people", on = "{on}" }}]
[[fields]]
name = "what"
from = "{field}"
[[fields]]
name = "code"
names = {{ table = "codes", code = "{code}", name = "name" }}
[tasks.churn]
kind = "binary"
table = "people"
entity = "{of_label}"
label = "{label}"
[splits]
default = "part"
[splits.columns.part]
table = "people"
entity = "user"
split = "{split}"
"""
GOOD = {
    "derive": "upper(what)",
    "entity": "user",
    "time": "at",
    "where": "1 = 1",
    "on": "user",
    "field": "what",
    "code": "code",
    "of_label": "user",
    "label": "churn",
    "split": "part",
}


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., None]:
    """Read everything that a recipe says, with some of its expressions replaced."""

    def read(**changes: str) -> None:
        for name, text in (("events", EVENTS), ("people", PEOPLE), ("codes", "code,name\n1,one\n")):
            (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
        path = tmp_path / "mine.toml"
        path.write_text(RECIPE.format(**{**GOOD, **changes}), encoding="utf-8")
        recipe = load_recipe(path)
        source = locate(recipe)
        ids = read_events(recipe, source, SerializeOptions()).read_all()["entity_id"]
        read_labels(recipe, source)
        read_splits(recipe, ids, source)

    return read


def test_a_good_recipe_is_read(read: Callable[..., None]) -> None:
    read()


@pytest.mark.parametrize("key", GOOD)
@pytest.mark.parametrize(
    "attack",
    [
        "1=1); COPY (SELECT 1 AS wiped) TO '{file}' (FORMAT csv, USE_TMP_FILE false); --",
        "(WITH x AS (COPY (SELECT 1) TO '{file}') SELECT 1 FROM x)",
        "what FROM events; COPY (SELECT 1) TO '{file}'; SELECT what",
        "(SELECT content FROM read_text('{file}'))",
    ],
)
def test_no_key_writes_or_reads_a_file(read: Callable[..., None], tmp_path: Path, key: str, attack: str) -> None:
    with pytest.raises(Llm4esError) as caught:
        read(**{key: attack.format(file=tmp_path / "events.csv")})
    assert "\n" not in str(caught.value)
    assert (tmp_path / "events.csv").read_text(encoding="utf-8") == EVENTS
    assert {path.name for path in tmp_path.iterdir()} == {"events.csv", "people.csv", "codes.csv", "mine.toml"}


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("a) + (b", "Parser Error: syntax error"),
        ("a, b", "no single SQL expression"),
        ("a AS b", "no single SQL expression"),
        ("a FROM events", "no single SQL expression"),
        ("a WHERE b", "no single SQL expression"),
        ("a ORDER BY b", "no single SQL expression"),
        ("DISTINCT a", "no single SQL expression"),
        ("a UNION SELECT b", "no single SQL expression"),
        ("a;", "no single SQL expression"),
        ("1; SELECT 2", "no single SQL expression|Parser Error"),
        ("a /*", "Parser Error: unterminated"),
        ("'a", "Parser Error: unterminated"),
        ("", "Parser Error"),
        ("a IN (SELECT 1)", "holds a subquery"),
        ("EXISTS (FROM query('SELECT 1'))", "holds a subquery"),
        ("getenv('HOME') || a", r"calls getenv\(\)"),
        ("list_transform(l, lambda x: main.current_setting(x))", r"calls current_setting\(\)"),
        ("$1", "holds a parameter"),
    ],
)
def test_what_is_no_expression(sql: str, message: str) -> None:
    with pytest.raises(RecipeError, match=f"events.where: .*({message})"):
        expression(sql, "events.where")


@pytest.mark.parametrize(
    "sql",
    [
        "a -- why",
        "a /* why */ + 1",
        "(a, b)",
        "CASE WHEN a > ';' THEN 1 END",
        "a GLOB 'x*'",
        "count(*) OVER (PARTITION BY b)",
    ],
)
def test_what_is_an_expression(sql: str) -> None:
    assert expression(sql) == f"({sql}\n)"


def test_files_are_shut_off_before_expressions_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "events.csv").write_text(EVENTS, encoding="utf-8")
    path = tmp_path / "mine.toml"
    path.write_text(
        'name = "mine"\n[tables.events]\npath = "events.csv"\n[events]\nentity = "user"\n[[fields]]\nname = "what"\n',
        encoding="utf-8",
    )
    recipe = load_recipe(path)
    source = locate(recipe)
    with database.connected(source) as connection:
        database.load(connection, recipe, source, {"events": ["user"]}, skip=False)
        for query in (
            f"FROM read_text('{tmp_path}/events.csv')",
            f"COPY (SELECT 1) TO '{tmp_path}/events.csv'",
            f"WITH x AS (COPY (SELECT 1) TO '{tmp_path}/events.csv') PIVOT x ON count",
            "SET allowed_directories = ['/']",
        ):
            with pytest.raises(duckdb.Error):
                connection.execute(query).fetchall()
    assert (tmp_path / "events.csv").read_text(encoding="utf-8") == EVENTS


@pytest.mark.parametrize(
    "changes",
    [{"time": {"from": "at || (SELECT 1)"}}, {"fields": [{"name": "n", "from": "what; --", "type": "number"}]}],
)
def test_a_frames_expressions_too(changes: dict[str, Any]) -> None:
    events = {"user": ["a", "b"], "at": ["2024-01-01", "2024-01-02"], "what": ["tea", "milk"]}
    with pytest.raises(RecipeError, match=r"subquery|no single SQL expression|Parser Error"):
        recipe_from_frame("mine", events, entity="user", **changes)
