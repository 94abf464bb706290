"""Adapters on architectures whose linear layers are not all just that: each adapter is reached, or there is none."""

from typing import Any

import pytest
import torch
import transformers
from transformers import AutoModelForCausalLM

from llm4es.core.quiet import quiet
from llm4es.models.lora import with_adapters
from llm4es.options import FinetuneOptions

from . import tiny

SIZES = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
HEADS = {"num_attention_heads": 4, "num_key_value_heads": 2}
MIXER = {"mamba_d_ssm": 32, "mamba_n_heads": 4, "mamba_d_head": 8, "mamba_d_state": 8, "mamba_n_groups": 1}
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "a state-space layer": ("MambaConfig", {"state_size": 8}),
    "a state-space layer beside attention": ("FalconH1Config", {**HEADS, **MIXER}),
    "a router of experts": ("PhimoeConfig", {**HEADS, "num_local_experts": 2}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_adapter_is_reached(kind: str) -> None:
    config, settings = KINDS[kind]
    torch.manual_seed(0)
    auto: Any = AutoModelForCausalLM
    with quiet():
        network = auto.from_config(getattr(transformers, config)(**{**tiny.SIZES, **SIZES, **settings}))
        adapted: Any = with_adapters(network.float(), FinetuneOptions(lora_rank=2))
        ids = torch.arange(24)[None]
        adapted(input_ids=ids, labels=ids, use_cache=False).loss.backward()
    reached = {name: weight.grad for name, weight in adapted.named_parameters() if "lora_B" in name}
    assert reached
    assert [name for name, gradient in reached.items() if gradient is None or not gradient.any()] == []
