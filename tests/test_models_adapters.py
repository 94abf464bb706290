"""Tuned models of the store: adapters on their bases, and full weights."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from llm4es.core.errors import ModelError
from llm4es.models import load_model
from llm4es.models.ref import StoredModel
from llm4es.models.resolve import resolve

from . import tiny
from .models import CPU, adapter, cache, folder, made

__all__ = ["cache", "folder", "made"]  # fixtures


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
