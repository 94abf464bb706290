"""Weights that are not those of their settings are refused by name; what no vector depends on is not asked for."""

import importlib.util
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import (
    AutoModel,
    AutoModelForCausalLM,
    AutoTokenizer,
    BertConfig,
    BertForMaskedLM,
    CodeGenConfig,
    XGLMConfig,
)

from llm4es.core.errors import ModelError
from llm4es.enrich.engine_transformers import TransformersEngine
from llm4es.finetune import finetune
from llm4es.models import StoredModel, load_model, resolve
from llm4es.models.complete import check_complete
from llm4es.options import Dtype, EnrichBy, EnrichOptions, FinetuneOptions, LoadIn

from . import tiny
from .models import CPU, adapter, cache, folder, made

__all__ = ["cache", "folder", "made"]  # fixtures

Q = "model.layers.0.self_attn.q_proj.weight"


def change(folder: Path, spoil: Callable[[dict[str, Tensor]], None]) -> None:
    """Write the folder's tensors again after ``spoil``."""
    tensors = load_file(folder / "model.safetensors")
    spoil(tensors)
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})


def configure(folder: Path, **settings: object) -> None:
    """Change settings in ``config.json``."""
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **settings}))


def test_a_tensor_of_another_name(folder: Path) -> None:
    change(folder, lambda tensors: tensors.update({f"{Q}s": tensors.pop(Q)}))
    with pytest.raises(ModelError, match=rf"mine .* lacks {Q}; has too much {Q}s: fetch or save the model again"):
        load_model(resolve(str(folder)), CPU)


def test_more_layers_than_weights(folder: Path) -> None:
    configure(folder, num_hidden_layers=6)
    with pytest.raises(ModelError, match=r"lacks model\.layers\.4\.[^;]* and 15 more: fetch"):
        load_model(resolve(str(folder)), CPU)


def test_fewer_layers_than_weights(folder: Path) -> None:
    configure(folder, num_hidden_layers=2)
    with pytest.raises(ModelError, match=r"has too much model\.layers\.2\.[^;]* and 15 more: fetch"):
        load_model(resolve(str(folder)), CPU)


def test_layers_that_predict_further_tokens_are_not_asked_for(folder: Path) -> None:
    """DeepSeek's and GLM's checkpoints hold one layer more for it."""
    before = load_model(resolve(str(folder)), CPU).network
    extra = {"model.layers.4.eh_proj.weight": torch.ones(2, 2), "lm_head.bias": torch.ones(2)}
    change(folder, lambda tensors: tensors.update(extra))
    configure(folder, num_nextn_predict_layers=1)
    after = load_model(resolve(str(folder)), CPU).network
    ids = torch.tensor([[1, 2, 3]])
    torch.testing.assert_close(after(ids).logits, before(ids).logits)


def test_buffers_that_older_libraries_saved(tmp_path: Path) -> None:
    """XGLM's sinusoids and CodeGen's masks stand in their checkpoints, and newer libraries compute them."""
    config = XGLMConfig(vocab_size=99, d_model=32, ffn_dim=64, num_layers=2, attention_heads=4)
    sizes: dict[str, Any] = {
        "vocab_size": 99,
        "n_embd": 32,
        "n_layer": 2,
        "n_head": 4,
        "n_positions": 64,
        "rotary_dim": 4,
    }
    for kind, key in [
        (config, "model.embed_positions.weights"),
        (CodeGenConfig(**sizes), "transformer.h.0.attn.causal_mask"),
    ]:
        AutoModelForCausalLM.from_config(kind).save_pretrained(tmp_path)
        change(tmp_path, lambda tensors, key=key: tensors.update({key: torch.ones(2, 2)}))  # type: ignore[misc]
        made: Any = AutoModelForCausalLM.from_pretrained(tmp_path, output_loading_info=True)
        network, info = made
        assert key in info["unexpected_keys"]
        assert check_complete("old", tmp_path, network, info)


def test_a_tensor_of_another_size(folder: Path) -> None:
    change(folder, lambda tensors: tensors.update({Q: torch.zeros(3, 32)}))
    with pytest.raises(ModelError, match=rf"has of other sizes {Q} 3x32 for 32x32: fetch"):
        load_model(resolve(str(folder)), CPU)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_weights_that_are_no_numbers(folder: Path, value: float) -> None:
    change(folder, lambda tensors: tensors.update({Q: tensors[Q].fill_diagonal_(value)}))
    with pytest.raises(ModelError, match=rf"mine holds NaN or infinite weights in {Q} \(as float32\): fetch or"):
        load_model(resolve(str(folder)), CPU)


@pytest.mark.skipif(importlib.util.find_spec("bitsandbytes") is None, reason="needs llm4es[quant]")
@pytest.mark.parametrize("load_in", [LoadIn.INT8, LoadIn.NF4])
def test_quantised_weights_that_were_no_numbers(folder: Path, load_in: LoadIn) -> None:
    change(folder, lambda tensors: tensors.update({Q: tensors[Q].fill_diagonal_(float("nan"))}))
    with pytest.raises(ModelError, match=rf"mine holds NaN or infinite weights in {Q}"):
        load_model(resolve(str(folder)), replace(CPU, load_in=load_in))


def test_weights_that_sixteen_bits_do_not_hold(folder: Path) -> None:
    change(folder, lambda tensors: tensors.update({Q: tensors[Q].fill_diagonal_(1e6)}))
    load_model(resolve(str(folder)), CPU)
    with pytest.raises(ModelError, match=rf"infinite weights in {Q} \(as float16\)"):
        load_model(resolve(str(folder)), replace(CPU, dtype=Dtype.FLOAT16))


def test_an_adapter_that_is_no_number(folder: Path, tmp_path: Path) -> None:
    tuned = StoredModel("tuned", adapter(tmp_path / "a", folder, float("nan")), "lora", str(folder))
    with pytest.raises(ModelError, match=r"the LoRA in .* holds NaN or infinite weights in .*lora_A"):
        load_model(resolve("tuned", {"tuned": tuned}), CPU)


def test_without_a_head_it_embeds_and_no_more(folder: Path, tmp_path: Path) -> None:
    """A base model's checkpoint has no head; hidden states do without, and a random one would be tuned or asked."""
    torch.manual_seed(0)
    configure(folder, tie_word_embeddings=False)
    AutoModel.from_pretrained(folder).save_pretrained(folder)
    configure(folder, architectures=["LlamaForCausalLM"])
    model = load_model(resolve(str(folder)), CPU)
    ids = torch.tensor([[1, 2, 3]])
    plain = AutoModel.from_pretrained(folder)(ids).last_hidden_state
    torch.testing.assert_close(model.network.base_model(ids).last_hidden_state, plain)
    assert not model.has_head
    with pytest.raises(ModelError, match=r"mine came without the head .*: it embeds, and cannot be asked"):
        TransformersEngine(model, EnrichOptions(by=EnrichBy.LLM, model="mine"))
    table = pa.Table.from_batches([tiny.texts(("a", "H\none"))])
    with pytest.raises(ModelError, match=r"it embeds, and cannot be tuned; give a causal language model with its head"):
        finetune(table, table, model, FinetuneOptions(max_length=64), tmp_path)


def test_an_encoder_with_other_heads(tmp_path: Path) -> None:
    """The head for masked words is left over, the pooler is missing: neither moves a hidden state."""
    config = BertConfig(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64, vocab_size=99)
    BertForMaskedLM(config).save_pretrained(tmp_path)
    network, info = AutoModel.from_pretrained(tmp_path, output_loading_info=True)
    assert any("pooler" in key for key in info["missing_keys"])
    assert any(key.startswith("cls.") for key in info["unexpected_keys"])
    check_complete("bert", tmp_path, network, info)
    configure(tmp_path, num_hidden_layers=1)
    network, info = AutoModel.from_pretrained(tmp_path, output_loading_info=True)
    with pytest.raises(ModelError, match=r"has too much bert\.encoder\.layer\.1\."):
        check_complete("bert", tmp_path, network, info)


def test_a_tokenizer_of_another_model(folder: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_tokens(["hello", "world"])
    tokenizer.save_pretrained(folder)
    with pytest.raises(ModelError, match=r"gives 258 for 'hello', .* has 258 embeddings \(2 tokens lie beyond\)"):
        load_model(resolve(str(folder)), CPU)


def test_a_padding_token_may_lie_beyond(folder: Path) -> None:
    """Many tuned models have one that no text gets."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_special_tokens({"pad_token": "[PAD]"})
    tokenizer.save_pretrained(folder)
    assert load_model(resolve(str(folder)), CPU).tokenizer.pad_token_id == 258
