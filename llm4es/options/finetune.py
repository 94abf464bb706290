"""Options of ``finetune``: next-token prediction on the train entities' texts.

In: what a user typed. Out: checked values. Imports nothing heavy.
"""

import dataclasses
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from ..core.errors import OptionError
from .base import MAX_LENGTH, Options
from .panels import Panel
from .setting import Setting, option


class Method(StrEnum):
    """Which weights fine-tuning changes."""

    LORA = "lora"  # low-rank adapters (arXiv 2106.09685)
    FULL = "full"  # every weight


class Optimizer(StrEnum):
    """What turns gradients into new weights."""

    ADAMW = "adamw"  # torch's AdamW: two float32 numbers a weight
    ADAMW_8BIT = "adamw_8bit"  # bitsandbytes' AdamW: two bytes a weight (arXiv 2110.02861)


class FinetunePreset(StrEnum):
    """Options to start from, by name."""

    PAPER = "paper"  # arXiv 2508.05688


STEP_PRESETS = {"dry_run": 2, "tiny_run": 50}
"""Names that ``--steps`` takes beside a number."""


HELD_OUT_TOKENS = 8192
"""Tokens that the held-out loss is measured on where nothing else was asked for: a quarter of the tokens of the whole
training where that is less, so that measuring before and after never takes most of a short run."""


LEARNING_RATES = {Method.LORA: 2e-4, Method.FULL: 2e-5}
"""Peak learning rate where none was given: adapters start from nothing and want ten times more."""


_PRESET = Setting(None, "Start from these options; what else is given beats them. paper: arXiv 2508.05688.").at(
    "preset", FinetunePreset
)


@dataclass(frozen=True)
class FinetuneOptions(Options):
    """Next-token prediction on the train entities' texts."""

    method: Method = option(Method.LORA, "Adapters (lora), or every weight (full).")

    texts: tuple[str, ...] = option(("all",), "Texts trained on: raw, all, or variants by name.", group=Panel.WHAT)
    """('all',) takes every variant there is."""

    steps: int | None = option(
        None, "Optimizer steps; dry_run is 2, tiny_run 50.", minimum=1, unit="steps", names=STEP_PRESETS
    )
    """None trains for ``epochs``."""

    epochs: float = option(1.0, "Passes over the texts, without --steps.", minimum=0, exclusive_minimum=True)

    max_length: int = option(MAX_LENGTH, "Tokens a sequence.", minimum=2, unit="tokens")
    """Longer texts are cut between events into several."""

    learning_rate: float | None = option(
        None,
        "Peak learning rate; default: lora 2e-4, full 2e-5.",
        minimum=0,
        exclusive_minimum=True,
        group=Panel.LEARNING,
    )
    """Cosine decay after the warm-up; None: see ``LEARNING_RATES``."""

    warmup: float = option(
        0.1,
        "Share of the steps over which the learning rate rises.",
        minimum=0,
        maximum=1,
        exclusive_maximum=True,
        group=Panel.LEARNING,
    )
    """Used where ``warmup_steps`` is None."""

    warmup_steps: int | None = option(
        None, "Steps over which it rises, instead of --warmup.", minimum=0, unit="steps", group=Panel.LEARNING
    )
    """None: ``warmup`` of all steps."""

    weight_decay: float = option(1e-6, "AdamW's weight decay, decoupled.", minimum=0, group=Panel.LEARNING)

    adam_beta2: float = option(
        0.999,
        "AdamW's decay of the mean squared gradient.",
        minimum=0,
        maximum=1,
        exclusive_maximum=True,
        group=Panel.LEARNING,
    )

    adam_epsilon: float = option(1e-8, "AdamW's guard against division by nothing.", minimum=0, group=Panel.LEARNING)

    max_grad_norm: float = option(
        1.0,
        "Gradients longer than this are scaled down to it.",
        minimum=0,
        exclusive_minimum=True,
        group=Panel.LEARNING,
    )

    optimizer: Optimizer = option(
        Optimizer.ADAMW, "What turns gradients into weights; adamw_8bit needs the extra `quant`.", group=Panel.COST
    )

    tokens_per_step: int = option(
        2048, "Tokens read at once: a step's, before --accumulate.", minimum=1, unit="tokens", group=Panel.LEARNING
    )
    """Never fewer than one sequence of ``max_length``."""

    accumulate: int = option(
        1, "Times that --tokens-per-step are read for one step.", minimum=1, unit="batches", group=Panel.LEARNING
    )

    lora_rank: int = option(16, "Rank of the adapters.", minimum=1, group=Panel.LEARNING)

    evaluate_every: int | None = option(
        None,
        "Steps between measurements of the held-out loss; default: before and after only.",
        minimum=1,
        unit="steps",
        group=Panel.LEARNING,
    )

    patience: int | None = option(
        None,
        "Measurements without a new best until it stops and keeps the best; default: never.",
        minimum=1,
        unit="measurements",
        group=Panel.LEARNING,
    )

    held_out_tokens: int | None = option(
        None,
        "Tokens it is measured on, a seeded choice; default: 8192, or a quarter of a short run's.",
        minimum=1,
        unit="tokens",
        group=Panel.LEARNING,
    )
    """None: see ``HELD_OUT_TOKENS``."""

    seed: int = option(0, "Seed of order, initial adapters and dropout.")

    save_every: int = option(
        50,
        "Steps between checkpoints; 15 s at most (full weights: a tenth of the time goes into writing).",
        minimum=1,
        unit="steps",
        group=Panel.COST,
        changes_result=False,
    )

    gradient_checkpointing: bool = option(
        False,
        "Compute activations again instead of keeping them: less memory, a third more time.",
        group=Panel.COST,
        changes_result=False,
    )

    logit_chunk: int = option(
        512, "Tokens whose logits are held at once.", minimum=1, unit="tokens", group=Panel.COST, changes_result=False
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.patience is not None and self.evaluate_every is None:
            raise OptionError(f"--patience {self.patience} has nothing to wait for: give --evaluate-every as well")

    @classmethod
    def settings(cls) -> dict[str, Setting]:
        """The preset to start from, and the fields."""
        return {_PRESET.name: _PRESET, **super().settings()}

    @classmethod
    def of(cls, **words: Any) -> Self:
        """Options from plain values as ``Options.of`` takes them, on top of ``preset`` where one is named.

        Examples
        --------
        >>> FinetuneOptions.of(preset="paper", warmup=0.2, steps="tiny_run").steps
        50
        """
        given = cls.coerced(words)
        preset = given.pop(_PRESET.name, None)
        for one, other in (("steps", "epochs"), ("warmup", "warmup_steps")):
            if one in given and other in given:
                flags = [f"{cls.settings()[name].flag} {given[name]:g}" for name in (one, other)]
                raise OptionError(f"{' and '.join(flags)} both say how long: give one")
        if "epochs" in given:
            given["steps"] = None  # of a preset: what was given beats it
        if "warmup" in given:
            given["warmup_steps"] = None
        start = {} if preset is None else dataclasses.asdict(FINETUNE_PRESETS[preset])
        return cls(**start | given)

    @property
    def row_tokens(self) -> int:
        """Tokens that are read at once: never fewer than one sequence."""
        return max(self.tokens_per_step, self.max_length)

    @property
    def peak_learning_rate(self) -> float:
        """The learning rate given, or the method's own."""
        return LEARNING_RATES[self.method] if self.learning_rate is None else self.learning_rate


FINETUNE_PRESETS: dict[str, FinetuneOptions] = {
    # arXiv 2508.05688; bfloat16 comes with ``--dtype auto`` on a device that has it. Epochs: 2 for Rosbank, else 30
    FinetunePreset.PAPER: FinetuneOptions(
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
