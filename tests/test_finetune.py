"""Fine-tuning: what it trains, on whom, what it leaves behind, and that a kill changes nothing."""

import json
import random
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import torch
from transformers import MambaConfig, MambaForCausalLM

from llm4es.core.errors import ModelError
from llm4es.finetune import finetune
from llm4es.finetune.finetune import Tuned
from llm4es.models import load_model
from llm4es.models.folders import adapter_fingerprint
from llm4es.models.ref import StoredModel
from llm4es.models.resolve import resolve
from llm4es.options import (
    STEP_PRESETS,
    Dtype,
    LoadIn,
    LoadOptions,
    Method,
    Optimizer,
)

from . import tiny
from .tuning import HELD_OUT, OPTIONS, TRAIN, assert_alike, bases, run, texts, weights

__all__ = ["bases"]  # a fixture

pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing")  # peft's, when an adapter is loaded


@pytest.mark.parametrize("method", list(Method))
@pytest.mark.parametrize("architecture", list(tiny.ARCHITECTURES))
def test_every_architecture_learns_and_is_found_again(
    bases: Path, tmp_path: Path, architecture: str, method: Method
) -> None:
    steps: list[tuple[int, int, float]] = []
    options = replace(OPTIONS, method=method, evaluate_every=2)
    tuned = run(bases / architecture, tmp_path / "tuned", options, progress=lambda *step: steps.append(step))
    assert tuned.held_out_loss_before is not None
    assert tuned.held_out_loss_after is not None
    assert tuned.held_out_loss_after < tuned.held_out_loss_before
    assert [step for step, _, _ in tuned.loss_curve] == [1, 2, 3, 4]
    assert [loss is None for _, _, loss in tuned.loss_curve] == [True, False, True, False]
    assert tuned.loss_curve[-1][2] == pytest.approx(tuned.held_out_loss_after, rel=1e-4)
    assert [(step, total) for step, total, _ in steps] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert tuned.mean_cosine < 0.999  # far from 1, on whose two sides rounding lies
    assert tuned.real_share == 1.0
    assert tuned.verdict.startswith("Held-out loss fell by ")
    stored = StoredModel("mine", tuned.folder, method, str(bases / architecture))
    found = resolve("mine", {"mine": stored})
    assert found.fingerprint == tuned.fingerprint
    load_model(found)  # raises where an adapter has no effect
    assert not (tuned.folder / "checkpoints").exists()
    assert {file.suffix for file in tuned.folder.iterdir()} == {".json", ".safetensors"}


def test_a_network_that_cannot_be_packed_is_padded(tmp_path: Path) -> None:
    config = MambaConfig(hidden_size=16, num_hidden_layers=2, state_size=4, expand=1, **tiny.SIZES)
    MambaForCausalLM(config).save_pretrained(tmp_path / "mamba")
    tiny.byte_tokenizer().save_pretrained(tmp_path / "mamba")
    tuned = run(tmp_path / "mamba", tmp_path / "tuned", replace(OPTIONS, method=Method.FULL))
    assert tuned.held_out_loss_after is not None
    assert tuned.held_out_loss_before is not None
    assert tuned.held_out_loss_after < tuned.held_out_loss_before
    assert 0.9 < tuned.real_share < 1.0  # rows hold texts of like length


def test_adapters_sit_on_every_linear_layer_of_the_blocks(bases: Path, tmp_path: Path) -> None:
    assert targets(run(bases / "llama", tmp_path / "llama", replace(OPTIONS, steps=1))) == {
        *("q_proj", "k_proj", "v_proj", "o_proj"),
        *("gate_proj", "up_proj", "down_proj"),
    }
    assert targets(run(bases / "gpt2", tmp_path / "gpt2", replace(OPTIONS, steps=1))) == {
        "c_attn",
        "c_proj",
        "c_fc",
    }


def targets(tuned: Tuned) -> set[str]:
    modules = json.loads((tuned.folder / "adapter_config.json").read_text())["target_modules"]
    return {name.rsplit(".", 1)[-1] for name in modules}


def test_exposures_say_who_was_read_and_with_how_many_texts(bases: Path, tmp_path: Path) -> None:
    model = load_model(resolve(str(bases / "llama")))
    both = pa.concat_tables([texts(0, 5), texts(0, 3, "json")])
    tuned = finetune(both, HELD_OUT, model, replace(OPTIONS, steps=None, epochs=1.0), tmp_path / "both")
    seen = tuned.exposures.to_pydict()
    assert (seen["entity_id"], seen["n_rows"]) == (["u00", "u01", "u02", "u03", "u04"], [2, 2, 2, 1, 1])
    hashes = {(row["entity_id"], row["text_hash"]) for row in both.to_pylist()}
    assert {(row["entity_id"], found) for row in tuned.exposures.to_pylist() for found in row["text_hashes"]} == hashes
    assert tuned.n_entities == 5
    only = replace(OPTIONS, steps=None, epochs=1.0, texts=("json",))
    tuned = finetune(both, HELD_OUT, load_model(resolve(str(bases / "llama"))), only, tmp_path / "json")
    assert tuned.exposures.select(["entity_id", "n_rows"]).to_pydict() == {
        "entity_id": ["u00", "u01", "u02"],
        "n_rows": [1, 1, 1],
    }
    assert tuned.held_out_loss_after is None  # no held-out text of that variant
    assert tuned.verdict.startswith("No held-out texts to measure on; vectors moved")


def test_two_steps_read_a_handful_of_texts(bases: Path, tmp_path: Path) -> None:
    options = replace(OPTIONS, steps=STEP_PRESETS["dry_run"], tokens_per_step=64)
    assert run(bases / "llama", tmp_path / "few", options).n_entities <= 4  # 2 rows of 64 tokens, 64 at most a piece


def test_a_few_steps_read_as_many_entities_as_they_can(bases: Path, tmp_path: Path) -> None:
    """Each text has up to three windows of 64; six rows of 256 have room for one of each of the 24, and some more."""
    assert run(bases / "llama", tmp_path / "few", replace(OPTIONS, steps=6, tokens_per_step=256)).n_entities == 24


@pytest.mark.parametrize(("given", "measured"), [({}, 130), ({"steps": 1}, 64), ({"held_out_tokens": 200}, 200)])
def test_the_held_out_loss_of_a_short_run_is_cheap(
    bases: Path, tmp_path: Path, given: dict[str, Any], measured: int
) -> None:
    """A quarter of the tokens trained on, and at least a piece, unless more was asked for; whole pieces are read."""
    tuned = run(bases / "llama", tmp_path / "tuned", replace(OPTIONS, **given))
    (tokens,) = re.findall(r"on (\d+) tokens", tuned.verdict)
    assert measured <= int(tokens) < measured + 64


def test_a_seed_is_a_model_and_another_seed_another(bases: Path, tmp_path: Path) -> None:
    first, again = (run(bases / "llama", tmp_path / name, replace(OPTIONS, steps=2)) for name in ("first", "again"))
    other = run(bases / "llama", tmp_path / "other", replace(OPTIONS, steps=2, seed=1))
    assert first.fingerprint == again.fingerprint != other.fingerprint


def test_an_adapter_is_the_same_in_whatever_order_its_layers_are_listed(bases: Path, tmp_path: Path) -> None:
    tuned = run(bases / "llama", tmp_path / "tuned", replace(OPTIONS, steps=1))
    listed = tuned.folder / "adapter_config.json"
    settings = json.loads(listed.read_text())
    base = resolve(str(bases / "llama")).fingerprint
    for order in (sorted(settings["target_modules"]), sorted(settings["target_modules"], reverse=True)):
        listed.write_text(json.dumps(settings | {"target_modules": order}))
        assert adapter_fingerprint(tuned.folder, base) == tuned.fingerprint
    listed.write_text(json.dumps(settings | {"target_modules": ["q_proj"]}))
    assert adapter_fingerprint(tuned.folder, base) != tuned.fingerprint


def test_randomness_of_the_process_is_left_alone(bases: Path, tmp_path: Path) -> None:
    torch.manual_seed(5)
    random.seed(5)
    expected = torch.random.get_rng_state(), random.getstate()
    run(bases / "llama", tmp_path / "tuned", replace(OPTIONS, steps=1))
    assert torch.equal(torch.random.get_rng_state(), expected[0])
    assert random.getstate() == expected[1]


def test_how_the_work_is_done_does_not_change_the_result(bases: Path, tmp_path: Path) -> None:
    """Chunks and checkpointing change the order of additions, not what is added."""
    plain = run(bases / "llama", tmp_path / "plain")
    options = replace(OPTIONS, gradient_checkpointing=True, logit_chunk=3, save_every=3)
    other = run(bases / "llama", tmp_path / "other", options)
    assert options.fingerprint() == OPTIONS.fingerprint()
    assert_alike(weights(other), weights(plain))


def test_accumulated_rows_make_one_step(bases: Path, tmp_path: Path) -> None:
    halves = replace(OPTIONS, steps=2, accumulate=2, tokens_per_step=64)
    tuned = run(bases / "llama", tmp_path / "halves", halves)
    assert tuned.steps == 2
    assert tuned.loss_curve[0][1] == pytest.approx(5.5, abs=0.1)  # ln 258 = 5.55: a mean, not a sum over rows


def test_training_stops_when_the_held_out_loss_no_longer_falls_and_keeps_the_best(
    bases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The losses are handed in: where a measured loss stops falling, rounding decides."""
    losses, measured = iter((5.0, 4.0, 3.0, 3.5, 3.2)), []

    def held_out_loss(network: Any, rows: Any, when: str) -> float:
        measured.append({name: weight.detach().clone() for name, weight in network.named_parameters()})
        return next(losses)

    monkeypatch.setattr(sys.modules["llm4es.finetune.trainer"], "held_out_loss", held_out_loss)
    options = replace(OPTIONS, steps=30, evaluate_every=1, patience=2, method=Method.FULL)
    tuned = run(bases / "llama", tmp_path / "tuned", options)
    assert tuned.steps == 5
    assert [loss for _, _, loss in tuned.loss_curve] == [5.0, 4.0, 3.0, 3.5, 3.2]
    for name, weight in weights(tuned).items():
        assert torch.equal(weight, measured[2][name])
    roles = dict(zip(tuned.exposures["entity_id"].to_pylist(), tuned.exposures["role"].to_pylist(), strict=True))
    assert {e for e, role in roles.items() if role == "validation"} == set(HELD_OUT["entity_id"].to_pylist())
    assert tuned.n_entities == sum(role == "train" for role in roles.values()) > 0


@pytest.mark.parametrize("load_in", [LoadIn.INT8, LoadIn.NF4])
def test_adapters_learn_on_quantised_weights(bases: Path, tmp_path: Path, load_in: LoadIn) -> None:
    tuned = run(bases / "llama", tmp_path / "tuned", replace(OPTIONS, optimizer=Optimizer.ADAMW_8BIT), load_in)
    assert tuned.held_out_loss_after is not None
    assert tuned.held_out_loss_before is not None
    assert tuned.held_out_loss_after < tuned.held_out_loss_before


@pytest.mark.parametrize("method", list(Method))
def test_sixteen_bits_stay_sixteen_bits(bases: Path, tmp_path: Path, method: Method) -> None:
    model = load_model(resolve(str(bases / "llama")), LoadOptions(dtype=Dtype.BFLOAT16))
    tuned = finetune(TRAIN, HELD_OUT, model, replace(OPTIONS, method=method), tmp_path / "tuned")
    assert tuned.held_out_loss_after is not None
    assert tuned.held_out_loss_before is not None
    assert tuned.held_out_loss_after < tuned.held_out_loss_before
    expected = {Method.FULL: torch.bfloat16, Method.LORA: torch.float32}  # adapters are small enough to be exact
    assert {weight.dtype for weight in weights(tuned).values()} == {expected[method]}


def test_steps_that_sixteen_bits_lose_are_no_tuning(bases: Path, tmp_path: Path) -> None:
    model = load_model(resolve(str(bases / "llama")), LoadOptions(dtype=Dtype.BFLOAT16))
    with pytest.raises(ModelError, match="tuning changed nothing"):
        finetune(TRAIN, HELD_OUT, model, replace(OPTIONS, method=Method.FULL, learning_rate=1e-12), tmp_path / "tuned")
