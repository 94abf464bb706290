"""Fine-tuning: what it trains, on whom, what it leaves behind, and that a kill changes nothing."""

import json
import os
import random
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import torch
from safetensors.torch import load_file
from transformers import MambaConfig, MambaForCausalLM

from llm4es.core.errors import DataError, ModelError, OptionError
from llm4es.finetune import finetune
from llm4es.finetune.checkpoints import MARKER
from llm4es.finetune.finetune import Tuned
from llm4es.models import load_model
from llm4es.models.folders import adapter_fingerprint
from llm4es.models.ref import StoredModel
from llm4es.models.resolve import resolve
from llm4es.options import (
    FINETUNE_PRESETS,
    STEP_PRESETS,
    Dtype,
    FinetuneOptions,
    LoadIn,
    LoadOptions,
    Method,
    Optimizer,
)

from . import tiny

pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing")  # peft's, when an adapter is loaded

OPTIONS = FinetuneOptions(steps=4, max_length=64, tokens_per_step=128, learning_rate=1e-2, save_every=1)


def texts(first: int, last: int, variant: str = "raw") -> pa.Table:
    """One text an entity: a header and three to nine events of about a dozen bytes."""
    rows = [
        (
            f"u{i:02}",
            variant,
            "Title | Rating\n" + "".join(f"film {(7 * i + j) % 13} | good\n" for j in range(3 + i % 7)),
        )
        for i in range(first, last)
    ]
    return pa.Table.from_batches([tiny.texts(*rows)])


TRAIN, HELD_OUT = texts(0, 24), texts(24, 28)


@pytest.fixture(scope="session")
def bases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bases")
    for architecture in tiny.ARCHITECTURES:
        tiny.save(folder / architecture, architecture, bos=True)
    return folder


def run(
    base: Path, folder: Path, options: FinetuneOptions = OPTIONS, load_in: LoadIn = LoadIn.NONE, **more: Any
) -> Tuned:
    model = load_model(resolve(str(base)), LoadOptions(load_in=load_in))
    return finetune(TRAIN, HELD_OUT, model, options, folder, **more)


def weights(tuned: Tuned) -> dict[str, torch.Tensor]:
    (file,) = tuned.folder.glob("*.safetensors")
    return load_file(file)


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
    assert tuned.verdict.startswith("Tuning helped: held-out loss ")
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


def assert_alike(some: dict[str, torch.Tensor], others: dict[str, torch.Tensor]) -> None:
    """Weights that differ as a whole by a hundredth at most.

    Not one by one: AdamW makes a full step of any gradient, also of one so small that rounding decides its sign.
    """
    for name, weight in others.items():
        assert (some[name] - weight).norm() <= 0.01 * weight.norm(), name


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

    def held_out_loss(network: Any, rows: Any) -> float:
        measured.append({name: weight.detach().clone() for name, weight in network.named_parameters()})
        return next(losses)

    monkeypatch.setattr(sys.modules["llm4es.finetune.trainer"], "held_out_loss", held_out_loss)
    options = replace(OPTIONS, steps=30, evaluate_every=1, patience=2, method=Method.FULL)
    tuned = run(bases / "llama", tmp_path / "tuned", options)
    assert tuned.steps == 5
    assert [loss for _, _, loss in tuned.loss_curve] == [5.0, 4.0, 3.0, 3.5, 3.2]
    for name, weight in weights(tuned).items():
        assert torch.equal(weight, measured[2][name])


# ---- resume ----

CHILD = """
import os, signal, sys
from pathlib import Path
from tests import test_finetune as t
def progress(step, steps, loss):
    if step == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
t.run(Path(sys.argv[1]), Path(sys.argv[2]), t.LONG, progress=progress)
"""
LONG = replace(OPTIONS, steps=7, method=Method.FULL, evaluate_every=3, save_every=2)


def child(*arguments: object, launcher: tuple[str, ...] = (), code: str = CHILD) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *(launcher or ("-c", code)), *map(str, arguments)]
    return subprocess.run(
        command,
        cwd=Path(__file__).parent.parent,
        env={**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())},
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_killed_at_any_step_and_run_again_gives_the_same_weights(bases: Path, tmp_path: Path) -> None:
    """GPT-2 drops out at random: the state of the generators must come back too."""
    undisturbed = run(bases / "gpt2", tmp_path / "undisturbed", LONG)
    step = random.SystemRandom().randint(2, 7)  # step 7 is logged before its checkpoint is written
    ended = child(bases / "gpt2", tmp_path / "killed", step)
    assert ended.returncode == -9, ended.stderr
    assert list((tmp_path / "killed" / "checkpoints").iterdir()) or step == 2
    made: list[int] = []
    resumed = run(bases / "gpt2", tmp_path / "killed", LONG, progress=lambda at, steps, loss: made.append(at))
    assert made[0] == 2 * ((step - 1) // 2) + 1, f"killed at {step}"
    assert resumed.fingerprint == undisturbed.fingerprint, f"killed at {step}"
    assert resumed.loss_curve == undisturbed.loss_curve


class KilledError(Exception):
    """Stands in for a kill, within one process."""


def stop_at(base: Path, folder: Path, step: int, options: FinetuneOptions) -> None:
    def progress(at: int, steps: int, loss: float) -> None:
        if at == step:
            raise KilledError

    with pytest.raises(KilledError):
        run(base, folder, options, progress=progress)


@pytest.mark.parametrize("optimizer", list(Optimizer))
@pytest.mark.parametrize("method", list(Method))
def test_every_method_and_optimizer_resumes_to_the_bit(
    bases: Path, tmp_path: Path, method: Method, optimizer: Optimizer
) -> None:
    options = replace(OPTIONS, method=method, optimizer=optimizer)
    undisturbed = run(bases / "llama", tmp_path / "undisturbed", options)
    stop_at(bases / "llama", tmp_path / "killed", 3, options)
    assert run(bases / "llama", tmp_path / "killed", options).fingerprint == undisturbed.fingerprint


def test_a_checkpoint_without_its_marker_is_half_written_and_not_used(bases: Path, tmp_path: Path) -> None:
    undisturbed = run(bases / "llama", tmp_path / "undisturbed")
    stop_at(bases / "llama", tmp_path / "killed", 4, OPTIONS)
    newest = tmp_path / "killed" / "checkpoints" / "checkpoint-3"
    (newest / MARKER).unlink()
    (newest / "optimizer.pt").write_bytes(b"half")
    made: list[int] = []
    resumed = run(bases / "llama", tmp_path / "killed", progress=lambda at, steps, loss: made.append(at))
    assert made == [3, 4]
    assert resumed.fingerprint == undisturbed.fingerprint


def test_a_checkpoint_of_another_run_is_not_used(bases: Path, tmp_path: Path) -> None:
    stop_at(bases / "llama", tmp_path / "folder", 3, replace(OPTIONS, seed=7))
    made: list[int] = []
    run(bases / "llama", tmp_path / "folder", progress=lambda at, steps, loss: made.append(at))
    assert made == [1, 2, 3, 4]


TWO = """
import sys
from pathlib import Path
from tests import test_finetune as t
tuned = t.run(Path(sys.argv[1]), Path(sys.argv[2]), t.SHARED)
import torch
rank, size = torch.distributed.get_rank(), torch.distributed.get_world_size()
Path(sys.argv[2]).with_name(f"rank{rank}.txt").write_text(f"{rank} of {size} {tuned.fingerprint}")
"""
SHARED = replace(OPTIONS, steps=3, evaluate_every=2)


def test_two_processes_make_the_model_that_one_makes(bases: Path, tmp_path: Path) -> None:
    (tmp_path / "two.py").write_text(TWO)
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", str(tmp_path / "two.py"))
    os.environ["PYTHONPATH"] = str(Path(__file__).parent.parent)
    ended = child(bases / "llama", tmp_path / "two", launcher=launcher)
    assert ended.returncode == 0, ended.stderr
    one = run(bases / "llama", tmp_path / "one", SHARED)
    ranks = [(tmp_path / f"rank{rank}.txt").read_text() for rank in (0, 1)]
    fingerprint = ranks[0].removeprefix("0 of 2 ")
    assert ranks == [f"0 of 2 {fingerprint}", f"1 of 2 {fingerprint}"]
    assert_alike(load_file(tmp_path / "two" / "adapter_model.safetensors"), weights(one))
    assert sorted(file.name for file in (tmp_path / "two").iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
    ]


# ---- quantised ----


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


# ---- what cannot work ----


def test_quantised_weights_cannot_be_changed(bases: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="--method full cannot change weights loaded in 8bit: give --method lora"):
        run(bases / "llama", tmp_path, replace(OPTIONS, method=Method.FULL), LoadIn.INT8)


def test_a_sequence_longer_than_the_context(bases: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="--max-length 512 is above the context of llama: give 256 or less"):
        run(bases / "llama", tmp_path, replace(OPTIONS, max_length=512))


def test_nothing_to_train_on(bases: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nothing to train on: 0 texts of variants poem hold no two tokens in a row"):
        run(bases / "llama", tmp_path, replace(OPTIONS, texts=("poem",)))


def test_tuning_that_changed_nothing(bases: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"tuning changed nothing \(--learning-rate 1e-30\): the tuned model gives"):
        run(bases / "llama", tmp_path, replace(OPTIONS, steps=1, learning_rate=1e-30, method=Method.FULL))


def test_a_loss_that_is_no_number(bases: Path, tmp_path: Path) -> None:
    options = replace(OPTIONS, learning_rate=1e15, method=Method.FULL)
    with pytest.raises(ModelError, match=r"the loss is (nan|inf) at step \d: give a lower --learning-rate"):
        run(bases / "llama", tmp_path, options)


def test_vectors_that_are_no_numbers(bases: Path, tmp_path: Path) -> None:
    options = replace(OPTIONS, steps=1, learning_rate=1e15, method=Method.FULL)
    with pytest.raises(
        ModelError, match="the tuned model gives vectors that are not finite: give a --learning-rate below"
    ):
        run(bases / "llama", tmp_path, options)


def test_an_adapter_on_an_adapter(bases: Path, tmp_path: Path) -> None:
    tuned = run(bases / "llama", tmp_path / "tuned", replace(OPTIONS, steps=2))
    stored = {"mine": StoredModel("mine", tuned.folder, "lora", str(bases / "llama"))}
    model = load_model(resolve("mine", stored))
    with pytest.raises(
        ModelError, match="mine is itself a LoRA: tune its base llama for longer, or give --method full"
    ):
        finetune(TRAIN, HELD_OUT, model, OPTIONS, tmp_path / "again")


def test_eight_bits_without_bitsandbytes(bases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["llm4es.finetune.finetune"], "find_spec", lambda name: None)
    with pytest.raises(OptionError, match=r"--optimizer adamw_8bit needs bitsandbytes: pip install 'llm4es\[quant\]'"):
        run(bases / "llama", tmp_path, replace(OPTIONS, optimizer=Optimizer.ADAMW_8BIT))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"steps": 0}, "--steps 0 is below 1: give 1 or more"),
        ({"max_length": 1}, "--max-length 1 is below 2: give 2 or more"),
        ({"epochs": 0.0}, "--epochs 0 is not above 0: give a number above 0, or --steps"),
        ({"learning_rate": 0.0}, "--learning-rate 0 is not above 0: give a number such as 1e-5"),
        ({"warmup": 1.5}, "--warmup 1.5 is not a share: give a number from 0 to below 1"),
        ({"patience": 3}, "--patience 3 has nothing to wait for: give --evaluate-every as well"),
    ],
)
def test_options_that_cannot_work(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        FinetuneOptions(**wrong)


def test_the_paper_s_hyperparameters() -> None:
    paper = FINETUNE_PRESETS["paper"]
    assert (paper.method, paper.peak_learning_rate, paper.warmup_steps) == (Method.FULL, 1e-5, 608)
    assert (paper.weight_decay, paper.adam_beta2, paper.adam_epsilon, paper.max_grad_norm) == (1e-6, 0.95, 1e-5, 1.0)
    assert (paper.max_length, paper.tokens_per_step, paper.accumulate) == (8192, 8192, 1)


@pytest.mark.parametrize("column", ["entity_id", "variant", "text", "text_hash", "event_offsets", "n_events"])
def test_a_table_without_a_column(bases: Path, tmp_path: Path, column: str) -> None:
    model = load_model(resolve(str(bases / "llama")))
    with pytest.raises(DataError, match=rf"finetune: the texts have no column '{column}' \(there are .*\): give rows"):
        finetune(TRAIN.drop_columns([column]), HELD_OUT, model, OPTIONS, tmp_path)
    with pytest.raises(DataError, match=rf"finetune: the texts have no column '{column}'"):
        finetune(TRAIN, HELD_OUT.drop_columns([column]), model, OPTIONS, tmp_path)


def test_a_table_of_other_types(bases: Path, tmp_path: Path) -> None:
    model = load_model(resolve(str(bases / "llama")))
    numbers = TRAIN.set_column(TRAIN.schema.get_field_index("text"), "text", pa.array(range(len(TRAIN))))
    with pytest.raises(DataError, match="finetune: column 'text' of the texts is int64: give texts"):
        finetune(numbers, HELD_OUT, model, OPTIONS, tmp_path)


def test_texts_that_are_empty(bases: Path, tmp_path: Path) -> None:
    model = load_model(resolve(str(bases / "llama")))
    empty = pa.Table.from_batches([tiny.texts(("a", ""), ("b", ""))])
    with pytest.raises(DataError, match="nothing to train on: 2 texts of variants all hold no two tokens in a row"):
        finetune(empty, HELD_OUT, model, OPTIONS, tmp_path)
    with pytest.raises(DataError, match="nothing to train on: 0 texts of variants all hold no two tokens in a row"):
        finetune(empty.slice(0, 0), HELD_OUT, model, OPTIONS, tmp_path)
