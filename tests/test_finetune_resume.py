"""After a kill: the same weights to the bit on the same machine; on two processes: the same up to rounding."""

import os
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from llm4es.finetune.checkpoints import MARKER
from llm4es.options import Method, Optimizer

from .tuning import OPTIONS, assert_alike, bases, run, stop_at, weights

__all__ = ["bases"]  # a fixture

pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing")  # peft's, when an adapter is loaded

CHILD = """
import os, signal, sys
from pathlib import Path
from tests import test_finetune_resume as t
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
    assert 2 * ((step - 1) // 2) + 1 <= made[0] <= step, f"killed at {step}"  # a slow step is kept by the clock
    assert resumed.fingerprint == undisturbed.fingerprint, f"killed at {step}"
    assert resumed.loss_curve == undisturbed.loss_curve


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
from tests import test_finetune_resume as t
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
