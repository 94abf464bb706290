"""Loading: what a model in memory is, and what is refused."""

import importlib.util
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import PreTrainedModel

from llm4es.core.errors import ModelError
from llm4es.embed import embed
from llm4es.models import load_model
from llm4es.models.ref import StoredModel, space_fingerprint, space_name
from llm4es.models.resolve import resolve
from llm4es.options import Attention, Dtype, EmbedOptions, LoadIn, LoadOptions

from . import tiny
from .models import CPU, adapter, cache, folder, made

__all__ = ["cache", "folder", "made"]  # fixtures


def test_load_is_ready_to_run(folder: Path) -> None:
    model = load_model(resolve(str(folder)))
    assert (model.name, model.dtype, model.device.type, model.network.training) == ("mine", torch.float32, "cpu", False)
    assert model.fingerprint == space_fingerprint(model.ref, LoadOptions())
    assert not any(parameter.requires_grad for parameter in model.network.parameters())


def test_load_in_bfloat16(folder: Path) -> None:
    model = load_model(resolve(str(folder)), replace(CPU, dtype=Dtype.BFLOAT16))
    assert (model.name, model.dtype) == ("mine+bfloat16", torch.bfloat16)
    assert next(model.network.parameters()).dtype == torch.bfloat16


def test_a_model_bears_the_name_of_its_space(folder: Path) -> None:
    """Two folders of one name: whoever knows the names in use says which is whose."""
    ref = resolve(str(folder))
    name = space_name(ref, CPU, {"mine": "another"})
    model = load_model(ref, CPU, name)
    assert model.name == name == f"mine#{space_fingerprint(ref, CPU)[:8]}"
    assert load_model(ref, CPU).name == "mine"
    (row,) = tiny.rows(list(embed([tiny.texts(("a", "H\none"))], model, EmbedOptions(k=(1,), max_length=64))))
    assert row["model"] == name


CODE = """
import torch
from transformers import LlamaConfig, LlamaForCausalLM
open({ran!r}, "w").close()
class OwnConfig(LlamaConfig):
    model_type = "own"
class OwnForCausalLM(LlamaForCausalLM):
    config_class = OwnConfig
"""


def test_code_of_a_stranger_runs_only_where_it_is_trusted(folder: Path, tmp_path: Path) -> None:
    own = {"auto_map": {"AutoConfig": "own.OwnConfig", "AutoModelForCausalLM": "own.OwnForCausalLM"}}
    ran = tmp_path / "ran"
    (folder / "own.py").write_text(CODE.format(ran=str(ran)))
    settings = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**settings, **own, "model_type": "own"}))
    before = resolve(str(folder)).fingerprint
    with pytest.raises(ModelError, match=r"brings code of its own, .*: give --trust-remote-code if you trust it"):
        load_model(resolve(str(folder)), CPU)
    assert not ran.exists()
    model = load_model(resolve(str(folder)), replace(CPU, trust_remote_code=True))
    assert type(model.network).__name__ == "OwnForCausalLM"
    assert ran.exists()
    (folder / "own.py").write_text(CODE.format(ran=str(ran)) + "# another")
    assert resolve(str(folder)).fingerprint != before


def test_a_folder_whose_weights_do_not_fit_its_settings(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "unheard-of"}))
    with pytest.raises(ModelError, match=r"cannot load mine from .*unheard-of"):
        load_model(resolve(str(folder)), CPU)


def test_quantization_needs_its_extra(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name, *rest: None if name == "bitsandbytes" else found(name, *rest)
    )
    with pytest.raises(ModelError, match=r"--load-in 8bit needs bitsandbytes: pip install 'llm4es\[quant\]'"):
        load_model(resolve(str(folder)), replace(CPU, load_in=LoadIn.INT8))


@pytest.mark.skipif(importlib.util.find_spec("bitsandbytes") is None, reason="needs llm4es[quant]")
@pytest.mark.parametrize(
    ("load_in", "kind", "likeness"), [(LoadIn.INT8, "Linear8bitLt", 0.99), (LoadIn.NF4, "Linear4bit", 0.95)]
)
def test_quantised_weights_on_a_cpu(folder: Path, load_in: LoadIn, kind: str, likeness: float) -> None:
    model = load_model(resolve(str(folder)), replace(CPU, load_in=load_in))
    assert type(model.network.model.layers[0].mlp.up_proj).__name__ == kind
    plain = load_model(resolve(str(folder)), CPU).network(torch.tensor([[1, 2, 3]])).logits
    quantised = model.network(torch.tensor([[1, 2, 3]])).logits
    assert likeness < torch.cosine_similarity(plain.flatten(), quantised.flatten(), 0) < 1


@pytest.mark.skipif(importlib.util.find_spec("bitsandbytes") is None, reason="needs llm4es[quant]")
def test_four_bits_are_computed_in_the_format_asked_for(folder: Path) -> None:
    """bitsandbytes turns to bfloat16 by itself on CPUs that have it: vectors would depend on the machine."""
    from bitsandbytes.functional import dequantize_4bit

    layer: Any = load_model(resolve(str(folder)), replace(CPU, load_in=LoadIn.NF4)).network.model.layers[0].mlp.up_proj
    states = torch.randn(5, 32)
    weights = dequantize_4bit(layer.weight.data, layer.weight.quant_state)
    torch.testing.assert_close(layer(states), states @ weights.T, rtol=1e-5, atol=1e-6)


@pytest.mark.skipif(importlib.util.find_spec("bitsandbytes") is None, reason="needs llm4es[quant]")
def test_an_adapter_on_quantised_weights_is_not_merged(folder: Path, tmp_path: Path) -> None:
    stored = {"tuned": StoredModel("tuned", adapter(tmp_path / "a", folder, 0.1), "lora", str(folder))}
    model = load_model(resolve("tuned", stored), replace(CPU, load_in=LoadIn.INT8))
    assert isinstance(model.network, PreTrainedModel)
    assert any("lora" in name for name, _ in model.network.named_parameters())
    rows = tiny.rows(list(embed([tiny.texts(("a", "H\none"))], model, EmbedOptions(k=(1,), max_length=64))))
    assert rows[0]["model"] == "tuned+8bit"
    base = load_model(resolve(str(folder)), CPU)
    plain = tiny.rows(list(embed([tiny.texts(("a", "H\none"))], base, EmbedOptions(k=(1,), max_length=64))))
    assert rows[0]["vector"] != pytest.approx(plain[0]["vector"], abs=1e-2)


def test_attention_is_as_asked(folder: Path) -> None:
    found = {
        kind: load_model(resolve(str(folder)), replace(CPU, attention=kind))
        for kind in (Attention.EAGER, Attention.SDPA)
    }
    assert {kind: model.network.config._attn_implementation for kind, model in found.items()} == {
        Attention.EAGER: "eager",
        Attention.SDPA: "sdpa",
    }
    eager, sdpa = (model.network(torch.tensor([[1, 2, 3]])).logits for model in found.values())
    assert torch.allclose(eager, sdpa, atol=1e-5)


@pytest.mark.real
def test_the_built_in_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LLM4ES_CACHE")
    ref = resolve("smollm2-135m")
    assert (ref.n_layers, ref.dim, ref.context) == (30, 576, 8192)
    model = load_model(ref, CPU)
    prompt = model.tokenizer("The capital of France is", return_tensors="pt")
    network: Any = model.network
    said = network.generate(**prompt, max_new_tokens=2, do_sample=False)[0, prompt["input_ids"].shape[1] :]
    assert model.tokenizer.decode(said).strip().startswith("Paris")
