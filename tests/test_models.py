import importlib.util
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import PreTrainedModel

from llm4es.core.errors import ModelError
from llm4es.core.quiet import quiet
from llm4es.embed import embed
from llm4es.models import devices, folders, hub, load_model, pull
from llm4es.models.ref import StoredModel, effective_k, space_fingerprint, space_name
from llm4es.models.resolve import resolve
from llm4es.options import Attention, Device, Dtype, EmbedOptions, LoadIn, LoadOptions

from . import tiny

CPU = LoadOptions(device=Device.CPU)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of this test's own, and a Hugging Face hub that cannot be reached."""
    monkeypatch.setenv("LLM4ES_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:1")
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.save(tmp_path_factory.mktemp("made") / "mine", "llama")


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A model folder that a test may spoil."""
    return Path(shutil.copytree(made, tmp_path / "mine"))


def adapter(to: Path, base: Path, scale: float) -> Path:
    """A LoRA of which every weight is ``scale``."""
    network = load_model(resolve(str(base)), CPU).network
    with quiet():
        tuned = get_peft_model(network, LoraConfig(r=2, target_modules=["q_proj", "v_proj"]))
    with torch.no_grad():
        for name, parameter in tuned.named_parameters():
            if "lora_" in name:
                parameter.fill_(scale)
    tuned.save_pretrained(str(to))
    return to


def test_a_local_folder(folder: Path) -> None:
    ref = resolve(str(folder))
    assert (ref.name, ref.base, ref.folder, ref.adapter) == ("mine", "mine", folder, None)
    assert (ref.n_layers, ref.dim, ref.context, ref.revision) == (4, 32, 256, None)
    assert len(ref.fingerprint) == 64


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_sizes_of_architectures(architecture: str, tmp_path: Path) -> None:
    ref = resolve(str(tiny.save(tmp_path / "m", architecture)))
    assert (ref.n_layers, ref.dim, ref.context) == (4, 32, 256)
    model = load_model(ref, CPU)
    assert model.network(torch.tensor([[1, 2, 3]])).logits.shape == (1, 3, 258)


def test_sizes_of_a_model_that_also_sees(folder: Path) -> None:
    config = {"model_type": "seeing", "text_config": {"num_hidden_layers": 3, "hidden_size": 8}}
    (folder / "config.json").write_text(json.dumps(config))
    ref = resolve(str(folder))
    assert (ref.n_layers, ref.dim, ref.context) == (3, 8, folders.UNBOUNDED)


def test_finding_a_model_imports_nothing_heavy(folder: Path) -> None:
    code = (
        "import sys; from llm4es.models.resolve import resolve; from llm4es.models.ref import space_name; "
        "from llm4es.options import LoadOptions;"
        f"ref = resolve({str(folder)!r}); print(space_name(ref, LoadOptions()));"
        "print(sorted({'torch', 'transformers', 'sklearn', 'peft', 'huggingface_hub'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["mine", "[]"]


def test_the_fingerprint_follows_what_moves_a_vector(folder: Path) -> None:
    before = resolve(str(folder)).fingerprint
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "transformers_version": "0", "use_cache": False}))
    assert resolve(str(folder)).fingerprint == before
    (folder / "config.json").write_text(json.dumps({**config, "rms_norm_eps": 1e-3}))
    assert resolve(str(folder)).fingerprint != before
    (folder / "config.json").write_text(json.dumps(config))
    tokenizer = (folder / "tokenizer.json").read_text()
    (folder / "tokenizer.json").write_text(tokenizer + " ")
    assert resolve(str(folder)).fingerprint != before
    (folder / "tokenizer.json").write_text(tokenizer)
    assert resolve(str(folder)).fingerprint == before
    tensors = load_file(folder / "model.safetensors")
    tensors["model.norm.weight"] += 1
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    assert resolve(str(folder)).fingerprint != before


def test_weights_are_hashed_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = resolve(str(folder))
    monkeypatch.setattr(folders, "file_hash", lambda path: pytest.fail(f"{path} was read again"))
    assert resolve(str(folder)) == first


def test_a_cache_that_cannot_be_written_is_done_without(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "file").write_text("")
    monkeypatch.setenv("LLM4ES_CACHE", str(folder / "file"))
    assert len(resolve(str(folder)).fingerprint) == 64


def test_names_of_spaces(folder: Path) -> None:
    ref = resolve(str(folder))
    names = {
        space_name(ref, CPU): "mine",
        space_name(ref, replace(CPU, load_in=LoadIn.INT8)): "mine+8bit",
        space_name(ref, replace(CPU, dtype=Dtype.BFLOAT16)): "mine+bfloat16",
        space_name(ref, replace(CPU, load_in=LoadIn.NF4, dtype=Dtype.FLOAT16)): "mine+4bit+float16",
        space_name(ref, replace(CPU, dtype=Dtype.FLOAT32)): "mine",
    }
    assert all(name == expected for name, expected in names.items())
    prints = [space_fingerprint(ref, options) for options in (CPU, replace(CPU, load_in=LoadIn.INT8))]
    assert len(set(prints)) == 2
    assert space_fingerprint(ref, replace(CPU, dtype=Dtype.FLOAT32)) == prints[0]


def test_two_spaces_never_share_a_name(folder: Path) -> None:
    ref = resolve(str(folder))
    own = space_fingerprint(ref, CPU)
    assert space_name(ref, CPU, {"mine": own}) == "mine"
    assert space_name(ref, CPU, {"mine": "another"}) == f"mine#{own[:8]}"


def test_effective_k() -> None:
    assert effective_k((1, 8, 0, 30, 99, 1), 30) == (1, 8, 30)


# what is no model


def test_a_folder_that_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(
        ModelError, match=r"is no model folder \(no config\.json\): give the folder that save_pretrained"
    ):
        resolve(str(tmp_path))


@pytest.mark.parametrize("name", ["/nowhere/model", "./model", "~/no/such/model", "a b", "x/y/z"])
def test_no_such_folder(name: str) -> None:
    with pytest.raises(
        ModelError, match=r"no model folder at .*: give a folder, a \.gguf file, .* one of smollm2-135m"
    ):
        resolve(name)


def test_no_such_gguf() -> None:
    with pytest.raises(ModelError, match=r"no file at .*model\.gguf: give the path of a \.gguf file that is there"):
        resolve("/nowhere/model.gguf")


def test_a_gguf_that_is_none(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(b"GGUF, it says")
    with pytest.raises(ModelError, match=r"model\.gguf cannot be read as a GGUF model \(.*\): fetch it again"):
        resolve(str(tmp_path / "model.gguf"))
    assert [path.name for path in (cache / "models").iterdir() if not path.name.endswith(".lock")] == []


def test_a_gguf_is_dequantised_once(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Path] = []

    def convert(file: Path, to: Path) -> None:
        calls.append(file)
        shutil.copytree(folder, to)

    monkeypatch.setattr("llm4es.models.gguf._convert", convert)
    source = tmp_path / "tiny-q4.gguf"
    source.write_bytes(b"GGUF")
    first = resolve(str(source))
    assert resolve(str(source)) == first
    assert calls == [source]
    assert first.name == "tiny-q4"
    source.write_bytes(b"GGUF of other weights")
    assert resolve(str(source)).folder != first.folder


def test_pickled_weights_are_refused(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"has no safetensors weights, only pickled ones \(pytorch_model\.bin\)"):
        resolve(str(folder))


def test_no_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"has no safetensors weights, none at all: save them with safe_serialization"):
        resolve(str(folder))


@pytest.mark.parametrize("keep", [4, 200, 5000])
def test_a_half_downloaded_file(folder: Path, keep: int) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(ModelError, match=r"model\.safetensors is cut short or damaged: fetch the model again"):
        resolve(str(folder))


def test_a_missing_shard(folder: Path) -> None:
    index = {"weight_map": {"a": "model.safetensors", "b": "model-2.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ModelError, match=r"lacks model-2\.safetensors, which its index names: fetch the model again"):
        resolve(str(folder))
    (folder / "model.safetensors.index.json").write_text("{}")
    with pytest.raises(ModelError, match=r"index\.json names no files of weights: fetch the model again"):
        resolve(str(folder))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"cannot read .*config\.json \(.*\): fetch the model again"),
        ("[]", r"config\.json holds no JSON object: fetch the model again"),
        ('{"model_type": "resnet"}', r"says no number of layers or no width: it is no language model's folder"),
        ('{"model_type": "t5", "is_encoder_decoder": true}', r"holds an encoder-decoder \(t5\): give a decoder-only"),
    ],
)
def test_settings_of_no_decoder(folder: Path, text: str, message: str) -> None:
    (folder / "config.json").write_text(text)
    with pytest.raises(ModelError, match=message):
        resolve(str(folder))


# the hub


def test_a_model_that_is_not_here_and_no_network() -> None:
    with pytest.raises(ModelError, match=r"no model 'distilgpt2' here, .* cannot be reached \(.*\): give one of smoll"):
        resolve("distilgpt2")


def hub_snapshot(tmp_path: Path, made: Path) -> str:
    """Put a repository into the local hub cache as the hub's client would; the commit it is of."""
    commit = "0123456789012345678901234567890123456789"
    repository = tmp_path / "hub" / "models--owner--tiny"
    shutil.copytree(made, repository / "snapshots" / commit)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    return commit


def test_a_model_of_the_local_hub_cache(tmp_path: Path, made: Path) -> None:
    commit = hub_snapshot(tmp_path, made)
    ref = resolve("owner/tiny")
    assert (ref.name, ref.revision) == ("owner/tiny", commit)
    pinned = resolve(f"owner/tiny@{commit}")
    assert (pinned.name, pinned.fingerprint) == (f"owner/tiny@{commit}", ref.fingerprint)


def test_a_half_downloaded_snapshot_is_asked_for_again(tmp_path: Path, made: Path) -> None:
    commit = hub_snapshot(tmp_path, made)
    (tmp_path / "hub/models--owner--tiny/snapshots" / commit / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"owner/tiny is not whole \(.*\): fetch it where the hub can be reached"):
        resolve("owner/tiny")


def test_pull_asks_the_hub(tmp_path: Path, made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    def download(identifier: str, **options: Any) -> str:
        asked.append({"id": identifier, **options})
        return str(made)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    assert pull("owner/tiny@v1").name == "owner/tiny@v1"
    assert [(call["id"], call["revision"], call.get("local_files_only", False)) for call in asked] == [
        ("owner/tiny", "v1", False)
    ]
    assert not any(fnmatch(name, pattern) for name in ("pytorch_model.bin", "model.pt") for pattern in hub.WANTED)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        ("RepositoryNotFoundError", r"no model 'owner/x' on the Hugging Face hub, or none for this token: give one of"),
        ("RevisionNotFoundError", r"owner/x has no revision v9: look it up on huggingface\.co/owner/x"),
    ],
)
def test_what_the_hub_has_not(error: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import httpx2
    from huggingface_hub import errors

    def download(*_: Any, **__: Any) -> str:
        raise getattr(errors, error)("no", response=httpx2.Response(404, request=httpx2.Request("GET", "http://hub")))

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    with pytest.raises(ModelError, match=message):
        pull("owner/x@v9")


# loading


def test_load_is_ready_to_run(folder: Path) -> None:
    model = load_model(resolve(str(folder)))
    assert (model.name, model.dtype, model.device.type, model.network.training) == ("mine", torch.float32, "cpu", False)
    assert model.fingerprint == space_fingerprint(model.ref, LoadOptions())
    assert not any(parameter.requires_grad for parameter in model.network.parameters())


def test_load_in_bfloat16(folder: Path) -> None:
    model = load_model(resolve(str(folder)), replace(CPU, dtype=Dtype.BFLOAT16))
    assert (model.name, model.dtype) == ("mine+bfloat16", torch.bfloat16)
    assert next(model.network.parameters()).dtype == torch.bfloat16


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


def test_an_adapter_is_applied(folder: Path, tmp_path: Path) -> None:
    base = resolve(str(folder))
    stored = {
        "tuned": StoredModel("tuned", adapter(tmp_path / "a", folder, 0.1), "lora", str(folder), base.fingerprint)
    }
    ref = resolve("tuned", stored)
    assert (ref.name, ref.base, ref.folder, ref.adapter) == ("tuned", "mine", folder, tmp_path / "a")
    assert ref.fingerprint != base.fingerprint
    ids = torch.tensor([[1, 2, 3]])
    plain, tuned = load_model(base, CPU).network(ids).logits, load_model(ref, CPU).network
    assert not torch.allclose(plain, tuned(ids).logits)
    assert not any("lora" in name for name, _ in tuned.named_parameters())


def test_an_adapter_that_changes_nothing(folder: Path, tmp_path: Path) -> None:
    stored = {"tuned": StoredModel("tuned", adapter(tmp_path / "a", folder, 0.0), "lora", str(folder))}
    with pytest.raises(ModelError, match=r"the LoRA in .* changes nothing in mine: tune it again, for more steps"):
        load_model(resolve("tuned", stored), CPU)


def test_an_adapter_of_other_sizes(folder: Path, tmp_path: Path) -> None:
    made = adapter(tmp_path / "a", folder, 0.1)
    tensors = {name: torch.zeros(2, 7) for name in load_file(made / "adapter_model.safetensors")}
    save_file(tensors, made / "adapter_model.safetensors")
    with pytest.raises(ModelError, match=r"the LoRA in .* does not fit mine: give the base that it was tuned on"):
        load_model(resolve("tuned", {"tuned": StoredModel("tuned", made, "lora", str(folder))}), CPU)


def test_an_adapter_of_another_architecture(folder: Path, tmp_path: Path) -> None:
    made, other = adapter(tmp_path / "a", folder, 0.1), tiny.save(tmp_path / "gpt2", "gpt2")
    with pytest.raises(ModelError, match=r"the LoRA in .* does not fit gpt2: give the base that it was tuned on"):
        load_model(resolve("tuned", {"tuned": StoredModel("tuned", made, "lora", str(other))}), CPU)


def test_an_adapter_that_lacks_weights(folder: Path, tmp_path: Path) -> None:
    made = adapter(tmp_path / "a", folder, 0.1)
    tensors = load_file(made / "adapter_model.safetensors")
    save_file(dict(list(tensors.items())[:3]), made / "adapter_model.safetensors")
    with pytest.raises(ModelError, match=r"the LoRA in .* does not fit mine"):
        load_model(resolve("tuned", {"tuned": StoredModel("tuned", made, "lora", str(folder))}), CPU)


def test_a_base_that_is_another_one_now(folder: Path, tmp_path: Path) -> None:
    stored = {"tuned": StoredModel("tuned", adapter(tmp_path / "a", folder, 0.1), "lora", str(folder), "0" * 64)}
    with pytest.raises(ModelError, match=r"tuned was tuned on another mine than the one found here: tune it again"):
        resolve("tuned", stored)


def test_an_adapter_on_an_adapter(folder: Path, tmp_path: Path) -> None:
    made = adapter(tmp_path / "a", folder, 0.1)
    stored = {
        "one": StoredModel("one", made, "lora", str(folder)),
        "two": StoredModel("two", made, "lora", "one"),
    }
    with pytest.raises(ModelError, match=r"two was tuned on one, itself a LoRA: tune mine or full weights instead"):
        resolve("two", stored)


def test_no_adapter(folder: Path) -> None:
    with pytest.raises(ModelError, match=r"is no adapter folder \(no adapter_config\.json\): tune the model again"):
        resolve("tuned", {"tuned": StoredModel("tuned", folder, "lora", str(folder))})


def test_full_weights_of_the_store(folder: Path) -> None:
    ref = resolve("tuned", {"tuned": StoredModel("tuned", folder, "full", "smollm2-135m")})
    assert (ref.name, ref.base, ref.folder, ref.adapter) == ("tuned", "smollm2-135m", folder, None)


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


# devices


def test_a_machine_without_a_driver_is_a_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "DRIVERS", ())
    assert devices.device_name(LoadOptions()) == "cpu"
    assert devices.number_format(LoadOptions()) == "float32"
    with pytest.raises(ModelError, match=r"--device cuda: torch sees no CUDA device here; give --device cpu"):
        devices.device_name(LoadOptions(device=Device.CUDA))


def test_a_cuda_machine_computes_in_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "DRIVERS", (os.devnull,))
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.is_bf16_supported", lambda: True)
    assert devices.device_name(LoadOptions()) == "cuda"
    assert devices.number_format(LoadOptions()) == "bfloat16"
    monkeypatch.setattr("torch.cuda.is_bf16_supported", lambda: False)
    assert devices.number_format(LoadOptions()) == "float32"
    assert devices.number_format(LoadOptions(device=Device.CPU)) == "float32"


def test_flash_attention_is_taken_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    flash = replace(CPU, attention=Attention.FLASH)
    with pytest.raises(ModelError, match=r"--attention flash_attention_2 needs flash-attn, which is not installed"):
        devices.attention_name(flash)
    assert devices.attention_name(CPU) is None
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *rest: object())
    assert devices.attention_name(CPU) is None
    assert devices.attention_name(flash) == "flash_attention_2"
    monkeypatch.setattr(devices, "device_name", lambda options: "cuda")
    assert devices.attention_name(replace(CPU, dtype=Dtype.BFLOAT16)) == "flash_attention_2"
    assert devices.attention_name(replace(CPU, dtype=Dtype.FLOAT32)) is None


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


@pytest.mark.skipif(sys.platform == "darwin", reason="an Apple GPU may be there")
def test_no_apple_gpu() -> None:
    with pytest.raises(ModelError, match=r"--device mps: torch sees no Apple GPU here; give --device cpu"):
        devices.device_name(LoadOptions(device=Device.MPS))


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
