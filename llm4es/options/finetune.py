"""Options of ``finetune``: next-token prediction on the train entities' texts.

In: what a user typed. Out: checked values. Imports nothing heavy.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from ..core.errors import OptionError
from .base import EXECUTION, Options, at_least


class Method(StrEnum):
    """Which weights fine-tuning changes."""

    LORA = "lora"  # low-rank adapters (arXiv 2106.09685)
    FULL = "full"  # every weight


class Optimizer(StrEnum):
    """What turns gradients into new weights."""

    ADAMW = "adamw"  # torch's AdamW: two float32 numbers a weight
    ADAMW_8BIT = "adamw_8bit"  # bitsandbytes' AdamW: two bytes a weight (arXiv 2110.02861)


STEP_PRESETS = {"dry_run": 2, "tiny_run": 50}
"""Names that ``--steps`` takes beside a number."""


HELD_OUT_TOKENS = 8192
"""Tokens that the held-out loss is measured on where nothing else was asked for: a quarter of the tokens of the whole
training where that is less, so that measuring before and after never takes most of a short run."""


LEARNING_RATES = {Method.LORA: 2e-4, Method.FULL: 2e-5}
"""Peak learning rate where none was given: adapters start from nothing and want ten times more."""


@dataclass(frozen=True)
class FinetuneOptions(Options):
    """Next-token prediction on the train entities' texts."""

    method: Method = Method.LORA
    """Which weights change."""

    texts: tuple[str, ...] = ("all",)
    """Variants trained on; ('all',) takes every variant there is."""

    steps: int | None = None
    """Optimizer steps; None trains for ``epochs``."""

    epochs: float = 1.0
    """Passes over the texts; used where ``steps`` is None."""

    max_length: int = 512
    """Tokens a sequence; longer texts are cut between events into several."""

    learning_rate: float | None = None
    """Peak learning rate, cosine decay after the warm-up; None: see ``LEARNING_RATES``."""

    warmup: float = 0.1
    """Share of the steps over which the learning rate rises; used where ``warmup_steps`` is None."""

    warmup_steps: int | None = None
    """Steps over which the learning rate rises; None: ``warmup`` of all steps."""

    weight_decay: float = 1e-6
    """AdamW's decoupled weight decay."""

    adam_beta2: float = 0.999
    """AdamW's decay of the mean squared gradient."""

    adam_epsilon: float = 1e-8
    """AdamW's guard against division by nothing."""

    max_grad_norm: float = 1.0
    """Gradients longer than this are scaled down to it."""

    optimizer: Optimizer = Optimizer.ADAMW
    """What turns gradients into new weights."""

    tokens_per_step: int = 2048
    """Tokens an optimizer step sees (before ``accumulate``), never fewer than one sequence of ``max_length``."""

    accumulate: int = 1
    """Batches a step: gradients are added up over so many."""

    lora_rank: int = 16
    """Rank of the adapters; used by method 'lora'."""

    evaluate_every: int | None = None
    """Steps between measurements of the held-out loss; None measures before and after only."""

    patience: int | None = None
    """Measurements without a new best held-out loss until training stops and the best weights are kept; None: never."""

    held_out_tokens: int | None = None
    """Tokens of the held-out texts that the loss is measured on, a seeded choice; None: see ``HELD_OUT_TOKENS``."""

    seed: int = 0
    """Seed of order, initial adapters and dropout."""

    save_every: int = field(default=50, metadata=EXECUTION)
    """Steps between checkpoints that a killed run resumes from. One is also due after 15 seconds of work; full weights,
    whose checkpoint is gigabytes, wait until it takes no more than a tenth of the time."""

    gradient_checkpointing: bool = field(default=False, metadata=EXECUTION)
    """Compute activations again on the way back instead of keeping them: less memory, about a third more time."""

    logit_chunk: int = field(default=512, metadata=EXECUTION)
    """Tokens whose logits over the whole vocabulary are held at once."""

    def __post_init__(self) -> None:
        positive = ("max_length", "tokens_per_step", "accumulate", "lora_rank", "save_every", "logit_chunk")
        for name in (*positive, "steps", "evaluate_every", "patience", "held_out_tokens"):
            at_least(self, name, 1)
        at_least(self, "max_length", 2)
        if self.steps is None and self.epochs <= 0:
            raise OptionError(f"--epochs {self.epochs:g} is not above 0: give a number above 0, or --steps")
        if self.learning_rate is not None and self.learning_rate <= 0:
            raise OptionError(f"--learning-rate {self.learning_rate:g} is not above 0: give a number such as 1e-5")
        if not 0 <= self.warmup < 1:
            raise OptionError(f"--warmup {self.warmup:g} is not a share: give a number from 0 to below 1")
        if self.patience is not None and self.evaluate_every is None:
            raise OptionError(f"--patience {self.patience} has nothing to wait for: give --evaluate-every as well")

    @property
    def peak_learning_rate(self) -> float:
        """The learning rate given, or the method's own."""
        return LEARNING_RATES[self.method] if self.learning_rate is None else self.learning_rate


FINETUNE_PRESETS = {
    # arXiv 2508.05688; bfloat16 comes with ``--dtype auto`` on a device that has it. Epochs: 2 for Rosbank, else 30
    "paper": FinetuneOptions(
        method=Method.FULL,
        epochs=2.0,
        max_length=8192,
        learning_rate=1e-5,
        warmup_steps=608,
        weight_decay=1e-6,
        adam_beta2=0.95,
        adam_epsilon=1e-5,
        max_grad_norm=1.0,
        tokens_per_step=8192,
    ),
}
"""Options to start from, by name."""
