"""The fingerprint is of the weights that are read, whichever of a folder's files that are."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from llm4es.models import load_model, resolve
from llm4es.models.weight_files import weight_files

from . import tiny
from .models import CPU, cache, folder, made

__all__ = ["cache", "folder", "made"]  # fixtures


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """The weights of another model."""
    return tiny.save(tmp_path / "other", seed=1) / "model.safetensors"


def same(one: Path, two: Path) -> bool:
    networks = [load_model(resolve(str(folder)), CPU).network for folder in (one, two)]
    first, second = (network.state_dict()["model.embed_tokens.weight"] for network in networks)
    return torch.equal(first, second)


def test_a_file_that_the_settings_name(folder: Path, other: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "transformers_weights": "best.safetensors"}))
    shutil.copyfile(folder / "model.safetensors", folder / "best.safetensors")
    before = resolve(str(folder)).fingerprint
    shutil.copyfile(other, folder / "best.safetensors")
    assert resolve(str(folder)).fingerprint != before
    assert same(folder, other.parent)


def test_one_file_beside_the_index_of_others(folder: Path, other: Path) -> None:
    tiny.network("llama", seed=2).save_pretrained(other.parent, max_shard_size="30KB")
    for part in other.parent.glob("model-*"):
        shutil.copy(part, folder)
    shutil.copy(other.parent / "model.safetensors.index.json", folder)
    assert [file.name for file in weight_files(folder, "model")] == ["model.safetensors"]
    before = resolve(str(folder)).fingerprint
    tiny.save(other.parent, seed=1)
    shutil.copyfile(other, folder / "model.safetensors")
    assert resolve(str(folder)).fingerprint != before
    assert same(folder, other.parent)


def test_a_folder_in_parts_reads_all_of_them(folder: Path) -> None:
    whole = load_model(resolve(str(folder)), CPU).network
    shutil.rmtree(folder)
    whole.save_pretrained(folder, max_shard_size="30KB")
    tiny.byte_tokenizer().save_pretrained(folder)
    parts = weight_files(folder, "model")
    assert len(parts) > 1
    before = resolve(str(folder)).fingerprint
    tiny.network("llama", seed=1).save_pretrained(folder, max_shard_size="30KB")
    assert weight_files(folder, "model") == parts
    assert resolve(str(folder)).fingerprint != before
