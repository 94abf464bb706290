"""``enrich --by llm`` with a model that only the store knows."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from llm4es.enrich.variants import fingerprint
from llm4es_cli.main import app
from llm4es_store import Store

from . import shop, tiny


def run(*words: object) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, done.output + str(done.exception)
    return done.stdout


def patient(folder: Path) -> Path:
    """A tiny model that reads long prompts."""
    model = tiny.save(folder)
    config = json.loads((model / "config.json").read_text()) | {"max_position_embeddings": 8192}
    (model / "config.json").write_text(json.dumps(config))
    return model


def test_a_tuned_model_rewrites_as_its_dry_run_says(tmp_path: Path) -> None:
    recipe, model, store = shop.write(tmp_path / "shop", customers=8), patient(tmp_path / "base"), tmp_path / "store"
    run("serialize", recipe, "--store", store)
    short = ("--steps", 1, "--max-length", 64, "--tokens-per-step", 64, "--texts", "raw", "--device", "cpu")
    run("finetune", recipe, "--model", model, "--name", "mine", *short, "--store", store)

    options = "--by llm --model mine --variants 1 --formats bullets --retries 0 --max-new-tokens 60 --device cpu"
    options += " --constrain off"
    words = ("enrich", recipe, *options.split(), "--format", "json", "--store", store)
    (planned,) = json.loads(run(*words, "--dry-run"))
    (done,) = json.loads(run(*words))
    assert (planned["to compute"], done["computed"]) == (8, 8)
    query = "SELECT variant, count(*), bool_and(note LIKE '%replaced by bullet_list%') FROM texts GROUP BY ALL"
    assert ("llm_bullets", 8, True) in Store(store).sql(query).fetchall()  # an untrained model says nothing right
    (again,) = json.loads(run(*words))
    assert again["computed"] == 0


def test_what_was_written_before_there_were_forms_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe, model, store = shop.write(tmp_path / "shop", customers=4), patient(tmp_path / "m"), tmp_path / "store"
    run("serialize", recipe, "--store", store)
    options = f"--by llm --model {model} --variants 1 --formats bullets --retries 0 --max-new-tokens 60 --device cpu"
    words = ("enrich", recipe, *options.split(), "--format", "json", "--store", store)
    with monkeypatch.context() as earlier:

        def unsaid(*words: object) -> dict[str, object]:
            return {name: value for name, value in fingerprint(*words).items() if name != "form"}  # type: ignore[arg-type]

        earlier.setattr("llm4es.project.enrich.fingerprint", unsaid)
        (before,) = json.loads(run(*words, "--constrain", "off"))
    assert before["computed"] == 4

    for how in ("auto", "off", "auto"):  # yesterday nobody could say which
        (now,) = json.loads(run(*words, "--constrain", how))
        assert (now["computed"], now["reused"]) == (0, 4)
    (other,) = json.loads(run(*words, "--constrain", "off", "--seed", 1))
    (apart,) = json.loads(run(*words, "--constrain", "auto", "--seed", 1, "--dry-run"))
    assert (other["computed"], apart["to compute"]) == (4, 4)  # today it was said
