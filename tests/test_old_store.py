"""A store that llm4es 0.1.0 made (tests/data/README.md): it opens, reads right, and none of it is computed again."""

import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from llm4es_cli.main import app
from llm4es_store import Store

from . import shop

ARCHIVE = Path(__file__).parent / "data" / "store-0.1.tar.xz"
Stage = Callable[[str], list[dict[str, Any]]]

EMBED = "embed {recipe} --model {model} --k 1,2 --max-length 64"
STAGES = {
    "serialize {recipe}": 20,
    "enrich {recipe} --variants 2": 40,
    "finetune {recipe} --model {model} --steps 2 --max-length 64 --method full": 1,
    EMBED: 40,
    f"{EMBED} --texts all --layers keep": 40,
    "embed {recipe} --model tiny-shop --k 1 --max-length 64": 20,  # the store's own model, wherever the store lies now
    "probe {recipe} --folds 2 --repeats 2 --features": 3,
}
"""The commands that made the store -> rows that each wants."""


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the old store, and the shop and the model that it was made from."""
    monkeypatch.setenv("LLM4ES_CACHE", str(tmp_path / "cache"))
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path


@pytest.fixture
def stage(old: Path) -> Stage:
    """Run one of the commands on the old store; the rows of its summary."""

    def run(command: str) -> list[dict[str, Any]]:
        words = command.format(recipe=old / "shop/shop.toml", model=old / "tiny").split()
        words += ["tfidf,counts,tiny@1 [64 tokens]"] if command.endswith("--features") else []
        done = CliRunner().invoke(app, [*words, "--store", str(old / "store"), "--format", "json", "--quiet"])
        assert done.exit_code == 0, done.output
        rows: list[dict[str, Any]] = json.loads(done.stdout)
        return rows

    return run


def counts(store: Store) -> dict[str, int]:
    """View -> rows."""
    views = [view for (view,) in store.sql("SHOW TABLES").fetchall()]
    return {view: store.sql(f"SELECT * FROM {view}").to_arrow_table().num_rows for view in views}


def test_every_view_shows_what_was_written(old: Path) -> None:
    store = Store(old / "store")
    assert counts(store) == {
        "bins": 0,
        "canaries": 6,
        "embeddings": 100,
        "event_fits": 0,
        "event_vectors": 0,
        "events_shop": 90,
        "exposures": 16,
        "labels": 20,
        "layers": 40,
        "models": 1,
        "predictions": 120,
        "predictors": 0,
        "probes": 15,
        "raw_rows": 0,
        "recipes": 0,  # 0.1.0 knew no such tables
        "runs": 7,
        "scores": 0,
        "splits": 20,
        "texts": 60,
    }
    assert store.recipe("shop") is None
    text = store.sql("SELECT text FROM texts WHERE entity_id = 'c0' AND variant = 'raw'").fetchall()
    assert text == [("Product | Amount\ntea | 0.00\nmilk | 0.50\nbread | 1.00",)]
    (vector,) = store.sql("SELECT vector FROM embeddings WHERE k = 2 AND texts = 'raw' AND entity_id = 'c1'").fetchall()
    assert vector[0][:3] == pytest.approx([-0.03925269842147827, 0.14133228361606598, 0.6548159718513489])
    scores = dict(store.sql("SELECT features, value FROM probes WHERE metric = 'roc_auc'").fetchall())
    assert scores == pytest.approx({"tiny@1 [64 tokens]": 0.4, "counts": 0.77, "tfidf": 0.22})
    assert store.sql("SELECT split, count(*) FROM splits GROUP BY 1 ORDER BY 1").fetchall() == [
        ("test", 3),
        ("train", 16),
        ("validation", 1),
    ]
    assert store.sql("SELECT count(*) FROM embeddings", at=8).fetchall() == [(40,)]  # before the second embed
    assert store.record()["version"].to_pylist() == list(range(1, 15))


def test_nothing_is_computed_again(old: Path, stage: Stage) -> None:
    before = counts(Store(old / "store"))
    for command, rows in STAGES.items():
        (done,) = stage(command)
        assert (done["rows"], done["computed"], done["reused"]) == (rows, 0, rows), command
    after = counts(Store(old / "store"))
    assert {view: n for view, n in after.items() if view not in ("runs", "recipes", "raw_rows")} == {
        view: n for view, n in before.items() if view not in ("runs", "recipes", "raw_rows")
    }


def test_one_change_in_the_shop_is_all_that_is_computed(old: Path, stage: Stage) -> None:
    shop.write(old / "shop", changed={3: "coffee"})
    expected = {
        "serialize {recipe}": (1, 19),
        "enrich {recipe} --variants 2": (2, 38),
        EMBED: (2, 38),
        f"{EMBED} --texts all --layers keep": (2, 38),
        "embed {recipe} --model tiny-shop --k 1 --max-length 64": (1, 19),
        "probe {recipe} --folds 2 --repeats 2 --features": (3, 0),
        "finetune {recipe} --model {model} --steps 2 --max-length 64 --method full": (0, 1),  # c3 is not trained on
    }
    for command, counts_ in expected.items():
        (done,) = stage(command)
        assert (done["computed"], done["reused"]) == counts_, command
    store = Store(old / "store")
    assert store.sql("SELECT split FROM splits WHERE entity_id = 'c3'").fetchall() == [("test",)]
    made_since = "run_id NOT IN (SELECT run_id FROM runs WHERE version <= 14)"
    for table in ("texts", "embeddings", "layers"):
        assert store.sql(f"SELECT DISTINCT entity_id FROM {table} WHERE {made_since}").fetchall() == [("c3",)], table


def test_more_variants_are_added_to_those_that_are_there(old: Path, stage: Stage) -> None:
    """Their number was part of the configuration then."""
    view = "SELECT entity_id, variant, text, config_id, run_id FROM texts WHERE variant <> 'raw'"
    before = set(Store(old / "store").sql(view).fetchall())
    assert [(row["computed"], row["reused"]) for row in stage("enrich {recipe} --variants 4")] == [(40, 40)]
    after = set(Store(old / "store").sql(view).fetchall())
    assert before < after
    assert len({row[:2] for row in after}) == len(after) == 80
