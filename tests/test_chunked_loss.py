"""The loss over the vocabulary, a chunk at a time: the same number and gradients as all at once."""

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    CohereConfig,
    Gemma2Config,
    GraniteConfig,
    PretrainedConfig,
    PreTrainedModel,
)

from llm4es.finetune.chunked_loss import chunked_loss, summed_loss
from llm4es.inputs.packing import IGNORED

from . import tiny

SMALL = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "head_dim": 8,
    **tiny.SIZES,
}
UNLIKE_A_PLAIN_HEAD: dict[str, PretrainedConfig] = {
    "capped": Gemma2Config(**SMALL, final_logit_softcapping=0.05),
    "divided": GraniteConfig(**SMALL, logits_scaling=8.0),
    "multiplied": CohereConfig(**SMALL, logit_scale=0.25),
}


def batch() -> dict[str, torch.Tensor]:
    tokens = torch.arange(3, 29).reshape(2, 13) * 7 % 250
    labels = tokens.clone()
    labels[0, :5] = IGNORED
    return {"input_ids": tokens, "labels": labels}


def gradients(network: PreTrainedModel, loss: torch.Tensor) -> dict[str, torch.Tensor]:
    network.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    return {name: weight.grad.clone() for name, weight in network.named_parameters() if weight.grad is not None}


def made(name: str) -> PreTrainedModel:
    torch.manual_seed(0)
    if name in tiny.ARCHITECTURES:
        return tiny.network(name).requires_grad_(True)
    network: PreTrainedModel = AutoModelForCausalLM.from_config(UNLIKE_A_PLAIN_HEAD[name], dtype=torch.float32)
    network.eval()
    return network


@pytest.mark.parametrize("name", [*tiny.ARCHITECTURES, *UNLIKE_A_PLAIN_HEAD])
def test_loss_and_gradients_are_those_of_the_whole(name: str) -> None:
    network = made(name)
    plain = network(**batch()).loss
    expected = gradients(network, plain)
    with chunked_loss(network, 4) as done:
        assert done
        out = network(**batch())
        assert set(out) == {"loss"}
        ours = gradients(network, out.loss)
    assert float(out.loss.detach()) == pytest.approx(float(plain.detach()), rel=1e-6)
    assert ours.keys() == expected.keys()
    for weight, gradient in expected.items():
        torch.testing.assert_close(ours[weight], gradient, rtol=1e-4, atol=1e-7)
    assert "logits" in network(**batch())  # its own again


def test_no_more_than_a_chunk_of_tokens_meets_the_vocabulary() -> None:
    network = tiny.network().requires_grad_(True)
    seen: list[int] = []
    network.get_output_embeddings().register_forward_hook(lambda head, given, logits: seen.append(len(logits)))
    with chunked_loss(network, 4):
        seen.clear()  # of the look whether the head is plain
        network(**batch()).loss.backward()
    assert seen == [4, 4, 4, 4, 4]  # 2 x 13 tokens, less 5 in the first row and 1 in the second


def test_the_sum_is_divided_by_what_the_caller_says() -> None:
    network = tiny.network()
    with chunked_loss(network, 512), torch.no_grad():
        mean, share = network(**batch()).loss, network(**batch(), num_items_in_batch=40).loss
    assert float(share) == pytest.approx(float(mean) / 2)


def test_frozen_heads_get_no_gradient_and_states_do() -> None:
    head = torch.nn.Linear(3, 5, bias=False).requires_grad_(False)
    states = torch.ones(2, 3, requires_grad=True)
    summed_loss(states, torch.tensor([0, 4]), head, [], 1).backward()  # type: ignore[no-untyped-call]
    expected = torch.ones(2, 3, requires_grad=True)
    torch.nn.functional.cross_entropy(head(expected), torch.tensor([0, 4]), reduction="sum").backward()  # type: ignore[no-untyped-call]
    torch.testing.assert_close(states.grad, expected.grad)
    assert head.weight.grad is None


def test_nothing_to_learn_is_a_loss_of_nothing() -> None:
    states = torch.ones(0, 3, requires_grad=True)
    loss = summed_loss(states, torch.zeros(0, dtype=torch.long), torch.nn.Linear(3, 5), [], 4)
    loss.backward()  # type: ignore[no-untyped-call]
    assert float(loss.detach()) == 0.0


def test_a_network_with_logits_of_its_own_making_keeps_its_forward() -> None:
    network = tiny.network()
    own = network.get_output_embeddings()
    own.register_forward_hook(lambda head, given, logits: logits + len(given[0]) * torch.arange(258.0) * given[0].ndim)
    with chunked_loss(network, 4) as done:
        assert not done
        assert "logits" in network(**batch())
