import pytest
import torch

from llm4es.config import Pooling
from llm4es.errors import ModelError
from llm4es.pooling import collate, decoder_layers, layer_sums

from . import tiny

CPU = torch.device("cpu")
# two windows, each with a special token at both ends; the second is padded by one
WINDOWS = [(1, 7, 9, 2), (1, 5, 2)]


def test_collate_pads_on_the_right_and_marks_special_tokens() -> None:
    batch = collate(WINDOWS, 1, 1, CPU)
    assert batch.ids.tolist() == [[1, 7, 9, 2], [1, 5, 2, 0]]
    assert batch.real.tolist() == [[True] * 4, [True, True, True, False]]
    assert batch.special.tolist() == [[True, False, False, True], [True, False, True, False]]
    assert batch.padded
    assert not collate(WINDOWS[:1] * 2, 1, 1, CPU).padded


@pytest.mark.parametrize(
    ("pooling", "ids", "positions", "counts"),
    [  # sums over the pooled tokens of id and position
        (Pooling.MEAN, [19, 8], [6, 3], [4, 3]),
        (Pooling.LAST, [2, 2], [3, 2], [1, 1]),
        (Pooling.CONTENT_MEAN, [16, 5], [3, 1], [2, 1]),
    ],
)
def test_sums_of_every_layer(pooling: Pooling, ids: list[int], positions: list[int], counts: list[int]) -> None:
    sums, found = layer_sums(tiny.counting().network, tiny.LAYERS, collate(WINDOWS, 1, 1, CPU), pooling)
    assert found.tolist() == counts
    assert sums.shape == (tiny.LAYERS, 2, tiny.WIDTH)
    for layer in range(1, tiny.LAYERS + 1):
        norm = tiny.NORM if layer == tiny.LAYERS else 1
        for row in range(2):
            expected = [ids[row], positions[row], layer * counts[row], counts[row]]
            assert sums[layer - 1, row].tolist() == [norm * value for value in expected]


def test_hooks_are_taken_off_again() -> None:
    model = tiny.counting()
    layer_sums(model.network, tiny.LAYERS, collate(WINDOWS, 1, 1, CPU), Pooling.MEAN)
    assert all(not layer._forward_hooks for layer in decoder_layers(model.network.base_model, tiny.LAYERS))


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_parity_with_hidden_states(architecture: str) -> None:
    """Every layer's mean equals Hugging Face's hidden_states[1:], padded and unpadded."""
    network = tiny.network(architecture)
    windows = [tuple(range(10, 50)), tuple(range(100, 125))]
    sums, counts = layer_sums(network, 4, collate(windows, 0, 0, CPU), Pooling.MEAN)
    alone, _ = layer_sums(network, 4, collate(windows[1:], 0, 0, CPU), Pooling.MEAN)
    for row, window in enumerate(windows):
        with torch.no_grad():
            plain = network(torch.tensor([window]), output_hidden_states=True).hidden_states[1:]  # 4 of (1, T, D)
        expected = torch.stack(plain)[:, 0].mean(1)  # (L, D)
        assert torch.allclose(sums[:, row] / counts[row], expected, atol=1e-5)
    assert torch.allclose(alone[:, 0], sums[:, 1], atol=1e-4)


def test_an_architecture_without_a_list_of_layers() -> None:
    with pytest.raises(ModelError, match=r"CountingDecoder keeps its 7 layers in no list: this architecture cannot"):
        decoder_layers(tiny.counting().network.base_model, 7)
