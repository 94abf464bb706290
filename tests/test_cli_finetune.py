"""Fine-tuning from the command line: what is typed, on how many processes, and who writes."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import pytest

from llm4es import Outcome
from llm4es.core.errors import OptionError
from llm4es.options import FINETUNE_PRESETS, FinetuneOptions, Method, Optimizer
from llm4es_store import Store

from . import shop, tiny
from .shell import invoke

Typed = Callable[..., FinetuneOptions]

ROOT = Path(__file__).parent.parent
SHORT = ("--steps", "2", "--max-length", "64", "--tokens-per-step", "128", "--texts", "raw")


def run(*words: object) -> str:
    return invoke(*words).stdout


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """A recipe, a model's folder, and a store with the recipe's texts."""
    folder = tmp_path_factory.mktemp("tuning")
    recipe, model = shop.write(folder / "shop"), tiny.save(folder / "tinyllama")
    run("serialize", recipe, "--store", folder / "store")
    return recipe, model, folder / "store"


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Typed:
    """The options that the project makes of the words of a command."""

    def call(*words: str) -> FinetuneOptions:
        with monkeypatch.context() as patch:
            step = Mock(return_value=Outcome("finetune", "mine", rows=1, computed=0, reused=1))
            patch.setattr("llm4es.project.finetune.finetune", step)
            run("finetune", "movielens-100k", *words, "--dry-run")  # dry: no store is made
        return next(value for value in step.call_args.args if isinstance(value, FinetuneOptions))

    return call


def test_what_is_not_typed_is_the_options_own(typed: Typed) -> None:
    assert typed() == FinetuneOptions()


def test_every_option_arrives(typed: Typed) -> None:
    words = (
        "--method full --steps 7 --texts raw,json --max-length 99 --learning-rate 3e-4 --warmup 0.2 --weight-decay 0.5 "
        "--tokens-per-step 333 --accumulate 4 --lora-rank 2 --evaluate-every 3 --patience 2 --held-out-tokens 44 "
        "--optimizer adamw_8bit --gradient-checkpointing --logit-chunk 55 --save-every 6 --seed 8"
    )
    assert typed(*words.split()) == FinetuneOptions(
        method=Method.FULL,
        steps=7,
        texts=("raw", "json"),
        max_length=99,
        learning_rate=3e-4,
        warmup=0.2,
        weight_decay=0.5,
        tokens_per_step=333,
        accumulate=4,
        lora_rank=2,
        evaluate_every=3,
        patience=2,
        held_out_tokens=44,
        optimizer=Optimizer.ADAMW_8BIT,
        gradient_checkpointing=True,
        logit_chunk=55,
        save_every=6,
        seed=8,
    )


def test_what_is_typed_goes_before_the_preset(typed: Typed) -> None:
    paper = FINETUNE_PRESETS["paper"]
    assert typed("--preset", "paper") == paper
    made = typed("--preset", "paper", "--epochs", "30", "--method", "lora", "--max-length", "512")
    assert (made.epochs, made.method, made.max_length) == (30, Method.LORA, 512)
    assert (made.adam_beta2, made.warmup_steps) == (paper.adam_beta2, paper.warmup_steps)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--steps 3 --epochs 2", "--steps 3 and --epochs 2 both say how long: give one"),
        ("--preset thesis", "--preset 'thesis' is unknown: choose one of paper"),
        ("--steps few", "--steps 'few' is no number of steps: give 1 or more, or 'dry_run', 'tiny_run'"),
        ("--patience 2", "--patience 2 has nothing to wait for: give --evaluate-every as well"),
    ],
)
def test_words_that_do_not_go_together(typed: Typed, words: str, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        typed(*words.split())


def test_what_tuning_did_is_in_the_store(given: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    recipe, model, root = given
    monkeypatch.chdir(model.parent)
    run("finetune", recipe, "--model", "./tinyllama", "--name", "mine", *SHORT, "--store", root)
    store = Store(root)
    base, dtype, verdict, cosine, curve = store.sql(
        "SELECT base, dtype, verdict, mean_cosine, loss_curve FROM models WHERE model = 'mine'"
    ).fetchall()[0]
    assert (base, dtype) == (str(model), "float32")  # found from any folder
    assert "nats a token" in verdict
    assert cosine == pytest.approx(1, abs=1e-2)  # two small steps: rounding alone says on which side of 1
    assert [point["step"] for point in curve] == [1, 2]
    seen = store.sql("SELECT entity_id, unnest(text_hashes) FROM exposures WHERE model = 'mine' ORDER BY 1").fetchall()
    train = store.sql("""SELECT entity_id, text_hash FROM texts JOIN splits USING (dataset, entity_id)
        WHERE split = 'train' AND name = 'hash' AND variant = 'raw' ORDER BY 1""").fetchall()
    assert set(seen) <= set(train)
    monkeypatch.chdir("/")
    (again,) = json.loads(
        run("embed", recipe, "--model", "mine", "--max-length", 64, "--store", root, "--format", "json")
    )
    assert again["computed"] == 40


LAUNCHERS = {
    "torchrun": ("torch.distributed.run", "--standalone", "--nproc_per_node", "2"),
    "accelerate": (
        "accelerate.commands.launch",
        "--cpu",
        "--num_processes",
        "2",
        "--num_machines",
        "1",
        "--mixed_precision",
        "no",
        "--dynamo_backend",
        "no",
    ),
}


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_two_processes_share_the_work_and_one_writes(given: tuple[Path, Path, Path], launcher: str) -> None:
    recipe, model, root = given
    words = ["finetune", recipe, "--model", model, "--name", launcher, *SHORT, "--store", root, "--format", "json"]
    before = Store(root).sql("SELECT count(*) FROM runs").fetchall()[0][0]
    launched = [sys.executable, "-m", *LAUNCHERS[launcher], "-m", "llm4es_cli.main", *map(str, words)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    ended = subprocess.run(launched, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=900)
    assert ended.returncode == 0, ended.stderr
    (outcome,) = json.loads(ended.stdout)  # shown once
    assert (outcome["what"], outcome["computed"]) == (launcher, 1)
    assert ended.stderr.count("Held-out loss") == 1
    store = Store(root)
    assert store.sql("SELECT count(*) FROM runs").fetchall() == [(before + 1,)]
    ((status, computed),) = store.sql(
        "SELECT status, rows_computed FROM runs ORDER BY started_at DESC LIMIT 1"
    ).fetchall()
    assert (status, computed) == ("done", 1)
    run(*words[:4], "--name", "alone", *SHORT, "--store", root)
    query = "SELECT held_out_loss_after, list_transform(loss_curve, lambda p: p.loss) FROM models WHERE model ="
    (shared,), (alone,) = (store.sql(f"{query} '{name}'").fetchall() for name in (launcher, "alone"))
    assert shared[0] == pytest.approx(alone[0], rel=1e-4)
    assert shared[1] == pytest.approx(alone[1], rel=1e-4)
    seen = "SELECT entity_id, text_hashes FROM exposures WHERE model = '{}' ORDER BY 1"
    assert store.sql(seen.format(launcher)).fetchall() == store.sql(seen.format("alone")).fetchall()
    assert not list((root / "models").rglob("checkpoints"))


def test_other_stages_are_the_work_of_one_process(
    given: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, model, root = given
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(OptionError, match="embed is the work of one process: start llm4es without torchrun"):
        run("embed", recipe, "--model", model, "--max-length", 32, "--store", root)
