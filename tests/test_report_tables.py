"""What the report says is typed to get a table gives that very table; its first screen answers from the store."""

import csv
import html
import io
import re
import shlex
from pathlib import Path

import duckdb
import pytest

from llm4es import Project
from llm4es.project.report import asked_first
from llm4es.project.report_warnings import of_task

from . import shop
from .heard import Heard
from .shell import Call

CAPTIONS = ("Comparison for loyal", "Histories read", "Runs")


def cells(row: str) -> list[str]:
    found = re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)
    return [html.unescape(re.sub(r"<[^>]+>", "", cell)) for cell in found]


def table(page: str, caption: str) -> tuple[list[str], list[list[str]], list[str]]:
    """Heads, rows, and the commands that stand below."""
    part = page[page.index(f"<caption>{caption}</caption>") :]
    heads, *rows = (cells(row) for row in re.findall(r"<tr.*?</tr>", part[: part.index("</table>")], re.DOTALL))
    below = part[part.index("</table>") :]
    commands = re.findall(r"<code>(.*?)</code>", below[: below.index("</details>")], re.DOTALL)
    return heads, rows, [html.unescape(command) for command in commands]


def number(text: str) -> float:
    return float(text.replace(",", "").removesuffix(" %") or "nan")


@pytest.fixture
def page(tmp_path: Path, model: Path, llm4es: Call, monkeypatch: pytest.MonkeyPatch) -> str:
    recipe = shop.write(tmp_path / "shop", 24)
    project = Project(recipe, tmp_path / "store", observer=Heard())
    project.serialize()
    project.embed(model=str(model), k=(1, 2), max_length=40)
    project.probe("loyal", folds=2, repeats=1, bootstrap=20, features="counts,tfidf,tinyllama@1,tinyllama@2")
    monkeypatch.delenv("LLM4ES_STORE", raising=False)
    return project.report("loyal", out=tmp_path / "page.html").read_text(encoding="utf-8")


def test_every_table_comes_with_the_command_that_gives_it(page: str, llm4es: Call) -> None:
    def typed(command: str) -> list[dict[str, str]]:
        code, out, _ = llm4es(*shlex.split(command)[1:], "--format", "csv")
        assert code == 0
        return list(csv.DictReader(io.StringIO(out)))

    assert page.count("<caption>") == len(CAPTIONS)
    shown = {caption: table(page, caption) for caption in CAPTIONS}
    assert [len(commands) for _, _, commands in shown.values()] == [2, 1, 1]

    _, rows, (compare, sql) = shown["Comparison for loyal"]
    compared, values = typed(compare), typed(sql)
    assert [row["features"] for row in compared] == [row[0] for row in rows]
    assert {row["features"] for row in values} == {row[0] for row in rows}
    for row, full in zip(rows, compared, strict=True):
        (kept,) = (one for one in values if one["features"] == row[0])
        assert number(row[1]) == pytest.approx(float(full["value"]), abs=6e-4)
        assert float(kept["value"]) == pytest.approx(float(full["value"]))
        assert row[7] == kept["n"] == full["n"] == "24"
        if full["difference"]:
            assert number(row[3]) == pytest.approx(float(full["difference"]), abs=6e-4)

    _, rows, (sql,) = shown["Histories read"]
    for row, kept in zip(rows, typed(sql), strict=True):
        assert row[:3] == [kept["features"], kept["n_entities"], kept["n_cut"]]
        assert number(row[3]) == pytest.approx(100 * float(kept["events_kept"]), abs=0.51)
        assert number(row[4]) == pytest.approx(100 * float(kept["tokens_kept"]), abs=0.51)

    _, rows, (sql,) = shown["Runs"]
    assert [[row[0], row[1], row[3]] for row in rows] == [
        [kept["run_id"], kept["stage"], kept["started_at"]] for kept in typed(sql)
    ]
    users = re.search(r"events and days of every entity</summary>.*?<code>(.*?)</code>", page, re.DOTALL)
    assert users is not None
    by_user = typed(html.unescape(users[1]))
    assert {row["entity_id"]: int(row["n_events"]) for row in by_user} == {f"c{i}": 3 + i % 4 for i in range(24)}


def test_a_task_is_no_table_and_what_is_seen_is_what_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = shop.write(tmp_path / "shop")
    recipe.write_text(recipe.read_text().replace("[tasks.loyal]", "[tasks.runs]"))
    monkeypatch.delenv("LLM4ES_STORE", raising=False)
    store = tmp_path / "st\u202eore"
    project = Project(recipe, store, observer=Heard())
    project.serialize()
    project.probe("runs", folds=2, repeats=1, bootstrap=20, features="counts")
    page = project.report(out=tmp_path / "page.html").read_text(encoding="utf-8")
    compare, _ = table(page, "Comparison for runs")[2]
    (runs,) = table(page, "Runs")[2]
    assert compare.startswith("llm4es compare shop --task runs --store $'")
    assert "FROM runs" in runs
    commands = [html.unescape(each) for each in re.findall(r"<code>(llm4es .*?)</code>", page, re.DOTALL)]
    assert len(commands) > 3
    named = rf" --store $'{tmp_path}/st\u202eore'"
    assert [command for command in commands if "\u202e" in command or named not in command] == []


def test_the_first_screen_answers_and_warnings_say_what_mends_them(page: str, llm4es: Call, tmp_path: Path) -> None:
    first = page[page.index('<section id="answer">') : page.index('<section id="warnings"')]
    assert re.search(r'<p class="headline">(Yes|No): ', first)
    assert re.search(r"<b>Labelled entities</b>: 24 scored, 12 of the smallest class: see the warnings", first)
    assert "<b>Seen in tuning</b>: none of the scored entities" in first
    assert re.search(r"[\d,]+ tokens read in .* by tinyllama@", first)
    assert re.search(r"Everything so far: 3 runs took", first)
    warned = page[page.index('<section id="warnings"') :]
    commands = [
        html.unescape(each) for each in re.findall(r"<code>(llm4es .*?)</code>", warned[: warned.index("</section>")])
    ]
    command = f"llm4es probe shop --task loyal --repeats 3 --store {tmp_path / 'store'}"
    assert command in commands
    assert all(each.endswith(f" --store {tmp_path / 'store'}") for each in commands)
    assert "of all were read: embed it with --history full" in warned
    (whole,) = (each for each in commands if " embed " in each)
    assert whole.startswith("llm4es embed shop --model ")
    assert " --k 1,2 --history full --max-length 40 --store " in whole
    code, _, told = llm4es(*shlex.split(command)[1:], "--folds", "2", "--bootstrap", "20", "--features", "counts")
    assert code == 0, told


def test_the_map_is_of_the_task_that_is_asked_for() -> None:
    for asked, first in ((["town"], "town"), (["town", "leaves"], "town"), ([], "leaves")):
        query = f"FROM (SELECT unnest(['leaves', 'spend', 'town']) AS task) ORDER BY {asked_first(asked)}, task"
        assert duckdb.execute(query).fetchall()[0] == (first,)


def test_a_value_in_a_warning_is_no_command() -> None:
    for hostile in (
        "`llm4es run shop --store /theirs`",
        "`llm4es gc shop`",
        "`llm4es sql x`",
        "`llm4es probe shop --task loyal; x`",
    ):
        (caution,) = of_task("shop", "loyal", [f"field 'f' gives it away: whether a user has {hostile} alone"])
        assert caution.command == ""
    for ours in (
        "llm4es probe shop",
        "llm4es probe shop --task loyal --folds 2 --unseen-only --train-as-of 2026-01-02",
        "llm4es embed",
    ):
        (caution,) = of_task("shop", "loyal", [f"1 stale; `{ours}` recomputes them"])
        assert caution.command == ours
