"""A whole GGUF of a few weights, read for the first time: its weights, and what is said meanwhile."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from llm4es.core.phases import heard_by
from llm4es.models import resolve

WIDTH, TOKENS = 8, [*map(chr, range(97, 123)), "ab", "<eos>"]


def tiny_gguf(path: Path) -> dict[str, Any]:
    """A Llama of one layer; its weights."""
    gguf: Any = pytest.importorskip("gguf")
    writer, values = gguf.GGUFWriter(path, "llama"), np.random.default_rng(0)
    writer.add_block_count(1)
    writer.add_context_length(32)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(WIDTH)
    writer.add_head_count(2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(TOKENS))
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(TOKENS)
    writer.add_token_types([1] * len(TOKENS))
    writer.add_token_merges(["a b"])
    writer.add_eos_token_id(len(TOKENS) - 1)
    square = ["attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"]
    shapes = {"token_embd": (len(TOKENS), WIDTH), "output": (len(TOKENS), WIDTH), "output_norm": (WIDTH,)}
    shapes |= {f"blk.0.{name}": (WIDTH, WIDTH) for name in square}
    shapes |= {f"blk.0.{name}_norm": (WIDTH,) for name in ("attn", "ffn")}
    weights = {name: values.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    for name, weight in weights.items():
        writer.add_tensor(f"{name}.weight", weight)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return weights


def test_whoever_listens_hears_of_the_tensors_and_nothing_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LLM4ES_CACHE", str(tmp_path / "cache"))
    weights = tiny_gguf(tmp_path / "tiny.gguf")
    heard: dict[str, tuple[int | None, str, list[int]]] = {}

    @contextmanager
    def listen(what: str, total: int | None, unit: str) -> Iterator[Callable[[int], None]]:
        steps: list[int] = []
        heard[what] = (total, unit, steps)
        yield steps.append

    heard_by(listen)
    try:
        ref = resolve(str(tmp_path / "tiny.gguf"))
    finally:
        heard_by(None)
    assert capfd.readouterr() == ("", "")
    assert heard["reading weights"] == (len(weights), "tensors", [1] * len(weights))
    (read,) = [load_file(file) for file in ref.folder.glob("*.safetensors")]
    np.testing.assert_array_equal(read["model.embed_tokens.weight"], weights["token_embd"])
    np.testing.assert_array_equal(read["model.layers.0.mlp.up_proj.weight"], weights["blk.0.ffn_up"])
