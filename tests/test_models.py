"""Models by name: where they are, their sizes and fingerprints, and what is no model."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from llm4es.core.errors import ModelError
from llm4es.models import folders, load_model
from llm4es.models.ref import effective_k, space_fingerprint, space_name
from llm4es.models.resolve import resolve
from llm4es.options import Dtype, LoadIn

from . import tiny
from .models import CPU, cache, folder, made

__all__ = ["cache", "folder", "made"]  # fixtures


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
    monkeypatch.setattr("llm4es.models.cached_hash.file_hash", lambda path: pytest.fail(f"{path} was read again"))
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
        ModelError, match=r"no model folder at .*: give a folder, a \.gguf file, .* one of all-minilm-l6-v2, smollm"
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
    with pytest.raises(ModelError, match=r"lacks the file model-2\.safetensors: fetch the model again"):
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
        ('{"model_type": "t5", "is_encoder_decoder": true}', r"holds an encoder-decoder \(t5\): give a decoder or"),
    ],
)
def test_settings_of_no_decoder(folder: Path, text: str, message: str) -> None:
    (folder / "config.json").write_text(text)
    with pytest.raises(ModelError, match=message):
        resolve(str(folder))
