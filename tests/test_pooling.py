from typing import Any

import pytest
import torch

from llm4es.embed.pooling import SPANS, layer_sums, layout_for
from llm4es.inputs.packing import Layout
from llm4es.options import Pooling

from . import tiny

# two windows, each with a special token at both ends
WINDOWS = [(1, 7, 9, 2), (1, 5, 2)]


def test_a_network_that_takes_no_pieces_is_padded() -> None:
    assert layout_for(tiny.counting().network, tiny.LAYERS, tiny.CONTEXT, 256) == Layout.PADDED


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_real_architectures_take_windows_in_one_line(architecture: str) -> None:
    assert layout_for(tiny.network(architecture), 4, 256, 512) == Layout.SEGMENTS


@pytest.mark.parametrize(
    ("pooling", "ids", "positions", "counts"),
    [  # sums over the pooled tokens of id and position
        (Pooling.MEAN, [19, 8], [6, 3], [4, 3]),
        (Pooling.LAST, [2, 2], [3, 2], [1, 1]),
        (Pooling.CONTENT_MEAN, [16, 5], [3, 1], [2, 1]),
    ],
)
def test_sums_of_every_layer(pooling: Pooling, ids: list[int], positions: list[int], counts: list[int]) -> None:
    spans = [SPANS[pooling](len(window), 1, 1) for window in WINDOWS]
    assert [end - start for start, end in spans] == counts
    sums = layer_sums(tiny.counting().network, tiny.LAYERS, WINDOWS, spans, Layout.PADDED)
    assert sums.shape == (tiny.LAYERS, 2, tiny.WIDTH)
    for layer in range(1, tiny.LAYERS + 1):
        norm = tiny.NORM if layer == tiny.LAYERS else 1
        for row in range(2):
            expected = [ids[row], positions[row], layer * counts[row], counts[row]]
            assert sums[layer - 1, row].tolist() == [norm * value for value in expected]


def test_hooks_are_taken_off_again() -> None:
    network = tiny.network()
    own = network.config._attn_implementation
    layer_sums(network, 4, WINDOWS, [(0, 4), (0, 3)], Layout.SEGMENTS)
    # transformers keeps hooks of its own on every layer once hidden states were asked for
    layers: Any = network.base_model.layers
    assert {len(layer._forward_hooks) for layer in layers} == {1}
    assert network.config._attn_implementation == own


@pytest.mark.parametrize("layout", [Layout.SEGMENTS, Layout.FLAT, Layout.PADDED])
@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_parity_with_hidden_states(architecture: str, layout: Layout) -> None:
    """Every layer's mean equals Hugging Face's hidden_states[1:], in one line (two ways) and padded."""
    network = tiny.network(architecture)
    windows = [tuple(range(10, 50)), tuple(range(100, 125))]
    sums = layer_sums(network, 4, windows, [(0, 40), (0, 25)], layout)
    for row, window in enumerate(windows):
        with torch.no_grad():
            plain = network(torch.tensor([window]), output_hidden_states=True).hidden_states[1:]  # 4 of (1, T, D)
        expected = torch.stack(plain)[:, 0].mean(1)  # (L, D)
        assert torch.allclose(sums[:, row] / len(window), expected, atol=1e-5)
