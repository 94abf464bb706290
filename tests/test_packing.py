"""Rows: nothing lost, nothing computed twice, and no piece sees another."""

import pytest
import torch
from transformers import PreTrainedModel

from llm4es.inputs.attention import segment_attention, with_layout
from llm4es.inputs.best_layout import PLAIN
from llm4es.inputs.packing import IGNORED, LAYOUTS, Layout, best_fit, by_length, parts, real_share

from . import tiny

ROW = [[5, 6, 7], [8, 9]]
PIECES = [[(11 * i + 5) % 250 for i in range(40)], [(7 * i + 2) % 250 for i in range(23)], [9, 8, 7, 6]]


def test_best_fit_puts_each_length_where_the_least_room_is_left() -> None:
    # 7 -> row 0 (3 left); 6 -> row 1 (4 left); 4 -> row 1 (0); 3 -> row 0 (0); 2 -> row 2
    assert best_fit([3, 7, 2, 6, 4], 10) == [[1, 0], [3, 4], [2]]


def test_best_fit_fills_rows_of_real_lengths_to_the_brim() -> None:
    lengths = [512] * 50 + [(37 * i) % 480 + 20 for i in range(120)]
    rows = best_fit(lengths, 2048)
    assert sorted(i for row in rows for i in row) == list(range(170))
    assert max(sum(lengths[i] for i in row) for row in rows) <= 2048
    assert sum(lengths) / (2048 * len(rows)) > 0.97


def test_a_length_above_the_capacity_gets_its_own_row() -> None:
    assert best_fit([12, 3], 10) == [[0], [1]]


def test_by_length_bounds_the_padded_size() -> None:
    assert by_length([5, 2, 4, 9], 10) == [[3], [0, 2], [1]]


def test_rows_of_one_length_and_rows_of_one_piece() -> None:
    lengths = [5, 2, 4, 2, 2]
    assert LAYOUTS[Layout.EQUAL].fill(lengths, 4) == [[0], [2], [1, 3], [4]]
    assert LAYOUTS[Layout.ALONE].fill(lengths, 100) == [[0], [2], [1], [3], [4]]


def test_parts_share_a_row_out_evenly_and_may_stay_empty() -> None:
    assert parts([[1] * 5, [2] * 3, [3] * 4], 2) == [[[1] * 5], [[3] * 4, [2] * 3]]
    assert parts([[1, 1]], 2) == [[[1, 1]], []]


def test_first_tokens_have_no_label_and_positions_begin_anew() -> None:
    made = LAYOUTS[Layout.SEGMENTS].tensors(ROW)
    assert made["input_ids"].tolist() == [[5, 6, 7, 8, 9]]
    assert made["position_ids"].tolist() == [[0, 1, 2, 0, 1]]
    assert made["labels"].tolist() == [[IGNORED, 6, 7, IGNORED, 9]]
    assert made["cu_seq_lens_q"].tolist() == [0, 3, 5]
    assert "attention_mask" not in made


def test_padding_is_neither_attended_to_nor_a_label() -> None:
    made = LAYOUTS[Layout.PADDED].tensors(ROW)
    assert made["input_ids"].tolist() == [[5, 6, 7], [8, 9, 9]]
    assert made["attention_mask"].tolist() == [[1, 1, 1], [1, 1, 0]]
    assert made["labels"].tolist() == [[IGNORED, 6, 7], [IGNORED, 9, IGNORED]]


def test_real_share_counts_what_the_network_computes() -> None:
    assert real_share([ROW, []], Layout.SEGMENTS) == 1.0
    assert real_share([ROW], Layout.PADDED) == 5 / 6


def loss_and_gradients(
    network: PreTrainedModel, layout: Layout, rows: list[list[list[int]]]
) -> tuple[float, torch.Tensor]:
    """Summed loss of ``rows`` and the gradient of all weights as one vector."""
    network.zero_grad()
    total = 0.0
    for row in rows:
        inputs = LAYOUTS[layout].tensors(row)
        labels = inputs.pop("labels")
        logits = network(**inputs, use_cache=False).logits[:, :-1].flatten(0, 1)
        loss = torch.nn.functional.cross_entropy(logits, labels[:, 1:].flatten(), reduction="sum", ignore_index=IGNORED)
        loss.backward()  # type: ignore[no-untyped-call]
        total += float(loss.detach())
    return total, torch.cat([weight.grad.flatten() for weight in network.parameters() if weight.grad is not None])


@pytest.mark.parametrize("layout", PLAIN)
@pytest.mark.parametrize("architecture", list(tiny.ARCHITECTURES))
def test_packed_equals_separate(architecture: str, layout: Layout) -> None:
    """Forty tokens are more than Gemma's sliding window of sixteen."""
    network = tiny.network(architecture).requires_grad_(True)
    alone = loss_and_gradients(network, Layout.PADDED, [[piece] for piece in PIECES])
    rows = [[PIECES[i] for i in row] for row in LAYOUTS[layout].fill([len(piece) for piece in PIECES], 1 << 10)]
    with with_layout(network, layout):
        packed = loss_and_gradients(network, layout, rows)
    assert packed[0] == pytest.approx(alone[0], rel=1e-5)
    torch.testing.assert_close(packed[1], alone[1], rtol=1e-3, atol=1e-4)


def test_attention_by_piece_refuses_a_row_without_its_pieces() -> None:
    state = torch.zeros(1, 1, 2, 4)
    with pytest.raises(NotImplementedError, match="attention by piece without the places where pieces end"):
        segment_attention(torch.nn.Identity(), state, state, state, None)
