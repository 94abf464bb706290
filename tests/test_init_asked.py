"""``init`` on a terminal: what it asks, what comes of the answers, and the preview; elsewhere it asks nothing."""

import os
import pty
import random
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from llm4es.core.errors import DataError
from llm4es.project.preview import preview
from llm4es.project.rough_costs import tokens_a_second
from llm4es.recipes.init.choices import Choices
from llm4es.recipes.init.draft import draft_recipe
from llm4es_store import Store

from . import shop
from .shell import invoke


@pytest.fixture(scope="module")
def messy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sales of which hard to say whose they are: no column is named like an id of somebody."""
    folder, chance = tmp_path_factory.mktemp("messy"), random.Random(0)
    rows = [
        f"b{chance.randrange(20)},s{chance.randrange(15)},2026-01-{1 + n % 28:02d} 10:00:00,2026-02-{1 + n % 27:02d},"
        f"{chance.choice(['tea', 'milk', 'rice', 'salt'])},{chance.choice('xyz')}"
        for n in range(200)
    ]
    (folder / "sales.csv").write_text("\n".join(["buyer,seller,created,shipped_date,sku,brand", *rows, ""]))
    (folder / "labels.csv").write_text("who,left,big\n" + "".join(f"b{n},{n % 2},{n % 3 % 2}\n" for n in range(20)))
    return folder


def typed(folder: Path, answers: str, *words: str) -> tuple[str, str, int]:
    """What a terminal shows of ``init`` when that was typed, what is in the recipe, and the exit code."""
    here, there = pty.openpty()
    command = [sys.executable, "-m", "llm4es_cli.main", "init", "sales.csv", "labels.csv", "--out", "x.toml", *words]
    env = os.environ | {"COLUMNS": "80", "LLM4ES_STORE": "none-here", "LLM4ES_CACHE": str(folder / "cache")}
    with subprocess.Popen(command, stdin=there, stdout=there, stderr=there, cwd=folder, env=env) as process:
        os.close(there)
        os.write(here, answers.encode())
        shown = b""
        while True:
            try:
                shown += (part := os.read(here, 4096))
            except OSError:  # as Linux says that the other side is closed
                break
            if not part:
                break
    os.close(here)
    recipe = folder / "x.toml"
    text = recipe.read_text() if recipe.exists() else ""
    recipe.unlink(missing_ok=True)
    return shown.decode().replace("\r\n", "\n"), text, process.returncode


def test_a_terminal_is_asked_and_ends_with_a_preview(messy: Path) -> None:
    shown, text, code = typed(messy, "selle\nseller\n\n\nleft\n")
    assert code == 0, shown
    assert "Whose is an event? [buyer] (or seller, sku, brand) " in shown
    assert "no column 'selle': did you mean seller" in shown
    assert "When did it happen? [created] (or shipped_date) " in shown
    assert "What is it about? [sku] (or seller, brand) " in shown
    assert "What is to be predicted? [all] (or left, big) " in shown
    recipe = tomllib.loads(text)
    assert (recipe["events"]["entity"], recipe["item"], list(recipe["tasks"])) == ("seller", "sku", ["left"])
    assert recipe["events"]["time"]["from"] == "created"
    assert "preview: 3 of 15 entities, as a model will read them" in shown
    said = " ".join(shown.split())
    assert "a run that reads the newest of each history takes about" in said
    assert "up to about 4 times as much: `llm4es run x.toml --dry-run` tells it" in said
    assert ", rough: `llm4es doctor` tries this machine's speed)" in said
    assert all(len(line) <= 80 for line in shown.partition("preview: ")[2].splitlines())


def test_yes_asks_nothing_and_previews(messy: Path) -> None:
    shown, text, code = typed(messy, "", "--yes")
    assert (code, "? [" in shown) == (0, False)
    assert tomllib.loads(text)["events"]["entity"] == "buyer"
    assert "preview: 3 of 20 entities" in shown


def test_no_terminal_is_asked_nothing_and_gets_no_preview(messy: Path) -> None:
    done = invoke("init", messy / "sales.csv", stdin="seller\n")
    assert tomllib.loads(done.stdout)["events"]["entity"] == "buyer"
    assert "preview" not in done.stderr
    assert "?" not in done.stderr


def test_choices_beat_guesses_and_a_wrong_one_names_the_near_ones(messy: Path) -> None:
    files = (messy / "sales.csv", messy / "labels.csv", messy)
    said = Choices(entity="seller", time="shipped_date", item="brand", label="big")
    draft = draft_recipe(*files, choices=said)
    recipe = tomllib.loads(draft.toml)
    assert (recipe["events"]["entity"], recipe["events"]["time"]["from"]) == ("seller", "shipped_date")
    assert (recipe["item"], list(recipe["tasks"]), draft.doubts) == ("brand", ["big"], ())
    for wrong in (Choices(entity="selr"), Choices(time="sku"), Choices(item="brnd"), Choices(label="who")):
        with pytest.raises(DataError, match=r"no column '.*' can be the .*: (did you mean|there are)"):
            draft_recipe(*files, choices=wrong)


def test_a_preview_counts_what_a_run_reads(messy: Path, tmp_path: Path) -> None:
    shop.write(tmp_path, customers=30)
    draft = draft_recipe(tmp_path / "events.csv", tmp_path / "customers.csv", tmp_path)
    seen = preview(draft.toml, draft.base, str(tmp_path / "nowhere"))
    assert (seen.n_entities, seen.rough, [text[0] for text in seen.texts]) == (30, True, ["c0", "c1", "c10"])
    assert seen.seconds is not None
    texts = Store(tmp_path / "store", create=True)
    assert tokens_a_second(texts) is None
    (tmp_path / "mine.toml").write_text(draft.toml)
    invoke("serialize", tmp_path / "mine.toml", "--store", tmp_path / "store", "--quiet")
    for entity, text, events, tokens in seen.texts:
        query = f"SELECT text, n_events FROM texts WHERE entity_id = '{entity}'"
        assert texts.sql(query).fetchall() == [(text, events)]
        assert 0 < tokens <= len(text)
