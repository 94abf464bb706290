"""What runs on accelerators, held on a CPU by its values: sums in one reduction, results a pass late."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch

from llm4es.embed import batches, passes_behind, sums
from llm4es.embed.pooling import layer_sums
from llm4es.finetune.rows import Rows, held_out_loss
from llm4es.inputs.attention import segment_attention
from llm4es.inputs.on_device import bounds_on_host, on_device
from llm4es.inputs.packing import Layout, segments
from llm4es.options import EmbedOptions

from . import tiny
from .test_embed import run

PLACES = [(0, 0, 3), (0, 3, 4), (1, 2, 2), (1, 1, 7)]
"""Of two lines of seven tokens; one window has no token that counts."""


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_one_reduction_gives_each_windows_sum(dtype: torch.dtype) -> None:
    state = torch.randn(2, 7, 5, generator=torch.Generator().manual_seed(0)).to(dtype)  # (B, T, D)
    tokens = torch.tensor([7 * line + at for line, start, end in PLACES for at in range(start, end)])
    found = sums.segmented(state, tokens, torch.tensor([end - start for _, start, end in PLACES]))
    exact = [state.double().numpy()[line, start:end].sum(0) for line, start, end in PLACES]
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found.numpy(), np.array(exact), rtol=1e-6, atol=1e-6)


def test_a_window_has_the_same_sum_in_any_company() -> None:
    state = torch.randn(1, 3000, 16, generator=torch.Generator().manual_seed(0))
    alone = sums.segmented(state[:, :1000], torch.arange(1000), torch.tensor([1000]))
    together = sums.segmented(state, torch.arange(3000), torch.tensor([1000, 500, 1500]))
    assert torch.equal(alone[0], together[0])


@pytest.mark.parametrize("layout", [Layout.SEGMENTS, Layout.PADDED])
def test_layers_summed_as_on_cuda(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    network, windows, spans = tiny.network(), [tuple(range(10, 50)), tuple(range(100, 125))], [(0, 40), (2, 20)]
    plain = layer_sums(network, 4, windows, spans, layout)
    of = sums.sums_of

    def as_on_cuda(places: list[sums.Place], length: int, device: torch.device) -> object:
        cuda = type("Device", (), {"type": "cuda"})()
        with monkeypatch.context() as patch:
            tensor = torch.tensor
            patch.setattr(torch, "tensor", lambda values, device: tensor(values))
            return of(places, length, cuda)

    monkeypatch.setattr("llm4es.embed.pooling.sums_of", as_on_cuda)
    assert torch.allclose(layer_sums(network, 4, windows, spans, layout), plain, rtol=1e-5, atol=1e-5)


def test_results_that_come_a_pass_late_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    many = tiny.texts(*[(f"e{i}", "9\n" + "\n".join("5 6" for _ in range(1 + 7 * i % 5))) for i in range(20)])
    at_once = run(many, batch_tokens=16, k=(1, 2))
    monkeypatch.setattr(batches, "PASSES_BEHIND", {"cpu": 2})
    assert run(many, batch_tokens=16, k=(1, 2)) == at_once


def test_what_is_no_number_is_named() -> None:
    found = np.zeros((3, 4, 2), np.float32)
    assert passes_behind.not_finite(found) is None
    found[1, 2, 0] = np.inf
    found[2, 0, 1] = np.nan
    assert passes_behind.not_finite(found) == (1, 2)


def test_a_halved_pass_is_remembered() -> None:
    model, tried = tiny.counting(), Counter[int]()
    network = model.network.model
    network.most_tokens = 16
    forward = network.forward

    def counted(input_ids: torch.Tensor, **more: Any) -> Any:
        tried[input_ids.numel()] += 1
        return forward(input_ids, **more)

    network.forward = counted
    options = EmbedOptions(k=(1,), max_length=8, batch_tokens=32)
    many = tiny.texts(*[(f"e{i}", "1 2 3 4") for i in range(64)])
    assert len(run(many, model=model, batch_tokens=options.batch_tokens)) == 64
    assert tried[32] == 1
    assert len(run(many, model=model, batch_tokens=options.batch_tokens)) == 64
    assert tried[32] == 1


def test_tuning_tells_kernels_the_longest_piece_too() -> None:
    heard: list[dict[str, Any]] = []

    class Network(torch.nn.Module):
        device = torch.device("cpu")

        def forward(self, **inputs: Any) -> Any:
            heard.append(inputs)
            return type("Out", (), {"loss": torch.tensor(2.0)})()

    rows = Rows([[[1, 2, 3], [4, 5]]], Layout.SEGMENTS)
    assert held_out_loss(Network(), rows) == 2.0
    for inputs in (rows[0], *heard):
        assert (inputs["max_length_q"], inputs["max_length_k"], inputs["cu_seq_lens_q"].tolist()) == (3, 3, [0, 3, 5])


def test_kernels_are_told_the_longest_piece_and_nothing_is_read_back() -> None:
    inputs = segments([[1, 2, 3], [4, 5], [6]])
    moved = on_device(inputs, torch.device("cpu"))
    assert (moved["max_length_q"], moved["max_length_k"]) == (3, 3)
    assert "max_length_q" not in on_device({"input_ids": inputs["input_ids"]}, torch.device("cpu"))
    read: list[int] = []

    class Counted(torch.Tensor):
        def tolist(self) -> list[int]:
            read.append(1)
            return [0, 3, 5, 6]

    bounds = torch.tensor([0, 3, 5, 6]).as_subclass(Counted)
    query = torch.randn(1, 2, 6, 4)
    for _ in range(3):  # layers
        segment_attention(torch.nn.Module(), query, query, query, None, cu_seq_lens_q=bounds)
    assert bounds_on_host(bounds) == [0, 3, 5, 6]
    assert len(read) == 1
