"""Encoders through the commands: the whole way without tuning, own pooling, short vectors, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest

from . import encoders
from .shell import Shell

pytestmark = pytest.mark.usefixtures("few_folds")

LENGTH = ("--max-length", 64)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sentence-transformers model of random weights: what ``shell`` has beside its recipe."""
    return encoders.save_sentence_model(tmp_path_factory.mktemp("models") / "st", prompt="user: ")


def test_a_run_tunes_nothing(shell: Shell) -> None:
    words = ("--model", shell.model, "--k", "1,all", *LENGTH)
    code, out, err = shell("run", shell.recipe, *words)
    assert code == 0, err
    assert "finetune: left out, " in err
    assert "st is an encoder, which predicts no next token" in err
    assert "st@4 [64 tokens]" in out
    planned = json.loads(shell("run", shell.recipe, *words, "--dry-run", "--format", "json")[1])["plan"]
    assert [row["stage"] for row in planned] == ["serialize", "enrich", "embed", "probe"]
    assert {row["to compute"] for row in planned} == {0}


@pytest.mark.parametrize(
    ("words", "cannot"),
    [(("finetune",), "tuned"), (("finetune", "--dry-run"), "tuned"), (("enrich", "--by", "llm"), "asked")],
)
def test_next_tokens_are_not_to_be_had(shell: Shell, words: tuple[str, ...], cannot: str) -> None:
    command, *rest = words
    shell.stage("serialize")
    said = shell.fails(command, shell.recipe, "--model", shell.model, *rest)
    assert f"st is an encoder: it embeds, predicts no next token and so cannot be {cannot}; give a decoder" in said


def test_what_is_known_of_it(shell: Shell) -> None:
    code, out, _ = shell("models", "show", shell.model)
    assert (code, json.loads(out)["kind"], json.loads(out)["layers"]) == (0, "encoder", 4)


def test_its_own_pooling_and_short_vectors(shell: Shell) -> None:
    own = ("--model", shell.model, "--pooling", "model", *LENGTH)
    shell.stage("serialize")
    code, out, err = shell("embed", shell.recipe, *own, "--format", "json")
    assert code == 0, err
    assert "st puts 'user: ' before every text" in err
    (made,), (again,) = json.loads(out), shell.stage("embed", *own)
    assert (made["computed"], again["computed"], again["reused"]) == (20, 0, 20)
    (short,) = shell.stage("embed", *own, "--dims", 8)
    assert "dims none \u2192 8" in short["why"]
    texts = dict(shell.sql("SELECT entity_id, text FROM texts WHERE variant = 'raw'"))
    rows = shell.sql("SELECT entity_id, dim, vector FROM embeddings WHERE pooling = 'model' AND n_tokens_dropped = 0")
    assert sorted({dim for _, dim, _ in rows}) == [8, 32]
    expected = dict(zip(texts, encoders.encoded(shell.model, list(texts.values())), strict=True))
    for entity, dim, vector in rows:
        cut = expected[entity][:dim]
        assert np.abs(np.array(vector) - cut / np.linalg.norm(cut)).max() <= 1e-5
    shell.stage("probe", "--task", "loyal", "--folds", 2)
    assert "st@1 [64 tokens, model, 8 dims]" in shell("compare", shell.recipe, "--task", "loyal")[1]


def test_other_steps_make_other_vectors(shell: Shell, tmp_path: Path) -> None:
    own = ("--pooling", "model", *LENGTH)
    shell.stage("serialize")
    model = encoders.save_sentence_model(tmp_path / "other", after=("Dense",))
    (made,) = shell.stage("embed", "--model", model, *own)
    (model / "config_sentence_transformers.json").write_text(
        json.dumps({"prompts": {"q": "query: "}, "default_prompt_name": "q"})
    )
    (prompted,) = shell.stage("embed", "--model", model, *own)
    assert (made["computed"], prompted["computed"]) == (20, 20)
    said = shell.fails("embed", shell.recipe, "--model", model, *own, "--dims", 25)
    assert "--dims 25 is above the 24 dimensions of other: give 24 or less" in said
