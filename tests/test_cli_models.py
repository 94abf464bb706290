"""Embedding and models from the command line: what is cut, what moved, what a name stands for."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from llm4es.core.errors import ModelError
from llm4es_store import Store

from . import shop, tiny
from .shell import invoke

CUT = "14 of 20 entities (70%) are cut: 318 tokens, 25 events of theirs are in no vector; --history full reads all"


class Place:
    """A folder with a recipe, a model of random weights, and a store with the recipe's texts."""

    def __init__(self, folder: Path) -> None:
        self.recipe, self.model = shop.write(folder / "shop"), tiny.save(folder / "tinyllama")
        self.store = folder / "store"
        self.messages = ""
        self("serialize", self.recipe)

    def __call__(self, *words: object) -> str:
        done = invoke(*words, "--store", self.store)
        self.messages = done.stderr
        return done.stdout

    def embed(self, *words: object) -> None:
        self("embed", self.recipe, "--model", self.model, "--k", "2", *words)


@pytest.fixture
def here(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_run_says_what_share_of_entities_is_cut(here: Place) -> None:
    here.embed("--max-length", 64)
    assert CUT in here.messages
    ((message,),) = Store(here.store).sql("SELECT message FROM runs WHERE stage = 'embed'").fetchall()
    assert message.startswith(CUT)
    here.embed("--max-length", 64)  # nothing is computed, and they are cut all the same
    assert CUT in here.messages
    here.embed("--max-length", 64, "--history", "full")
    assert "the vectors hold the whole history of all 20 entities" in here.messages


def test_kept_layers_give_any_depth_in_sql(here: Place) -> None:
    here.embed("--max-length", 64, "--layers", "keep")
    made = Store(here.store).sql("SELECT entity_id, vector FROM embeddings ORDER BY 1").fetchall()
    asked = "SELECT entity_id, vector FROM embedding_of('tinyllama', [3, 4]) ORDER BY 1"
    for (entity, vector), (same, averaged) in zip(made, Store(here.store).sql(asked).fetchall(), strict=True):
        assert entity == same
        np.testing.assert_allclose(vector, averaged, rtol=1e-5, atol=1e-6)


def test_vectors_that_moved_are_shouted_about(here: Place) -> None:
    here.embed("--max-length", 64)
    assert "warning" not in here.messages
    _turn_canaries_round(Store(here.store))  # as another release might have computed them
    here.embed("--max-length", 32, "--quiet")
    assert here.messages.count("warning: vectors of this model moved: text ") == 3
    assert "cosine distance 2; then cpu torch " in here.messages


def _turn_canaries_round(store: Store) -> None:
    rows = store.sql("SELECT * REPLACE (list_transform(vector, lambda x: -x) AS vector) FROM canaries").to_arrow_table()
    scope = {name: rows[name][0].as_py() for name in ("model", "fingerprint")}
    with store.run("embed", "shop", {}, "0") as run:
        run.replace("canaries", scope, rows)


def test_what_a_name_stands_for(here: Place) -> None:
    here("finetune", here.recipe, "--model", here.model, "--name", "mine", "--steps", 2, "--max-length", 64)
    shown = json.loads(here("models", "show", "mine"))
    assert (shown["layers"], shown["dim"], shown["context"], shown["base"]) == (4, 32, 256, "tinyllama")
    assert (shown["method"], shown["steps"], shown["dataset"]) == ("lora", 2, "shop")
    assert "nats a token" in shown["verdict"]
    assert json.loads(here("models", "show", here.model))["folder"] == str(here.model)
    assert "mine,this store," in here("models", "list", "--format", "csv")


def test_models_have_names_where_there_is_no_store(here: Place) -> None:
    here.store = here.store.with_name("none")
    assert json.loads(here("models", "show", here.model))["model"] == "tinyllama"
    assert here("models", "--format", "csv").splitlines()[1].startswith("smollm2-135m,built in,")
    assert not here.store.exists()


def test_a_tuned_model_whose_base_is_another_now(here: Place) -> None:
    here("finetune", here.recipe, "--model", here.model, "--name", "mine", "--steps", 2, "--max-length", 64)
    shutil.rmtree(here.model)
    tiny.save(here.model, seed=1)
    with pytest.raises(ModelError, match="mine was tuned on another tinyllama than the one found here: tune it again"):
        here("embed", here.recipe, "--model", "mine", "--max-length", 64)


def test_another_model_in_the_same_place_is_a_version_and_another_space(here: Place) -> None:
    here.embed("--max-length", 64)
    shutil.rmtree(here.model)
    tiny.save(here.model, seed=1)
    here.embed("--max-length", 64)
    spaces = Store(here.store).sql("SELECT model, count(DISTINCT fingerprint), count(*) FROM embeddings GROUP BY 1")
    found = sorted(spaces.fetchall())
    assert [(n, rows) for _, n, rows in found] == [(1, 20), (1, 20)]
    assert found[0][0] == "tinyllama"
    assert found[1][0] == "tinyllama@v2"
    canaries = Store(here.store).sql("SELECT DISTINCT model FROM canaries ORDER BY 1").fetchall()
    assert canaries == [(name,) for name, _, _ in found]  # a space has one name in every table


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--max-length", 512), "--max-length 512 is above the context of tinyllama: give 256 or less"),
        (("--device", "cuda", "--max-length", 64), "--device cuda: torch sees no CUDA device here; give --device cpu"),
        (("--attention", "flash_attention_2", "--max-length", 64), "needs flash-attn, which is not installed"),
    ],
)
def test_what_cannot_be_embedded(here: Place, words: tuple[object, ...], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        here.embed(*words)
    assert Store(here.store).sql("SELECT count(*) FROM embeddings").fetchall() == [(0,)]
