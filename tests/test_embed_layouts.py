"""Windows share a pass as their network's layout says, through ``embed`` itself."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModel, FNetConfig

from llm4es.core.quiet import quiet
from llm4es.embed.batches import PooledWindow, window_sums
from llm4es.inputs.packing import Layout
from llm4es.models import load_model, resolve
from llm4es.models.folders import read_shape
from llm4es.options import Device, LoadOptions

from . import tiny
from .test_embed import run

SIZES: dict[str, Any] = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 4, **tiny.SIZES}


def test_a_network_that_sees_padding_reads_texts_of_all_lengths(tmp_path: Path) -> None:
    torch.manual_seed(0)
    auto: Any = AutoModel
    with quiet():
        auto.from_config(FNetConfig(**SIZES, type_vocab_size=2), dtype=torch.float32).save_pretrained(tmp_path)
        tiny.byte_tokenizer().save_pretrained(tmp_path)
        plain = auto.from_pretrained(tmp_path, dtype=torch.float32).eval()
    model = load_model(resolve(str(tmp_path)), LoadOptions(device=Device.CPU))
    lines = {name: "ab" * length for name, length in {"a": 20, "b": 3, "c": 11, "d": 20, "e": 1}.items()}
    for row in run(tiny.texts(*lines.items(), events=False), model=model, max_length=64, k=(1, 3)):
        ids = model.tokenizer(lines[row["entity_id"]], return_tensors="pt")["input_ids"]
        with torch.no_grad():
            states = plain(ids, output_hidden_states=True).hidden_states[1:][-row["k"] :]
        assert row["vector"] == pytest.approx(torch.stack(states).mean(0)[0].mean(0).tolist(), abs=1e-5)


@pytest.mark.parametrize(
    ("layout", "shapes"),
    [(Layout.PADDED, [(3, 4), (2, 2)]), (Layout.EQUAL, [(2, 4), (1, 3), (2, 2)]), (Layout.ALONE, [(1, 4), (1, 4)])],
)
def test_which_windows_share_a_pass(layout: Layout, shapes: list[tuple[int, int]]) -> None:
    model = tiny.counting()
    windows = [PooledWindow([5] * n, (0, n), "x") for n in (4, 2, 3, 4, 2)]
    found = {place: sums for part in window_sums(windows, model, layout, 12) for place, sums in part.items()}
    assert [sums[0][3] for _, sums in sorted(found.items())] == [4, 2, 3, 4, 2]  # a one a token
    passes = [shape for shape in model.network.model.seen if shape != (1, 9)]  # but for the first look at the network
    assert passes[: len(shapes)] == shapes


def test_layers_that_settings_tell_by_their_kinds(tmp_path: Path) -> None:
    """As transformers saves Nemotron-H: no number beside the list."""
    said = {"model_type": "nemotron_h", "hidden_size": 32, "layers_block_type": ["mamba", "moe", "attention"]}
    (tmp_path / "config.json").write_text(json.dumps(said))
    assert read_shape(tmp_path).n_layers == 3
