"""Did tuning change anything, and for the better?

In: a network before and after, and what it is measured on. Out: its held-out loss and some vectors, an error where both
are the base's to the bit or no numbers, and a plain sentence. Knows no texts.

Letters: B lines, T tokens of a line, n pieces, D width of a state.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from transformers import PreTrainedModel

from ..core.errors import ModelError
from ..inputs.packing import Row
from ..models.lora import PeftModel
from ..options import FinetuneOptions
from .rows import Rows, TrainingRows, held_out_loss

WORTH_SAYING = 0.05
"""Share of the layers' weights from which on it is told that no adapter reaches them: routers of experts are less."""

ALIKE, LITTLE = 0.9995, 0.01
"""Cosine with the base's vectors above which, and share of the loss below which, nothing can be told of a tuning."""


@dataclass(frozen=True)
class Snapshot:
    """What a model makes of the held-out texts."""

    loss: float | None
    vectors: torch.Tensor  # (n, D)


def measure(trained: PreTrainedModel | PeftModel, network: PreTrainedModel, work: TrainingRows, when: str) -> Snapshot:
    """Held-out loss, and on the way the vectors of the first row's pieces (of a train row where none is held out)."""
    first = (work.held_out or work.rows)[0]
    states: list[torch.Tensor] = []
    hook = network.base_model.register_forward_hook(lambda _, given, out: states.append(out.last_hidden_state))
    try:
        loss = held_out_loss(trained, Rows(work.held_out or [first], work.layout), when)
    finally:
        hook.remove()
    return Snapshot(loss if work.held_out else None, _piece_means(states[0], first))


def _piece_means(states: torch.Tensor, row: Row) -> torch.Tensor:
    """The mean state of each piece of a row, from states (1, T, D) of one line or (B, T, D) of a line a piece."""
    lengths = [len(piece) for piece in row]
    lines = states.unbind() if len(states) == len(row) else torch.split(states[0], lengths)  # n of (T, D)
    means = [line[:length].float().mean(0) for line, length in zip(lines, lengths, strict=False)]  # n of (D,)
    return torch.stack(means).cpu()  # (n, D)


def check_changed(before: Snapshot, after: Snapshot, options: FinetuneOptions) -> None:
    """Raise where the tuned model is its base, or no model any more."""
    if not bool(after.vectors.isfinite().all()):
        raise ModelError(
            f"the tuned model gives vectors that are not finite: give a --learning-rate below"
            f" {options.peak_learning_rate:g}"
        )
    if torch.equal(before.vectors, after.vectors):
        raise ModelError(
            f"tuning changed nothing (--learning-rate {options.peak_learning_rate:g}): the tuned model gives its base's"
            " vectors to the bit; give more --steps or a higher --learning-rate"
        )


def verdict(before: float | None, after: float | None, measured: int, cosine: float) -> str:
    """What tuning did to loss and vectors, for people; what that is worth to a task only a probe can tell.

    >>> verdict(2.3101, 2.3099, 300, 0.99991)
    "Too little changed to tell whether tuning helps: held-out loss 2.310 -> 2.310 nats a token, on 300 tokens; ..."
    """
    moved = f"vectors moved to a mean cosine of {cosine:.3f} with the base's"
    if before is None or after is None:
        return f"No held-out texts to measure on; {moved}."
    change = f"{before:.3f} -> {after:.3f} nats a token, on {measured} tokens"
    if cosine > ALIKE and abs(1 - after / before) < LITTLE:
        return (
            f"Too little changed to tell whether tuning helps: held-out loss {change}; vectors have a mean cosine of "
            f"{cosine:.4f} with the base's: give more --steps."
        )
    if after < before:
        return f"Held-out loss fell by {1 - after / before:.1%}: {change}; {moved}."
    return f"Held-out loss did not fall: {change}; {moved}."


def left_alone(share: float, names: Sequence[str]) -> str:
    """What no adapter reaches, for people; nothing where that is little.

    Examples
    --------
    >>> left_alone(0.77, ["mlp.experts.gate_up_proj", "mlp.experts.down_proj"])
    " LoRA left 77% of the layers' weights as they were (mlp.experts.gate_up_proj, ...): --method full tunes all."
    >>> left_alone(0.01, ["mlp.gate.weight"])
    ''
    """
    if share < WORTH_SAYING:
        return ""
    more = ", ..." if len(names) > 1 else ""
    return f" LoRA left {share:.0%} of the layers' weights as they were ({names[0]}{more}): --method full tunes all."
