"""A model folder that a test may spoil, a cache of its own, a hub that cannot be reached: fixtures of models' tests."""

import shutil
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model

from llm4es.core.quiet import quiet
from llm4es.models import load_model
from llm4es.models.resolve import resolve
from llm4es.options import Device, LoadOptions

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
