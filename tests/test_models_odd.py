"""Settings, headers and tokenizers that make no sense are one line each, whoever reads them first."""

import json
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from llm4es import Project
from llm4es.core.errors import ModelError
from llm4es.models import StoredModel, load_model, resolve

from .models import CPU, cache, folder, made

__all__ = ["cache", "folder", "made"]  # fixtures

INFINITE = [float("-inf"), float("inf")]
DEEP = '{"a":' + "[" * 100_000 + "]" * 100_000 + "}"


def settings(folder: Path, changed: dict[str, object], name: str = "config.json") -> None:
    """Change settings in a file of the folder."""
    read = json.loads((folder / name).read_text())
    (folder / name).write_text(json.dumps({**read, **changed}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("num_hidden_layers", "six"),
        ("num_hidden_layers", 0),
        ("num_hidden_layers", -3),
        ("num_hidden_layers", [4]),
        ("num_hidden_layers", True),
        ("num_hidden_layers", 10**12),
        ("hidden_size", "wide"),
        ("max_position_embeddings", -1),
        ("text_config", {"hidden_size": 0}),
    ],
)
def test_sizes_that_are_none(folder: Path, name: str, value: object) -> None:
    settings(folder, {name: value})
    with pytest.raises(ModelError, match=r"config\.json says \w+ .*, which is no number from \d+ to \d+: fetch"):
        resolve(str(folder))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("text_config", [1]),
        ("vocab_size", "a"),
        ("num_attention_heads", 0),
        ("intermediate_size", -1),
        ("model_type", ["llama"]),
        ("hidden_act", "nope"),
        ("quantization_config", 5),
        ("auto_map", 5),
    ],
)
def test_settings_that_the_library_stumbles_over(folder: Path, name: str, value: object) -> None:
    settings(folder, {name: value})
    with pytest.raises(ModelError, match=r"cannot load mine from .* \(.*\): fetch or save it again") as error:
        load_model(resolve(str(folder)), CPU)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [DEEP, "{", "[]", ""])
@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"])
def test_files_that_are_no_json(folder: Path, name: str, content: str) -> None:
    (folder / name).write_text(content)
    with pytest.raises(ModelError, match=r"(fetch the model|fetch or save it) again") as error:
        load_model(resolve(str(folder)), CPU)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"text_config": [1]}, "config.json"),
        ({"text_config": "x"}, "config.json"),
        ({"model_type": ["llama"]}, "config.json"),
        ({"additional_special_tokens": 5}, "tokenizer_config.json"),
        ({"hidden_act": "\ud800"}, "config.json"),
    ],
)
def test_what_planning_reads_as_well(project: Project, folder: Path, changed: dict[str, object], name: str) -> None:
    """A plan of the second day reads the settings before any library does."""
    project.serialize()
    project.embed(str(folder), k=1, max_length=64)
    settings(folder, changed, name)
    with pytest.raises(ModelError, match=r"cannot load mine from|make no sense") as error:
        project.embed(str(folder), k=1, max_length=64)
    assert "\n" not in str(error.value)


def test_settings_without_end(folder: Path) -> None:
    """Mamba 2's ``time_step_limit``, as older libraries saved it."""
    before = resolve(str(folder))
    settings(folder, {"time_step_limit": INFINITE})
    assert "-Infinity" in (folder / "config.json").read_text()
    assert load_model(resolve(str(folder)), CPU).ref.fingerprint != before.fingerprint


def header(text: str, weights: bytes = b"1234") -> bytes:
    return struct.pack("<Q", len(text)) + text.encode() + weights


def entry(offsets: str, shape: str = "[1]") -> str:
    return f'{{"a": {{"dtype": "F32", "shape": {shape}, "data_offsets": {offsets}}}}}'


@pytest.mark.parametrize(
    "content",
    [
        b"",
        struct.pack("<Q", 2**63) + b"{}",
        header(DEEP),
        header("[]"),
        header(entry('["0", "x"]')),
        header(entry("[0, 1e400]")),
        header(entry("[0, 400000]")),
    ],
)
def test_headers_that_are_none(folder: Path, content: bytes) -> None:
    (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(ModelError, match=r"model\.safetensors is cut short or damaged: fetch the model again"):
        resolve(str(folder))


@pytest.mark.parametrize("text", [entry("[-4, 4]"), entry("[0, 4]", "[7]")])
def test_headers_that_fit_by_length_alone(folder: Path, text: str) -> None:
    (folder / "model.safetensors").write_bytes(header(text))
    with pytest.raises(ModelError, match=r"cannot load mine from .*deserializing header.*: fetch or save it again"):
        load_model(resolve(str(folder)), CPU)


def test_weights_in_whole_numbers(folder: Path) -> None:
    """A header that says I32 of the bytes of F32: they would be taken for numbers around 10^9."""
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content.replace(b'"F32"', b'"I32"', 1))
    with pytest.raises(ModelError, match=r"has whole numbers \(I32\) in \S+\.weight, .* no quantization: fetch the"):
        resolve(str(folder))


@pytest.mark.parametrize("name", [5, "model.bin", ["a.safetensors"]])
def test_files_of_weights_that_are_none(folder: Path, name: object) -> None:
    settings(folder, {"transformers_weights": name})
    with pytest.raises(ModelError, match=r"says transformers_weights .*: name a file of safetensors in the folder"):
        resolve(str(folder))


def no_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


def slow_code(folder: Path) -> None:
    settings(folder, {"tokenizer_class": "X", "auto_map": {"AutoTokenizer": ["x.X", None]}}, "tokenizer_config.json")


def broken_frame(folder: Path) -> None:
    single = [{"SpecialToken": {"id": "<gone>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]
    frame = {"type": "TemplateProcessing", "single": single, "pair": single, "special_tokens": {}}
    settings(folder, {"post_processor": frame}, "tokenizer.json")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (no_tokenizer, r"mine has no tokenizer with a fast version: save a fast one \(tokenizer\.json\) into .*mine"),
        (slow_code, r"mine brings code of its own, which is not run: give --trust-remote-code"),
        (broken_frame, r"(the tokenizer of mine does not work|cannot load mine from) .*: fetch or save it again"),
    ],
)
def test_tokenizers_that_are_none(folder: Path, spoil: Callable[[Path], None], message: str) -> None:
    spoil(folder)
    with pytest.raises(ModelError, match=message):
        load_model(resolve(str(folder)), CPU)


def test_an_adapter_beside_full_weights(folder: Path) -> None:
    """transformers would put the one on the other, or load the other's base, without a word."""
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "/bases/mine"}')
    with pytest.raises(ModelError, match=r"holds an adapter \(adapter_config\.json\) and full weights.*: move"):
        resolve(str(folder))
    (folder / "model.safetensors").rename(folder / "adapter_model.safetensors")
    with pytest.raises(ModelError, match=r"mine is a LoRA on /bases/mine, not a model: merge them \(peft: "):
        resolve(str(folder))


def test_a_base_that_is_gone(folder: Path) -> None:
    (folder / "adapter_config.json").write_text("{}")
    (folder / "model.safetensors").rename(folder / "adapter_model.safetensors")
    tuned = StoredModel("tuned", folder, "lora", "/bases/mine")
    with pytest.raises(ModelError, match=r"tuned was tuned from /bases/mine, which is gone: put it back there"):
        resolve("tuned", {"tuned": tuned})
    tuned = StoredModel("tuned", folder, "lora", str(folder))
    with pytest.raises(ModelError, match=r"tuned was tuned from .*mine, which is not to be had \(.*is a LoRA on"):
        resolve("tuned", {"tuned": tuned})
