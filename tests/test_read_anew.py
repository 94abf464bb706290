"""Vectors that were not those of the plain forward pass are made anew, once, and no others."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM, MambaConfig, Phi3Config, PhimoeConfig

from llm4es import Project
from llm4es.core.quiet import quiet
from llm4es.models.wrong_before import wrong_before
from llm4es.project import embed as step

from . import tiny
from .heard import Heard

SIZES: dict[str, Any] = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 4, **tiny.SIZES}


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def shop(project: Project, place: Path, heard: Heard) -> Project:
    made = Project(place / "shop" / "shop.toml", place / "store", observer=heard)
    made.serialize()
    return made


@pytest.fixture
def mamba(tmp_path: Path) -> Path:
    auto: Any = AutoModelForCausalLM
    torch.manual_seed(0)
    with quiet():
        auto.from_config(MambaConfig(**SIZES, state_size=8), dtype=torch.float32).save_pretrained(tmp_path / "mamba")
        tiny.byte_tokenizer().save_pretrained(tmp_path / "mamba")
    return tmp_path / "mamba"


def computed(project: Project, model: Path, patch: pytest.MonkeyPatch, *, before: bool = False, k: Any = (1, 2)) -> int:
    """Vectors that a run computes; ``before``: one of a time that kept no word of states."""
    embed: Any = project.embed
    with patch.context() as then:
        if before:
            then.setattr(step, "STATES", "note")
        return int(embed(model=str(model), k=k, max_length=64).computed)


def test_mamba_from_two_layers_on(shop: Project, mamba: Path, heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    everything = computed(shop, mamba, monkeypatch, before=True)
    heard.since()
    assert computed(shop, mamba, monkeypatch) == everything  # k = 1 comes from the same pass
    told = heard.since()
    assert "vectors of mamba from k = 2 on were not those of its own forward pass (its list of hidden states" in told
    assert "moved" not in told
    assert computed(shop, mamba, monkeypatch) == 0


def test_of_mamba_one_layer_was_right(shop: Project, mamba: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert computed(shop, mamba, monkeypatch, before=True, k=1) == computed(shop, mamba, monkeypatch)
    assert computed(shop, mamba, monkeypatch, k=1) == 0


def test_another_k_than_the_wrong_ones(
    shop: Project, mamba: Path, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = computed(shop, mamba, monkeypatch, before=True, k=(1, 2, 3))
    heard.since()
    assert computed(shop, mamba, monkeypatch, k=1) == 0  # it was right
    told = heard.since()
    assert "vectors of mamba at k = 2,3 were not" in told
    assert "embed with --k 2,3 to make them anew" in told
    assert computed(shop, mamba, monkeypatch, k=(2, 3)) == everything // 3 * 2
    heard.since()
    assert computed(shop, mamba, monkeypatch, k=1) == everything // 3  # an entity's vectors go together
    assert "were not" not in heard.since()


def test_texts_within_the_window_were_right(
    shop: Project, tmp_path: Path, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    auto: Any = AutoModelForCausalLM
    sizes = [len(text.encode()) for text in shop.sql("SELECT text FROM texts").to_arrow()["text"].to_pylist()]
    window = sorted(sizes)[len(sizes) // 2]  # a token a byte
    longer = sum(size > window for size in sizes)
    config = PhimoeConfig(
        **SIZES, num_attention_heads=4, num_key_value_heads=2, num_local_experts=2, sliding_window=window
    )
    with quiet():
        auto.from_config(config, dtype=torch.float32).save_pretrained(tmp_path / "phimoe")
        tiny.byte_tokenizer().save_pretrained(tmp_path / "phimoe")
    embed: Any = shop.embed
    with monkeypatch.context() as then:
        then.setattr(step, "STATES", "note")
        embed(model=str(tmp_path / "phimoe"), k=1, max_length=256)
    assert 0 < longer < len(sizes)
    assert embed(model=str(tmp_path / "phimoe"), k=1, max_length=256).computed == longer


def test_what_was_right_stays(shop: Project, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert computed(shop, model, monkeypatch, before=True) > 0
    assert computed(shop, model, monkeypatch) == 0


def test_a_window_that_no_text_fills_left_nothing_out(tmp_path: Path) -> None:
    PhimoeConfig(sliding_window=128).save_pretrained(tmp_path)
    assert wrong_before(tmp_path, 128) is None
    wrong = wrong_before(tmp_path, 129)
    assert wrong is not None
    assert (wrong.from_k, wrong.above) == (1, 128)


def test_positions_that_the_longest_text_turned(tmp_path: Path) -> None:
    rope = {"rope_type": "longrope", "rope_theta": 1e4, "short_factor": [1.0] * 48, "long_factor": [2.0] * 48}
    lengths: dict[str, Any] = {"max_position_embeddings": 8192, "original_max_position_embeddings": 4096}
    Phi3Config(**lengths, rope_parameters={**rope, **lengths}).save_pretrained(tmp_path)
    assert wrong_before(tmp_path, 4096) is None
    assert wrong_before(tmp_path, 4097) is not None


@pytest.mark.parametrize(
    ("kind", "from_k"),
    [("bert", None), ("bert-generation", 1), ("rwkv", 2), ("xlnet", 2), ("gpt2", None), ("gemma4_unified_text", None)],
)
def test_kinds(kind: str, from_k: int | None, tmp_path: Path) -> None:
    AutoConfig.for_model(kind).save_pretrained(tmp_path)
    wrong = wrong_before(tmp_path, 512)
    assert (wrong.from_k if wrong else None) == from_k
