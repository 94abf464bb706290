"""The loss over a large vocabulary without ever holding its logits.

In: a causal language model of transformers, and rows with labels. Out: the loss of next-token prediction, and its
gradients. Knows no texts and no optimizer.

A text of T tokens and a vocabulary of V would need T × V logits, and as much again for their gradient: for small models
that is most of the memory. Here a chunk of tokens at a time goes through the head, its gradients are taken at once, and
its logits are dropped (as in Liger Kernel, arXiv 2410.10989, but in plain torch and for any head). Tokens without a
label never reach the head.

Letters: B rows, T tokens of a row, N labelled tokens, C tokens of a chunk, D width, V vocabulary.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import MethodType
from typing import Any

import torch
import torch.nn.functional as F
from transformers import PreTrainedModel
from transformers.modeling_outputs import CausalLMOutput

from ..inputs.packing import IGNORED

Head = Callable[[torch.Tensor], torch.Tensor]
"""States (C, D) to logits (C, V)."""


class _ChunkedLoss(torch.autograd.Function):
    """Summed cross-entropy whose gradients are taken chunk by chunk on the way forward."""

    @staticmethod
    def forward(
        ctx: Any,
        wanted: bool,
        states: torch.Tensor,
        targets: torch.Tensor,
        head: Head,
        chunk: int,
        *weights: torch.Tensor,
    ) -> torch.Tensor:
        total = states.new_zeros((), dtype=torch.float32)  # ()
        to_states = torch.zeros_like(states) if wanted else None  # (N, D)
        to_weights = [torch.zeros_like(weight) for weight in weights] if wanted else []
        for start in range(0, len(states), chunk):
            part = slice(start, start + chunk)
            with torch.set_grad_enabled(wanted):
                given = states[part].detach().requires_grad_(wanted)  # (C, D)
                logits = head(given).float()  # (C, V)
                loss = F.cross_entropy(logits, targets[part], reduction="sum")  # ()
            total += loss.detach()
            if to_states is not None:
                gradient, *others = torch.autograd.grad(loss, [given, *weights])
                to_states[part] = gradient
                for kept, other in zip(to_weights, others, strict=True):
                    kept += other
            del logits, loss
        if to_states is not None:
            ctx.save_for_backward(to_states, *to_weights)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        scale = gradients[0]
        to_states, *to_weights = ctx.saved_tensors
        to_weights = [(kept * scale).to(kept.dtype) for kept in to_weights]
        return (None, (to_states * scale).to(to_states.dtype), None, None, None, *to_weights)


def summed_loss(
    states: torch.Tensor, targets: torch.Tensor, head: Head, weights: list[torch.Tensor], chunk: int
) -> torch.Tensor:
    """Nats over all N tokens: ``states`` (N, D), ``targets`` (N,), ``weights`` what of the head is trained."""
    wanted = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in (states, *weights))
    total: torch.Tensor = _ChunkedLoss.apply(wanted, states, targets, head, chunk, *weights)  # type: ignore[no-untyped-call]
    return total


@contextmanager
def chunked_loss(network: PreTrainedModel, chunk: int) -> Iterator[bool]:
    """The network with a ``forward`` that gives its loss and no logits; its own again afterwards.

    Says whether that was done: a network whose logits are not its head's (checked on a few tokens) keeps its own.
    The loss is the sum over labelled tokens, divided by ``num_items_in_batch`` where that is given, as Trainer does.
    """
    head = _head(network)
    if head is None:
        yield False
        return
    linear = network.get_output_embeddings()

    def forward(
        network: PreTrainedModel,
        input_ids: torch.Tensor,  # (B, T)
        labels: torch.Tensor,  # (B, T)
        num_items_in_batch: torch.Tensor | int | None = None,
        **inputs: Any,
    ) -> CausalLMOutput:
        states = network.base_model(
            input_ids=input_ids, **{**inputs, "use_cache": False}
        ).last_hidden_state  # (B, T, D)
        learned = labels[:, 1:] != IGNORED  # (B, T - 1)
        weights = [weight for weight in linear.parameters() if weight.requires_grad]
        total = summed_loss(states[:, :-1][learned], labels[:, 1:][learned], head, weights, chunk)  # ()
        return CausalLMOutput(loss=total / (learned.sum() if num_items_in_batch is None else num_items_in_batch))

    network.__dict__["forward"] = MethodType(forward, network)  # a method, as accelerate wants to wrap and unwrap it
    try:
        yield True
    finally:
        del network.__dict__["forward"]


def _head(network: PreTrainedModel) -> Head | None:
    """From states to logits as the network does it; None where this module does not know how."""
    linear = network.get_output_embeddings()
    if linear is None or network.base_model is network:
        return None
    config = network.config.get_text_config()
    cap = getattr(config, "final_logit_softcapping", None)  # Gemma 2 and 3
    scale = float(getattr(config, "logit_scale", None) or 1) / float(getattr(config, "logits_scaling", None) or 1)

    def head(states: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = linear(states)  # (C, V)
        logits = logits * scale if scale != 1 else logits  # Cohere; Granite
        return torch.tanh(logits / cap) * cap if cap else logits

    return head if _gives_the_logits(network, head) else None


def _gives_the_logits(network: PreTrainedModel, head: Head) -> bool:
    """Whether base model and ``head`` make the network's own logits."""
    tokens = torch.tensor([[1, 2, 3, 2, 1]], device=network.device)  # (1, T)
    training = network.training
    network.eval()
    try:
        with torch.no_grad():
            own = network(input_ids=tokens, use_cache=False).logits[0].float()  # (T, V)
            ours = head(network.base_model(input_ids=tokens, use_cache=False).last_hidden_state[0]).float()  # (T, V)
    finally:
        network.train(training)
    return own.shape == ours.shape and bool(torch.allclose(own, ours, rtol=1e-2, atol=1e-2 * float(own.abs().max())))
