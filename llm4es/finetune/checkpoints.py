"""Checkpoints: when one is due, which are whole, and from which a killed run goes on.

In: a folder, the name of a run, a clock. Out: markers in whole checkpoints, and the newest of them. Knows no
network and no rows.

A checkpoint counts only once its marker is written: Trainer fills a checkpoint's folder file by file, and a process
killed meanwhile leaves a part of one. Under ``torchrun`` every process calls this; only rank 0 writes.
"""

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState
from transformers import TrainingArguments as Arguments

MARKER = "llm4es.json"
"""Written last into a checkpoint: names the run, and says that the checkpoint is whole."""

SECONDS = 15.0
"""Seconds of work after which a checkpoint is due, however few steps they were: what a killed run loses."""

SHARE = 0.1
"""Of the time, the largest share that goes into writing checkpoints that are due by the clock: an adapter is written in
a moment, full weights with their optimizer are gigabytes."""


class CheckpointCallback(TrainerCallback):
    """Asks for a checkpoint when one is due by the clock, and marks each one that is whole."""

    def __init__(self, run: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.run, self.clock = run, clock
        self.written = self.began = clock()
        self.cost = 0.0

    def on_train_begin(self, args: Arguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self.written = self.clock()

    def on_step_end(self, args: Arguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if same_everywhere(self.due(), args.device):
            control.should_save = True
        self.began = self.clock()

    def on_log(self, args: Arguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self.began = self.clock()  # a log and a measurement come between a step and its checkpoint

    on_evaluate = on_log

    def on_save(self, args: Arguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        wait_for_all()  # each process writes its own generators into the checkpoint
        if state.is_world_process_zero:
            folder = Path(str(args.output_dir)) / f"checkpoint-{state.global_step}"
            (folder / MARKER).write_text(json.dumps({"run": self.run}))
        self.written = self.clock()
        self.cost = self.written - self.began

    def due(self) -> bool:
        """Whether the work since the last checkpoint is worth one."""
        return self.clock() - self.written >= max(SECONDS, self.cost / SHARE)


def clear(folder: Path, run: str) -> None:
    """Remove what is no whole checkpoint of ``run``."""
    for checkpoint in folder.glob("checkpoint-*"):
        marker = checkpoint / MARKER
        if not marker.is_file() or json.loads(marker.read_text() or "{}").get("run") != run:
            shutil.rmtree(checkpoint)


def newest(folder: Path) -> str | None:
    """The newest checkpoint; None where there is none."""
    return max(map(str, folder.glob("checkpoint-*")), key=step_of, default=None)


def step_of(checkpoint: str) -> int:
    """Steps that were done when it was written."""
    return int(Path(checkpoint).name.removeprefix("checkpoint-"))


def wait_for_all() -> None:
    """Go on when every process has come here."""
    if torch.distributed.is_initialized():
        torch.distributed.barrier()


def same_everywhere(answer: bool, device: torch.device) -> bool:
    """The answer of rank 0, in every process: clocks differ, and a checkpoint is written together or not at all."""
    if not torch.distributed.is_initialized():
        return answer
    told = torch.tensor(float(answer), device=device)  # ()
    torch.distributed.broadcast(told, 0)
    return bool(told)
