"""What people are told of a tuning: whom it leaves behind, and which weights it leaves alone."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, GraniteMoeConfig

from llm4es import Project
from llm4es.core.errors import ModelError
from llm4es.core.quiet import quiet
from llm4es.models import load_model, resolve
from llm4es.models.lora import unreached, with_adapters
from llm4es.options import FinetuneOptions

from . import shop, tiny
from .heard import Heard
from .tuning import OPTIONS, bases, run

__all__ = ["bases"]  # a fixture


@pytest.fixture
def experts(tmp_path: Path) -> Path:
    """A model most of whose weights are experts, which are no linear layers."""
    config = GraniteMoeConfig(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        num_local_experts=4,
        num_experts_per_tok=2,
        max_position_embeddings=256,
        **tiny.SIZES,
    )
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path / "experts")
    tiny.byte_tokenizer().save_pretrained(tmp_path / "experts")
    return tmp_path / "experts"


def left(model: Path) -> tuple[float, list[str]]:
    """What adapters do not reach."""
    network = load_model(resolve(str(model))).network
    with quiet():
        return unreached(with_adapters(network, FinetuneOptions()))


def test_the_share_that_no_adapter_reaches(experts: Path) -> None:
    """A layer has 3,072 weights of attention, 24,576 of experts and 128 of the router."""
    share, names = left(experts)
    assert share == pytest.approx((24_576 + 128) / (3_072 + 24_576 + 128))
    assert [name.split(".")[-1] for name in names] == ["gate_up_proj", "down_proj", "weight"]


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_adapters_reach_every_linear_layer(bases: Path, architecture: str) -> None:
    assert left(bases / architecture) == (0.0, [])


def test_the_verdict_says_so(experts: Path, bases: Path, tmp_path: Path) -> None:
    short = replace(OPTIONS, steps=2)
    said = (
        " LoRA left 89% of the layers' weights as they were (block_sparse_moe.experts.gate_up_proj, ...): --method full"
    )
    assert said in run(experts, tmp_path / "tuned", short).verdict
    assert "LoRA left" not in run(bases / "llama", tmp_path / "other", short).verdict


def test_what_was_tuned_from_a_version_stays_on_it(place: Path, model: Path) -> None:
    """A new version beside the old one leaves alone what was tuned from that: an adapter still fits its base."""
    project = Project(shop.write(place / "shop"), place / "store", observer="silent")
    project.serialize()
    short: dict[str, Any] = {"steps": 2, "max_length": 64}
    project.finetune(str(model), name="first", method="full", **short)
    project.finetune("first", name="on-it", method="lora", **short)
    assert project.finetune(str(model), name="first", method="full", **{**short, "steps": 3}).what == "first@v2"
    assert project.embed("on-it", k=1, max_length=64).computed == 20
    assert project.finetune("first@v1", name="on-it", method="lora", **short).computed == 0
    assert project.finetune("first", name="on-it", method="lora", **short).what == "on-it@v2"  # its base is another now
    bases = project.sql("SELECT model, base FROM models WHERE model LIKE 'on-it%' ORDER BY 1").to_pandas()
    assert bases.to_numpy().tolist() == [["on-it", "first"], ["on-it@v2", "first@v2"]]
    seen = project.sql("SELECT DISTINCT model FROM exposures ORDER BY 1").to_pandas()
    assert seen["model"].tolist() == ["first", "first@v2", "on-it", "on-it@v2"]


def test_a_base_that_lies_elsewhere_now(place: Path, tmp_path: Path) -> None:
    """Asked for again with the new place, the same tuning trains nothing and makes the model usable again."""
    heard = Heard()
    project = Project(shop.write(place / "shop"), place / "store", observer=heard)
    project.serialize()
    base = tiny.save(tmp_path / "base")
    settings: dict[str, Any] = {"name": "mine", "method": "lora", "steps": 2, "max_length": 64}
    assert project.finetune(str(base), **settings).computed == 1
    assert project.embed("mine", k=1, max_length=64).computed == 20
    moved = base.rename(tmp_path / "elsewhere")
    with pytest.raises(ModelError, match=r"mine was tuned from .*base, which is gone: put it back there, or give"):
        project.embed("mine", k=1, max_length=64)
    assert project.finetune(str(moved), **settings, dry_run=True).computed == 0
    heard.since()
    assert project.finetune(str(moved), **settings).computed == 0
    assert heard.since() == f"finetune mine: its base is taken from {moved} now; {base} is gone"
    assert project.finetune(str(moved), **settings).computed == 0
    assert heard.since() == ""
    assert project.embed("mine", k=1, max_length=64).computed == 0
    assert project.sql("SELECT base, method, verdict <> '' AS told FROM models").to_pandas().to_numpy().tolist() == [
        [str(moved), "lora", True]
    ]
