import importlib.util
import json
import warnings
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModel, AutoTokenizer

from llm4es.core.errors import ModelError, OptionError
from llm4es.embed import embed
from llm4es.embed.sentence_transformers import export
from llm4es.models import load_model
from llm4es.models.load import Model
from llm4es.models.resolve import resolve
from llm4es.options import EmbedOptions, LoadIn, LoadOptions, Pooling

from . import tiny

TEXTS = ["Header | b\nevent | 1\n", "Header | b\n" + "event | 2\n" * 7, "a <eos> | b"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return load_model(resolve(str(tiny.save(tmp_path_factory.mktemp("export") / "mine", "qwen2", bos=True))))


@pytest.mark.parametrize("k", [1, 3, 0])
def test_the_folder_holds_what_gives_the_same_vectors(model: Model, tmp_path: Path, k: int) -> None:
    """The modules' arithmetic, done here as sentence-transformers does it."""
    to = export(model, tmp_path / "out", k, Pooling.MEAN, 128)
    assert [module["path"] for module in json.loads((to / "modules.json").read_text())] == [
        "",
        "1_WeightedLayerPooling",
        "2_Pooling",
    ]
    network, tokenizer = AutoModel.from_pretrained(to), AutoTokenizer.from_pretrained(to)
    layers = json.loads((to / "1_WeightedLayerPooling" / "config.json").read_text())
    weights = load_file(to / "1_WeightedLayerPooling" / "model.safetensors")["layer_weights"]  # (k)
    batch = tokenizer(TEXTS, return_tensors="pt", padding=True)
    with torch.no_grad():
        states = torch.stack(network(**batch).hidden_states)[layers["layer_start"] :]  # (k, B, T, D)
    mixed = (weights[:, None, None, None] * states).sum(0) / weights.sum()  # (B, T, D)
    mask = batch["attention_mask"][..., None]  # (B, T, 1)
    pooled = (mixed * mask).sum(1) / mask.sum(1)  # (B, D)
    assert torch.allclose(pooled, ours(model, k), atol=1e-5)


def ours(model: Model, k: int, pooling: Pooling = Pooling.MEAN) -> torch.Tensor:
    rows = tiny.texts(*[(f"e{i}", text) for i, text in enumerate(TEXTS)])
    options = EmbedOptions(k=(k,), max_length=128, pooling=pooling)
    return torch.tensor([row["vector"] for row in tiny.rows(list(embed([rows], model, options)))])  # (B, D)


@pytest.mark.skipif(
    importlib.util.find_spec("sentence_transformers") is None, reason="sentence-transformers is not here"
)
@pytest.mark.parametrize("pooling", [Pooling.MEAN, Pooling.LAST])
@pytest.mark.parametrize("k", [1, 3, 0])
def test_sentence_transformers_gives_the_same_vectors(model: Model, tmp_path: Path, k: int, pooling: Pooling) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a library that is not ours
        from sentence_transformers import SentenceTransformer

        encoder = SentenceTransformer(str(export(model, tmp_path / "out", k, pooling, 128)), device="cpu")
        found = torch.as_tensor(encoder.encode(TEXTS))  # (B, D)
    assert torch.allclose(found, ours(model, k, pooling), atol=1e-5)


def test_what_cannot_be_exported(model: Model, tmp_path: Path) -> None:
    with pytest.raises(
        OptionError,
        match=r"--pooling content_mean: sentence-transformers has no such pooling; give mean, last or model",
    ):
        export(model, tmp_path / "out", 1, Pooling.CONTENT_MEAN, 128)
    quantised = replace(model, options=LoadOptions(load_in=LoadIn.INT8))
    with pytest.raises(OptionError, match=r"--load-in 8bit: export a model as it is, and quantise it on loading"):
        export(quantised, tmp_path / "out", 1, Pooling.MEAN, 128)
    with pytest.raises(ModelError, match=r"--max-length 257 is above the context of mine"):
        export(model, tmp_path / "out", 1, Pooling.MEAN, 257)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("")
    with pytest.raises(OptionError, match=r"full is there and not empty: give a folder that is new"):
        export(model, tmp_path / "full", 1, Pooling.MEAN, 128)
    with pytest.raises(ModelError, match=r"cannot write .*out: .*; give a folder you can write"):
        export(model, tmp_path / "full" / "file" / "out", 1, Pooling.MEAN, 128)
    assert not (tmp_path / "out").exists()
