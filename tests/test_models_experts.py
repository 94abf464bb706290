"""Experts that a file keeps one by one: all of them, with the tensors of all, or none."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, MixtralConfig

from llm4es.core.errors import ModelError
from llm4es.models import load_model, resolve

from . import tiny
from .models import CPU, cache

__all__ = ["cache"]  # a fixture

EXPERTS = "model.layers.0.block_sparse_moe.experts"


@pytest.fixture
def mixture(tmp_path: Path) -> Path:
    """A model folder of two layers with four experts each, as Mixtral's checkpoints have them."""
    torch.manual_seed(0)
    sizes: dict[str, Any] = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
    }
    config = MixtralConfig(num_hidden_layers=2, num_local_experts=4, **sizes, **tiny.SIZES)
    AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path / "mix")
    tiny.byte_tokenizer().save_pretrained(tmp_path / "mix")
    return tmp_path / "mix"


def rename(folder: Path, names: dict[str, str]) -> None:
    """Give tensors other names; an empty one takes it away."""
    tensors = load_file(folder / "model.safetensors")
    for before, after in names.items():
        tensor = tensors.pop(before)
        if after:
            tensors[after] = tensor
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})


def test_whole(mixture: Path) -> None:
    assert load_model(resolve(str(mixture)), CPU).has_head


@pytest.mark.parametrize("tensor", ["w1", "w2", "w3"])
@pytest.mark.parametrize("number", [0, 3])
def test_an_expert_without_a_tensor(mixture: Path, number: int, tensor: str) -> None:
    lacking = f"{EXPERTS}.{number}.{tensor}.weight"
    rename(mixture, {lacking: ""})
    with pytest.raises(ModelError, match=rf"mix are not whole: .* lacks {lacking}: fetch or save"):
        load_model(resolve(str(mixture)), CPU)


def test_an_expert_of_another_number(mixture: Path) -> None:
    """transformers would put it last, behind another's line of the router."""
    rename(mixture, {f"{EXPERTS}.0.{w}.weight": f"{EXPERTS}.7.{w}.weight" for w in ("w1", "w2", "w3")})
    with pytest.raises(ModelError, match=rf"lacks {EXPERTS}\.0\.w1\.weight and 11 more"):
        load_model(resolve(str(mixture)), CPU)


def test_an_expert_of_another_size(mixture: Path) -> None:
    tensors = load_file(mixture / "model.safetensors")
    tensors[f"{EXPERTS}.1.w1.weight"] = torch.zeros(3, 4)
    save_file(tensors, mixture / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match=r"cannot load mix from .* \(an expert's weights have not the sizes of the"):
        load_model(resolve(str(mixture)), CPU)


def test_as_many_experts_as_the_settings_say(mixture: Path) -> None:
    config = json.loads((mixture / "config.json").read_text())
    (mixture / "config.json").write_text(json.dumps({**config, "num_local_experts": 5}))
    with pytest.raises(ModelError, match=r"has of other sizes .*experts\.down_proj 4x32x64 for 5x32x64"):
        load_model(resolve(str(mixture)), CPU)
