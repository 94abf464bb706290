"""Networks that read in both directions: every k equals the plain forward pass of transformers."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from llm4es.core.errors import ModelError
from llm4es.embed import embed
from llm4es.models import load_model, resolve
from llm4es.models.architecture import check_predicts, is_encoder
from llm4es.options import EmbedOptions, History

from . import encoders, tiny
from .encoders import TEXTS


@pytest.mark.parametrize("kind", encoders.ENCODERS)
def test_every_k_is_the_plain_forward_pass(kind: str, tmp_path: Path) -> None:
    folder = encoders.save(tmp_path / "mine", kind)
    ref = resolve(str(folder))
    assert (ref.encoder, ref.n_layers, ref.dim, ref.context) == (True, 4, 32, 256)
    made = embed([tiny.texts(*enumerate_texts())], load_model(ref), EmbedOptions(k=(1, 2, 0), max_length=256))
    found = tiny.rows(list(made))
    network, tokenizer = AutoModel.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    for i, text in enumerate(TEXTS):
        with torch.no_grad():
            states = network(**tokenizer(text, return_tensors="pt"), output_hidden_states=True).hidden_states[1:]
        for row, k in zip(found[3 * i : 3 * i + 3], (1, 2, 4), strict=True):
            plain = torch.stack(states[-k:]).mean(0)[0].mean(0).numpy()  # (D)
            assert np.abs(np.array(row["vector"]) - plain).max() <= 1e-5 * np.abs(plain).max(), f"k={k}"


def enumerate_texts() -> list[tuple[str, str]]:
    return [(f"e{i}", text) for i, text in enumerate(TEXTS)]


@pytest.mark.parametrize("kind", ["roberta", "mpnet", "bert"])
def test_as_many_tokens_as_there_are_positions_for(kind: str, tmp_path: Path) -> None:
    model = load_model(resolve(str(encoders.save(tmp_path / "mine", kind))))
    long = tiny.texts(("a", "x" * 300), events=False)
    (row,) = tiny.rows(list(embed([long], model, EmbedOptions(k=(1,), max_length=256, history=History.OLDEST))))
    assert row["n_tokens"] == 256
    with pytest.raises(ModelError, match=re.escape("--max-length 257 is above the context of mine: give 256 or less")):
        list(embed([long], model, EmbedOptions(k=(1,), max_length=257)))


def test_what_settings_say_of_the_direction() -> None:
    assert is_encoder({"model_type": "bert", "architectures": ["BertForMaskedLM"]})
    assert not is_encoder({"model_type": "bert", "architectures": ["BertLMHeadModel"], "is_decoder": True})
    assert is_encoder({"model_type": "qwen2", "is_causal": False})
    assert not is_encoder({"model_type": "qwen3", "architectures": ["Qwen3Model"]})
    assert not is_encoder({"model_type": "gemma3", "text_config": {"use_bidirectional_attention": "vision"}})
    assert is_encoder({"model_type": "gemma3", "text_config": {"use_bidirectional_attention": True}})
    assert is_encoder({"model_type": "new", "architectures": ["NewForMaskedLM"]})
    assert not is_encoder({"model_type": "new", "architectures": "NewForMaskedLM"})


def test_encoders_predict_nothing(tmp_path: Path) -> None:
    ref = resolve(str(encoders.save(tmp_path / "mine", "bert")))
    with pytest.raises(
        ModelError, match=r"mine is an encoder: it embeds, predicts no next token and so cannot be tuned"
    ):
        check_predicts(ref, "tuned")
    assert not load_model(ref).has_head
