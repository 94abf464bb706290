"""The training loop: Hugging Face's Trainer, made silent, resumable after a kill, and held to real tokens.

In: a network whose trainable weights are marked, rows of tokens in the order they are to be read, options, a folder for
checkpoints. Out: the network trained in place, and the curve of its loss. Knows no texts and no store. Under
``torchrun`` every process calls this.
"""

import math
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedModel, PrinterCallback, Trainer, TrainerCallback, TrainerControl, TrainerState
from transformers import TrainingArguments as Arguments

from ..core.errors import ModelError
from ..core.phases import phase
from ..core.processes import writes
from ..models.lora import PeftModel
from ..options import FinetuneOptions, Optimizer
from .checkpoints import CheckpointCallback, clear, newest, step_of, wait_for_all
from .rows import Rows, TrainingRows, held_out_loss, n_tokens, shared_out

Curve = list[tuple[int, float, float | None]]
"""Step, training loss, held-out loss where it was measured (nats a token)."""

Progress = Callable[[int, int, float], None]
"""Called after each step with the step, the number of steps and the training loss."""

OPTIMIZERS = {Optimizer.ADAMW: "adamw_torch", Optimizer.ADAMW_8BIT: "adamw_bnb_8bit"}
"""Trainer's names. A new optimizer is one entry here."""


@dataclass(frozen=True)
class TrainingResult:
    """What training left."""

    curve: Curve
    """The loss at each step."""

    save: Callable[[str], None]
    """Writes the weights to a folder: called by every process (sharded weights are gathered), written by one."""


class ProgressCallback(TrainerCallback):
    """Tells the caller of each step, stops on NaN and when the held-out loss stops falling."""

    def __init__(self, patience: int | None, progress: Progress | None) -> None:
        self.patience, self.progress = patience, progress

    def on_log(self, args: Arguments, state: TrainerState, control: TrainerControl, **given: Any) -> None:
        logs = given["logs"]
        if "loss" not in logs:
            return
        if not math.isfinite(logs["loss"]):
            raise ModelError(f"the loss is {logs['loss']} at step {state.global_step}: give a lower --learning-rate")
        if self.progress is not None and state.is_world_process_zero:
            self.progress(state.global_step, state.max_steps, logs["loss"])

    def on_evaluate(self, args: Arguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        measured = [entry["eval_loss"] for entry in state.log_history if "eval_loss" in entry]
        since_best = len(measured) - 1 - measured.index(min(measured))
        if self.patience is not None and since_best >= self.patience:
            control.should_training_stop = control.should_save = True


class TokenTrainer(Trainer):
    """Trainer whose held-out loss is a mean over tokens, not over batches."""

    def __init__(self, held_out: Rows, rows: Rows, **settings: Any) -> None:
        self.held_out, self.rows = held_out, rows
        self.advance: Callable[[int], None] = lambda _: None
        super().__init__(train_dataset=rows, eval_dataset=held_out, **settings)

    def training_step(self, *given: Any, **named: Any) -> torch.Tensor:
        """One row of those that make a step, counted once it is read: a step takes minutes where a machine is slow."""
        self.advance(0)  # the time left is told by the work alone
        loss = super().training_step(*given, **named)
        self.advance(self.rows.was_read())
        return loss

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        metrics = {"eval_loss": held_out_loss(self.model, self.held_out, f"at step {self.state.global_step}")}
        self.log(dict(metrics))
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics


def train(
    network: PreTrainedModel | PeftModel,
    work: TrainingRows,
    options: FinetuneOptions,
    folder: Path,
    run: str,
    progress: Progress | None = None,
    dtype: torch.dtype = torch.float32,
) -> TrainingResult:
    """Train ``network`` in place; goes on from the newest whole checkpoint of ``run`` in ``folder``.

    ``dtype`` bfloat16: matrix products run in it, whatever the weights are kept in.
    """
    if options.gradient_checkpointing:
        enable = "activation_checkpointing_enable"  # its name from transformers 5.2x on
        getattr(network, enable, network.gradient_checkpointing_enable)({"use_reentrant": False})
    with _own_randomness():
        arguments = _arguments(network, work, options, folder, bf16=dtype == torch.bfloat16)
        rows, accumulate = shared_out(work.rows, options.accumulate, arguments.world_size)
        arguments.gradient_accumulation_steps = accumulate
        trainer = TokenTrainer(
            Rows(work.held_out, work.layout),
            Rows(rows, work.layout),
            model=network,
            args=arguments,
            data_collator=lambda batch: batch[0],  # a row is a batch already
            callbacks=[ProgressCallback(options.patience, progress), CheckpointCallback(run)],
        )
        trainer.remove_callback(PrinterCallback)
        if writes():
            clear(folder, run)
        wait_for_all()
        there = newest(folder)
        of_a_step, shares = accumulate * arguments.world_size, arguments.world_size
        todo = n_tokens(rows[(step_of(there) if there else 0) * of_a_step :]) // shares
        with phase("training", todo, "tokens") as trainer.advance:
            trainer.train(resume_from_checkpoint=there)
        # Trainer's own format around ``forward`` away: the model is looked at as it came
        if not trainer.is_fsdp_enabled:
            trainer.accelerator.unwrap_model(trainer.model_wrapped, keep_fp32_wrapper=False)
        return TrainingResult(_curve(trainer.state.log_history), trainer.save_model)


def _arguments(
    network: PreTrainedModel | PeftModel, work: TrainingRows, options: FinetuneOptions, folder: Path, *, bf16: bool
) -> Arguments:
    measured = options.evaluate_every is not None and bool(work.held_out)
    keep_best = options.patience is not None and measured
    cuda = network.device.type == "cuda"
    return Arguments(
        output_dir=str(folder),
        max_steps=work.steps,
        per_device_train_batch_size=1,
        learning_rate=options.peak_learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=int(options.warmup * work.steps) if options.warmup_steps is None else options.warmup_steps,
        weight_decay=options.weight_decay,
        adam_beta2=options.adam_beta2,
        adam_epsilon=options.adam_epsilon,
        max_grad_norm=options.max_grad_norm,
        optim=OPTIMIZERS[options.optimizer],
        bf16=bf16,
        train_sampling_strategy="sequential",  # the order of the rows is the caller's
        eval_strategy="steps" if measured else "no",
        eval_steps=options.evaluate_every if measured else None,
        save_strategy="steps",
        # the best must be among those saved
        save_steps=(options.evaluate_every or 1) if keep_best else options.save_every,
        load_best_model_at_end=keep_best,
        metric_for_best_model="eval_loss" if keep_best else None,
        greater_is_better=False if keep_best else None,
        save_total_limit=2,  # one whole while the next is written
        logging_strategy="steps",
        logging_steps=1,
        logging_nan_inf_filter=False,
        seed=options.seed,
        use_cpu=network.device.type == "cpu",
        ddp_find_unused_parameters=False,
        dataloader_pin_memory=cuda,
        remove_unused_columns=False,
        report_to="none",
        disable_tqdm=True,
        log_level="error",
    )


def _curve(history: list[dict[str, float]]) -> Curve:
    """Trainer's log as one row a step."""
    held_out = {int(entry["step"]): entry["eval_loss"] for entry in history if "eval_loss" in entry}
    losses = {int(entry["step"]): entry["loss"] for entry in history if "loss" in entry}
    return [(step, loss, held_out.get(step)) for step, loss in sorted(losses.items())]


@contextmanager
def _own_randomness() -> Iterator[None]:
    """Trainer seeds every generator of the process: what they were is put back."""
    states = random.getstate(), np.random.get_state()
    with torch.random.fork_rng():
        try:
            yield
        finally:
            random.setstate(states[0])
            np.random.set_state(states[1])
