"""Texts as a user makes them: snapshots, bad input, rewriting by a server that is killed on the way."""

import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llm4es.core.errors import DataError, Llm4esError
from llm4es_store import Store

from . import shop
from .shell import invoke, rows_so_far

KEY = "sk-never-written-anywhere"


class Shell:
    """A shop's folder, a store, and the command."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.recipe, self.store = folder, shop.write(folder / "shop"), folder / "store"

    def __call__(self, command: str, *words: object) -> tuple[list[dict[str, Any]], str]:
        """A stage's summary and what it said; the stage must succeed."""
        done = invoke(command, self.recipe, *words, "--store", self.store, "--format", "json")
        rows: list[dict[str, Any]] = json.loads(done.stdout)
        return rows, done.stderr

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        return Store(self.store).sql(query).fetchall()


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def test_dated_snapshots_live_beside_each_other(shell: Shell) -> None:
    """Customer n has 3 + n % 4 visits, one a day from the first of January 2026 on."""
    shell("serialize")
    _, said = shell("serialize", "--as-of", "2026-01-03")
    assert "have no event before" not in said
    shell("serialize", "--as-of", "2026-01-03T10:00:00.000001")
    with pytest.raises(DataError, match="--as-of 2026-01-01 10:00:00 is before every event of 'shop', whose first is"):
        shell("serialize", "--as-of", "2026-01-01T10:00:00")
    found = shell.sql("SELECT as_of, n_events, text FROM texts WHERE entity_id = 'c3' ORDER BY as_of")
    assert [(str(as_of)[:10] if as_of else None, n) for as_of, n, _ in found] == [
        ("2026-01-03", 2), ("2026-01-03", 3), (None, 6),
    ]  # fmt: skip
    assert found[0][2].splitlines() == ["Product | Amount", "rice | 3.00", "salt | 3.50"]
    again, _ = shell("serialize")
    assert (again[0]["computed"], again[0]["reused"]) == (0, 20)


def test_text_defaults_of_the_recipe(shell: Shell) -> None:
    shell.recipe.write_text(shell.recipe.read_text() + '\n[texts]\nmax_events = 2\nhistory = "oldest"\n')
    shell("serialize")
    assert shell.sql("SELECT DISTINCT n_events FROM texts") == [(2,)]
    shell("serialize", "--history", "full")
    assert shell.sql("SELECT max(n_events) FROM texts") == [(6,)]


def test_an_id_may_hold_what_ends_lines_elsewhere(shell: Shell) -> None:
    odd = "a\u2028b \U0001f382"
    events = shell.folder / "shop" / "events.csv"
    events.write_text(events.read_text() + f"{odd},2026-01-01,\u65e5\u2029,1\n", encoding="utf-8")
    shell("serialize")
    assert shell.sql(f"SELECT text FROM texts WHERE entity_id = '{odd}'") == [
        ("Product | Amount\n\u65e5\\u2029 | 1.00",)
    ]


SPLIT = """[splits]
default = "own"

[splits.columns.own]
table = "customers"
entity = "customer"
split = "loyal"

[tasks.loyal]
"""


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("events.csv", "2026-01-01 10:00:00", "yesterday", "row 1 has 'yesterday', which is not a time"),
        ("events.csv", "c0,", ",", "row 1 has nothing, which is not an id"),
        ("customers.csv", "c1,yes", "c1,yes\nc1,no", "entity 'c1' has several different labels"),
        ("customers.csv", "customer,loyal", "customer,loyl", "there is no column 'loyal'; did you mean loyl?"),
        ("customers.csv", "c1,yes", "c1,yes,yes", "cannot read customers.csv"),
        ("shop.toml", 'kind = "binary"', 'kind = "regression"', "is a regression and 'no' is no number"),
        ("shop.toml", "[tasks.loyal]", SPLIT, "entity 'c0' is in 'no', which is none of train, validation, test"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_before_anything_is_written(
    shell: Shell, file: str, old: str, new: str, message: str
) -> None:
    path = shell.folder / "shop" / file
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(Llm4esError) as caught:
        shell("serialize")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    for view in ("texts", "labels", "splits"):
        assert shell.sql(f"SELECT count(*) FROM {view}") == [(0,)]


def test_a_split_of_the_data_is_kept(shell: Shell) -> None:
    parts = "CASE WHEN loyal = 'yes' THEN 'train' ELSE 'test' END"
    shell.recipe.write_text(shell.recipe.read_text().replace("[tasks.loyal]", SPLIT.replace('"loyal"', f'"{parts}"')))
    shell("serialize")
    found = shell.sql("SELECT split, count(*) FROM splits WHERE name = 'own' GROUP BY split ORDER BY split")
    assert found == [("test", 10), ("train", 10)]


def test_bad_rows_left_out_and_labels_of_strangers_are_counted(shell: Shell) -> None:
    events, customers = (shell.folder / "shop" / name for name in ("events.csv", "customers.csv"))
    events.write_text(events.read_text() + "c0,yesterday,tea,1\n")
    customers.write_text(customers.read_text() + "nobody,yes\nc1\n")
    rows, said = shell("serialize", "--on-bad-row", "skip")
    assert rows[0]["rows"] == 20
    assert "1 entities have labels and no events" in said
    assert shell.sql("SELECT count(*) FROM labels") == [(21,)]


def test_a_field_to_group_by_that_is_not_there(shell: Shell) -> None:
    shell("serialize")
    with pytest.raises(Llm4esError, match=r"--group-by 'prodct' is no field of the texts: did you mean Product\?"):
        shell("enrich", "--group-by", "prodct")
    assert shell.sql("SELECT DISTINCT variant FROM texts") == [("raw",)]


class Server(http.server.BaseHTTPRequestHandler):
    """Rewrites records faithfully, slowly, and remembers for whom."""

    asked: Counter[str]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        records = body["messages"][1]["content"].partition(">\n")[2].partition("\n</records")[0]
        self.asked[records] += 1
        time.sleep(0.05)
        said = "\n".join(f"- {line}" for line in records.split("\n")[1:])
        choice = {"index": 0, "message": {"role": "assistant", "content": said}, "finish_reason": "stop"}
        data = {"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(data).encode())

    def log_message(self, *_: Any) -> None:
        """Nothing on the screen."""


@pytest.fixture
def server() -> Iterator[tuple[str, Counter[str]]]:
    """Its address, and how often each history was asked for."""
    pytest.importorskip("openai")
    handler = type("Counting", (Server,), {"asked": Counter()})
    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{running.server_port}/v1", handler.asked  # type: ignore[attr-defined]
    running.shutdown()
    running.server_close()


def test_a_killed_rewriting_goes_on_row_by_row(shell: Shell, server: tuple[str, Counter[str]]) -> None:
    address, asked = server
    shell("serialize")
    words = ["--by", "llm", "--engine", "openai", "--base-url", address, "--model", "m", "--formats", "bullets"]
    words += ["--variants", "1", "--concurrency", "2", "--store", str(shell.store)]
    command = [sys.executable, "-c", "from llm4es_cli.main import main; main()", "enrich", str(shell.recipe), *words]
    environment = os.environ | {"OPENAI_API_KEY": KEY, "OPENAI_LOG": "debug"}
    first = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    done = 0
    while done < 8:
        time.sleep(0.02)
        done = rows_so_far(shell.store, "texts") - 20
        assert first.poll() is None, first.communicate()
    first.send_signal(signal.SIGKILL)
    first.communicate()
    committed = shell.sql("SELECT count(*) FROM texts WHERE variant = 'llm_bullets'")[0][0]
    assert 8 <= committed < 20
    second = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert f"{20 - committed},{committed}" in second.stdout
    assert f"{20 - committed} rewritings, mean fidelity 1.000: 0 good when asked again, 0 replaced" in second.stderr
    rows = shell.sql("SELECT entity_id, fidelity FROM texts WHERE variant = 'llm_bullets'")
    assert len(rows) == len({entity for entity, _ in rows}) == 20
    assert len(asked) == 20
    assert sum(asked.values()) <= 24  # at most the batch under way is asked for twice
    kept = [path.read_bytes() for path in shell.store.rglob("*") if path.is_file()]
    assert not [
        content for content in [*kept, second.stdout.encode(), second.stderr.encode()] if KEY.encode() in content
    ]
