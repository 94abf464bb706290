"""What a dry run of the whole way foresees is what the run then does, and no more."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from llm4es_store import Store

from . import shop, tiny
from .shell import invoke

CUSTOMERS = 100


class Place:
    """A shop's files, a model, a store, and the whole way over them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.root = folder, folder / "store"
        self.model = tiny.save(folder / "model")
        shop.write(folder / "shop", CUSTOMERS)

    def rows(self, command: str, *words: object) -> list[dict[str, Any]]:
        """The summary of a command on the shop."""
        every = (self.folder / "shop/shop.toml", *words, "--store", self.root, "--format", "json", "-q")
        return list(json.loads(invoke(command, *every).stdout))

    def stage(self, command: str, *words: object) -> dict[str, Any]:
        (row,) = self.rows(command, *words)
        return row

    def plan(self) -> dict[str, tuple[int, str]]:
        """Stage -> (rows to compute, why), of a dry run of the whole way."""
        words = ("--model", self.model, "--max-length", "64", "--k", "1,2", "--finetune", "none", "--dry-run")
        every = (self.folder / "shop/shop.toml", *words, "--store", self.root, "--format", "json", "-q")
        rows = json.loads(invoke("run", *every).stdout)["plan"]
        return {row["stage"]: (row["to compute"], row["why"]) for row in rows if row["stage"] != "probe"}

    def walk(self, layers: str = "keep") -> dict[str, tuple[int, str]]:
        """The same of the stages themselves, one after the other."""
        embed = ("--model", self.model, "--max-length", "64", "--k", "1,2", "--layers", layers)
        done = [self.stage("serialize"), self.stage("enrich"), self.stage("embed", *embed)]
        return {row["stage"]: (row["computed"], row["why"]) for row in done}

    def written_by_last_runs(self) -> dict[str, int]:
        """Table -> entities whose rows bear the id of its last writer."""
        store, found = Store(self.root), {}
        for view in ("events_shop", "texts", "embeddings", "layers"):
            query = f"""SELECT count(DISTINCT entity_id) FROM {view} JOIN runs USING (run_id)
                WHERE started_at = (SELECT max(started_at) FROM {view} JOIN runs USING (run_id))"""
            ((found[view],),) = store.sql(query).fetchall()
        return found


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_dry_run_before_there_is_a_store_leaves_nothing_behind(place: Place) -> None:
    temporary = place.folder / "temporary"
    temporary.mkdir()
    words = ("serialize", place.folder / "shop/shop.toml", "--dry-run", "--store", place.root)
    environment = os.environ | {"TMPDIR": str(temporary)}
    done = subprocess.run(
        [sys.executable, "-m", "llm4es_cli.main", *map(str, words)], env=environment, capture_output=True, text=True
    )
    assert f"{CUSTOMERS} new" in done.stdout, done.stderr
    assert list(temporary.iterdir()) == []
    assert not place.root.exists()


def test_one_percent_of_the_entities_is_one_percent_of_every_stage(place: Place) -> None:
    first = {"serialize": (CUSTOMERS, f"{CUSTOMERS} new")}
    first |= dict.fromkeys(("enrich", "embed"), (2 * CUSTOMERS, f"{2 * CUSTOMERS} new"))
    assert place.plan() == place.walk() == first
    assert {computed for computed, _ in place.walk().values()} == {0}
    shop.write(place.folder / "shop", CUSTOMERS, {7: "coffee"})
    expected = {
        "serialize": (1, "1 text changed"),
        "enrich": (2, "2 text changed"),
        "embed": (2, "2 text changed"),
    }
    assert place.plan() == expected
    assert place.walk() == expected
    query = "SELECT stage, reasons FROM runs ORDER BY version DESC LIMIT 3"
    told = {stage: json.loads(reasons) for stage, reasons in Store(place.root).sql(query).fetchall()}
    assert told == {
        "serialize": {"texts": {"text changed": 1}, "events/shop": {"text changed": 1}},
        "enrich": {"texts": {"text changed": 2}},
        "embed": {"embeddings": {"text changed": 2}},
    }
    assert place.written_by_last_runs() == {"events_shop": 1, "texts": 1, "embeddings": 1, "layers": 1}
    assert place.plan()["embed"] == (0, "nothing to do")


def test_new_and_vanished_entities_are_foreseen(place: Place) -> None:
    place.walk()
    shop.write(place.folder / "shop", CUSTOMERS + 2)
    assert place.plan() == place.walk() == {"serialize": (2, "2 new"), "enrich": (4, "4 new"), "embed": (4, "4 new")}
    shop.write(place.folder / "shop", CUSTOMERS - 1)
    gone = (0, "3 vanished")
    assert place.plan() == place.walk() == {"serialize": gone, "enrich": gone, "embed": gone}
    count = "SELECT count(DISTINCT entity_id) FROM layers"
    assert Store(place.root).sql(count).fetchall() == [(CUSTOMERS - 1,)]
    shop.write(place.folder / "shop", CUSTOMERS - 1, {7: "coffee"})
    place.walk(layers="drop")  # what was kept of the old text goes, though nothing takes its place
    assert Store(place.root).sql(count).fetchall() == [(CUSTOMERS - 2,)]
