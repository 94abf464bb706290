"""Vectors that were not those of the plain forward pass are made anew, once, and no others."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM, BloomConfig, MambaConfig, Phi3Config, PhimoeConfig

from llm4es import Project
from llm4es.core.quiet import quiet
from llm4es.embed import drift
from llm4es.embed.drift import canaries
from llm4es.models.load import Model
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


def canaries_of_before(model: Model) -> pa.RecordBatch:
    """The fixed texts' vectors, those of layers before the last turned round."""
    now = canaries(model)
    vectors = np.array(now["vector"].to_pylist(), np.float32)  # (texts, L * D)
    vectors[:, : -model.ref.dim] *= -1
    rows = [{**row, "vector": vector} for row, vector in zip(now.to_pylist(), vectors, strict=True)]
    return pa.RecordBatch.from_pylist(rows, schema=now.schema)


def computed(project: Project, model: Path, patch: pytest.MonkeyPatch, *, before: bool = False, k: Any = (1, 2)) -> int:
    """Vectors that a run computes; ``before``: one of a time that kept no word of states, and read them wrongly."""
    embed: Any = project.embed
    with patch.context() as then:
        if before:
            then.setattr(step, "STATES", "note")
            then.setattr(drift, "canaries", canaries_of_before)
            then.setenv("LLM4ES_CACHE", str(model.parent / "cache of before"))  # this program remembers nothing of then
        return int(embed(model=str(model), k=k, max_length=64).computed)


def test_mamba_from_two_layers_on(shop: Project, mamba: Path, heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    everything = computed(shop, mamba, monkeypatch, before=True)
    heard.since()
    assert computed(shop, mamba, monkeypatch) == everything  # k = 1 comes from the same pass
    told = heard.since()
    assert "vectors of mamba from k = 2 on were not those of its own forward pass (its list of hidden states" in told
    assert "moved" not in told
    assert computed(shop, mamba, monkeypatch) == 0


def test_of_mamba_one_layer_was_right(
    shop: Project, mamba: Path, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert computed(shop, mamba, monkeypatch, before=True, k=1) == computed(shop, mamba, monkeypatch)
    assert computed(shop, mamba, monkeypatch, k=1) == 0
    assert computed(shop, mamba, monkeypatch, k=3) > 0
    told = heard.since()
    assert "made anew" not in told
    assert "moved" not in told  # the fixed texts' vectors hold every layer


def test_what_moves_after_that_is_seen(
    shop: Project, mamba: Path, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed(shop, mamba, monkeypatch, before=True, k=1)
    computed(shop, mamba, monkeypatch)
    assert "moved" not in heard.since()
    with monkeypatch.context() as then:
        then.setattr(drift, "canaries", canaries_of_before)
        then.setenv("LLM4ES_CACHE", str(mamba.parent / "cache of another machine"))
        computed(shop, mamba, monkeypatch, k=3)
    assert "vectors of this model moved" in heard.since()


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
    assert wrong_before(tmp_path, 128, "float32") is None
    wrong = wrong_before(tmp_path, 129, "float32")
    assert wrong is not None
    assert (wrong.from_k, wrong.above) == (1, 128)


def test_positions_that_the_longest_text_turned(tmp_path: Path) -> None:
    rope = {"rope_type": "longrope", "rope_theta": 1e4, "short_factor": [1.0] * 48, "long_factor": [2.0] * 48}
    lengths: dict[str, Any] = {"max_position_embeddings": 8192, "original_max_position_embeddings": 4096}
    Phi3Config(**lengths, rope_parameters={**rope, **lengths}).save_pretrained(tmp_path)
    assert wrong_before(tmp_path, 4096, "float32") is None
    assert wrong_before(tmp_path, 4097, "float32") is not None


@pytest.mark.parametrize(
    ("kind", "from_k"),
    [("bert", None), ("bert-generation", 1), ("rwkv", 2), ("xlnet", 2), ("gpt2", None), ("gemma4_unified_text", None)],
)
def test_kinds(kind: str, from_k: int | None, tmp_path: Path) -> None:
    AutoConfig.for_model(kind).save_pretrained(tmp_path)
    wrong = wrong_before(tmp_path, 512, "float32")
    assert (wrong.from_k if wrong else None) == from_k


@pytest.mark.parametrize(
    ("kind", "dtype", "from_k"),
    [
        ("bloom", "bfloat16", 1),
        ("bloom", "float16", 1),
        ("bloom", "float32", None),
        ("xlnet", "bfloat16", 1),
        ("gpt2", "bfloat16", None),
    ],
)
def test_kinds_that_were_packed_in_sixteen_bits_alone(
    kind: str, dtype: str, from_k: int | None, tmp_path: Path
) -> None:
    AutoConfig.for_model(kind).save_pretrained(tmp_path)
    wrong = wrong_before(tmp_path, 512, dtype)
    assert (wrong.from_k if wrong else None) == from_k


def test_vectors_in_sixteen_bits_that_depended_on_their_company(
    shop: Project, tmp_path: Path, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    auto: Any = AutoModelForCausalLM
    with quiet():
        auto.from_config(
            BloomConfig(hidden_size=32, n_layer=4, n_head=4, **tiny.SIZES), dtype=torch.float32
        ).save_pretrained(tmp_path / "bloom")
        tiny.byte_tokenizer().save_pretrained(tmp_path / "bloom")
    embed: Any = shop.embed
    model = str(tmp_path / "bloom")
    made = {}
    with monkeypatch.context() as then:
        then.setattr(step, "STATES", "note")
        for dtype in ("float32", "bfloat16"):
            made[dtype] = embed(model=model, k=1, max_length=64, dtype=dtype).computed
    heard.since()
    assert embed(model=model, k=1, max_length=64, dtype="float32", dry_run=True).computed == 0
    planned = embed(model=model, k=1, max_length=64, dtype="bfloat16", dry_run=True)
    assert planned.reasons == {"read otherwise before": made["bfloat16"]}
    assert "(texts of a pass acted on each other in this number format)" in heard.since()
    assert embed(model=model, k=1, max_length=64, dtype="bfloat16").computed == made["bfloat16"]
    assert embed(model=model, k=1, max_length=64, dtype="bfloat16").computed == 0
