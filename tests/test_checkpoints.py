"""Checkpoints: due by the clock, whole or not there, and of one run."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import TrainerControl, TrainerState, TrainingArguments

from llm4es.finetune import checkpoints
from llm4es.finetune.checkpoints import MARKER, CheckpointCallback, clear, newest, same_everywhere

from .tuning import OPTIONS, bases, run, stop_at

__all__ = ["bases"]  # a fixture


class Work:
    """A training run whose steps and checkpoints take as many seconds as they are said to."""

    def __init__(self, folder: Path) -> None:
        self.now, self.step = 0.0, 0
        self.arguments = TrainingArguments(output_dir=str(folder), use_cpu=True)
        self.callback = CheckpointCallback("mine", lambda: self.now)
        self.saved: list[int] = []
        self.callback.on_train_begin(self.arguments, TrainerState(), TrainerControl())

    def steps(self, count: int, seconds: float, writing: float, measuring: float = 0.0) -> list[int]:
        """Steps after which a checkpoint was written."""
        self.saved.clear()
        for _ in range(count):
            self.step += 1
            self.now += seconds
            state, control = TrainerState(global_step=self.step), TrainerControl()
            self.callback.on_step_end(self.arguments, state, control)
            self.now += measuring
            self.callback.on_evaluate(self.arguments, state, control)
            if control.should_save:
                self.now += writing
                (Path(str(self.arguments.output_dir)) / f"checkpoint-{self.step}").mkdir()
                self.callback.on_save(self.arguments, state, control)
                self.saved.append(self.step)
        return list(self.saved)


def test_a_cheap_checkpoint_is_due_every_fifteen_seconds(tmp_path: Path) -> None:
    assert Work(tmp_path).steps(20, seconds=4, writing=0.1) == [4, 8, 12, 16, 20]


def test_a_step_longer_than_that_is_followed_by_one(tmp_path: Path) -> None:
    assert Work(tmp_path).steps(3, seconds=60, writing=1) == [1, 2, 3]


def test_full_weights_take_no_more_than_a_tenth_of_the_time(tmp_path: Path) -> None:
    """The first tells what one costs: 30 seconds, so the next is due after 300 of work."""
    work = Work(tmp_path)
    assert work.steps(130, seconds=5, writing=30) == [3, 63, 123]
    assert 0.1 * work.now + 30 >= 3 * 30


def test_measuring_is_no_writing(tmp_path: Path) -> None:
    assert Work(tmp_path).steps(9, seconds=5, writing=0.1, measuring=20) == [2, 4, 6, 8]


def test_a_checkpoint_is_whole_once_it_names_its_run(tmp_path: Path) -> None:
    Work(tmp_path).steps(1, seconds=20, writing=1)
    assert json.loads((tmp_path / "checkpoint-1" / MARKER).read_text()) == {"run": "mine"}
    (tmp_path / "checkpoint-2").mkdir()
    (tmp_path / "checkpoint-10").mkdir()
    (tmp_path / "checkpoint-10" / MARKER).write_text('{"run": "mine"}')
    (tmp_path / "checkpoint-11").mkdir()
    (tmp_path / "checkpoint-11" / MARKER).write_text('{"run": "another"}')
    clear(tmp_path, "mine")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint-1", "checkpoint-10"]
    assert newest(tmp_path) == str(tmp_path / "checkpoint-10")
    assert newest(tmp_path / "checkpoint-1") is None


def test_one_process_needs_no_other_s_clock() -> None:
    assert same_everywhere(True, torch.device("cpu"))
    assert not same_everywhere(False, torch.device("cpu"))


def test_a_killed_run_goes_on_from_the_step_before_however_rare_checkpoints_are(
    bases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "SECONDS", 0.0)
    monkeypatch.setattr(checkpoints, "SHARE", 1e9)
    options = replace(OPTIONS, save_every=50)

    stop_at(bases / "llama", tmp_path / "tuned", 3, options)
    made: list[int] = []
    run(bases / "llama", tmp_path / "tuned", options, progress=lambda step, *_: made.append(step))
    assert made == [3, 4]
