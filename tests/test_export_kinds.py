"""What ``models export`` writes gives sentence-transformers the vectors of ``embed``, or is refused."""

import importlib.util
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from transformers import AutoModel, AutoModelForCausalLM

from llm4es.core.errors import OptionError
from llm4es.core.quiet import quiet
from llm4es.embed import embed
from llm4es.embed.sentence_transformers import export
from llm4es.models import load_model
from llm4es.models.load import Model
from llm4es.models.resolve import resolve
from llm4es.options import Device, EmbedOptions, LoadOptions, Pooling

from . import tiny

SIZES: dict[str, Any] = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 4, "num_attention_heads": 4}
GEMMA = {**tiny.SIZES, **SIZES, "num_key_value_heads": 2, "head_dim": 8, "sliding_window": 16}
SIGHT = {"text_config": GEMMA, "vision_config": {**SIZES, "image_size": 28, "patch_size": 14}, "mm_tokens_per_image": 4}
KINDS: dict[str, dict[str, Any]] = {
    "MambaConfig": {**tiny.SIZES, **SIZES, "state_size": 8},
    "XLNetConfig": {**tiny.SIZES, **SIZES, "d_inner": 64, "d_head": 8},
    "Gemma3Config": SIGHT,
}
TEXTS = ["a", "row 1 | tea | 2.50", "row 1 | tea | 2.50\nrow 2 | milk | 1.20\nrow 3"]


def model(config: str, settings: dict[str, Any], folder: Path) -> Model:
    """A network with random weights, saved and loaded as a user's."""
    torch.manual_seed(0)
    found = getattr(transformers, config)(**settings)
    auto: Any = AutoModelForCausalLM if type(found) in AutoModelForCausalLM._model_mapping else AutoModel
    with quiet():
        auto.from_config(found, dtype=torch.float32).save_pretrained(folder)
        tiny.byte_tokenizer().save_pretrained(folder)
    return load_model(resolve(str(folder)), LoadOptions(device=Device.CPU))


@pytest.mark.skipif(
    importlib.util.find_spec("sentence_transformers") is None, reason="sentence-transformers is not here"
)
@pytest.mark.parametrize("config", KINDS)
def test_sentence_transformers_gives_the_same_vectors(config: str, tmp_path: Path) -> None:
    made = model(config, KINDS[config], tmp_path / "mine")
    rows = tiny.texts(*((str(place), text) for place, text in enumerate(TEXTS)), events=False)
    embedded = tiny.rows(list(embed([rows], made, EmbedOptions(k=(2,), max_length=64))))
    ours = torch.tensor([row["vector"] for row in embedded])  # (B, D)
    with warnings.catch_warnings(), quiet():
        warnings.simplefilter("ignore")  # of a library that is not ours
        from sentence_transformers import SentenceTransformer

        theirs = SentenceTransformer(str(export(made, tmp_path / "out", 2, Pooling.MEAN, 64)), device="cpu")
        found = torch.as_tensor(theirs.encode(TEXTS))  # (B, D)
    assert (found - ours).abs().max() <= 1e-5 * ours.abs().max()


def test_a_model_that_does_not_see_padding_is_refused(tmp_path: Path) -> None:
    made = model("FNetConfig", {**tiny.SIZES, **SIZES}, tmp_path / "mine")
    with pytest.raises(OptionError, match=r"mine gives a padded text other states, and sentence-transformers pads: em"):
        export(made, tmp_path / "out", 1, Pooling.MEAN, 64)
    assert not (tmp_path / "out").exists()
