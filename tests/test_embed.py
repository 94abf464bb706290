from typing import Any

import pyarrow as pa
import pytest
import torch

from llm4es.core.hashing import combined_hash, text_hash
from llm4es.core.schemas import EMBEDDINGS, LAYERS
from llm4es.embed import embed, embed_layers
from llm4es.models import load_model
from llm4es.models.resolve import resolve
from llm4es.options import Device, Dtype, EmbedOptions, History, LoadOptions, Pooling

from . import tiny
from .tiny import NORM, texts

# the counting model: layer l's state of a token is [id, position, l, 1]; the last layer's is ten times that


ROUNDING = 1e-5
"""Largest difference of a tiny network's components (about 1) between two orders of the same additions."""


def run(*batches_in: pa.RecordBatch, model: Any = None, **options: Any) -> list[dict[str, Any]]:
    options = {"k": (1,), "max_length": 8, **options}
    return tiny.rows(list(embed(batches_in, model or tiny.counting(), EmbedOptions(**options))))


def state(layers: list[int], mean_id: float, mean_position: float) -> list[float]:
    """The mean over these layers (numbers from 1) of the pooled state."""
    scale = [NORM if layer == tiny.LAYERS else 1 for layer in layers]
    numbers = [layer * factor for layer, factor in zip(layers, scale, strict=True)]
    n = len(layers)
    return [mean_id * sum(scale) / n, mean_position * sum(scale) / n, sum(numbers) / n, sum(scale) / n]


def test_every_k_of_a_text_that_fits() -> None:
    found = run(texts(("a", "3 4\n5\n7 8")), k=(1, 2, 0, 99))
    assert [row["k"] for row in found] == [1, 2, 4]
    for row, layers in zip(found, ([4], [3, 4], [1, 2, 3, 4]), strict=True):
        assert row["vector"] == pytest.approx(state(layers, 27 / 5, 2.0))
        assert (row["n_tokens"], row["n_tokens_dropped"], row["n_windows"]) == (5, 0, 1)
        assert (row["n_events"], row["n_events_dropped"]) == (2, 0)


def test_columns_say_what_was_done() -> None:
    made = list(embed([texts(("a", "3\n4"))], tiny.counting(), EmbedOptions(max_length=8, texts=("all",))))
    assert made[0].schema == EMBEDDINGS
    row = tiny.rows(made)[0]
    fixed = {name: row[name] for name in ("dataset", "entity_id", "model", "pooling", "texts", "dim", "max_length")}
    assert fixed == {
        "dataset": "d",
        "entity_id": "a",
        "model": "counting",
        "pooling": "mean",
        "texts": "all",
        "dim": 4,
        "max_length": 8,
    }
    assert (row["history"], row["load_in"], row["dtype"], row["fingerprint"]) == ("newest", "none", "float32", "f" * 64)
    assert row["source_hash"] == text_hash("3\n4")


LONG = "9\n1 2 3\n4 5\n6 7 8"  # header 9, three events; room for seven tokens beside the header


def test_the_newest_events_are_kept() -> None:
    (row,) = run(texts(("a", LONG)))
    assert row["vector"] == pytest.approx(state([4], (9 + 4 + 5 + 6 + 7 + 8) / 6, 2.5))
    assert (row["n_tokens"], row["n_tokens_dropped"], row["n_events"], row["n_events_dropped"]) == (6, 3, 2, 1)


def test_the_oldest_events_are_kept() -> None:
    (row,) = run(texts(("a", LONG)), history=History.OLDEST)
    assert row["vector"] == pytest.approx(state([4], (9 + 1 + 2 + 3 + 4 + 5) / 6, 2.5))


def test_a_full_history_is_the_token_weighted_mean_of_its_windows() -> None:
    (row,) = run(texts(("a", LONG)), history=History.FULL)
    # windows 9 1 2 3 and 9 4 5 6 7 8: ids sum to 15 and 39, positions to 6 and 15, over ten tokens
    assert row["vector"] == pytest.approx(state([4], 54 / 10, 21 / 10))
    assert (row["n_tokens"], row["n_tokens_dropped"], row["n_windows"]) == (10, 0, 2)


def test_one_window_is_bit_equal_whatever_the_history() -> None:
    model = tiny.counting()
    vectors = [
        run(texts(("a", "3 1\n2 2 5")), model=model, history=history, k=(3,))[0]["vector"]
        for history in History
        if history is not History.EVENTS
    ]
    assert vectors[0] == vectors[1] == vectors[2]


def test_variants_are_averaged_as_they_are() -> None:
    both = texts(("a", "raw", "2\n4"), ("a", "json", "5\n6 7"), ("b", "raw", "9"))
    found = run(both, texts=("all",))
    assert found[0]["vector"] == pytest.approx(state([4], (3 + 6) / 2, (0.5 + 1) / 2))
    assert found[0]["n_tokens"] == 5
    assert found[0]["source_hash"] == combined_hash([("json", text_hash("5\n6 7")), ("raw", text_hash("2\n4"))])
    assert [row["entity_id"] for row in found] == ["a", "b"]
    (only,) = run(texts(("a", "raw", "2\n4"), ("a", "json", "5\n6 7")), texts=("json",))
    assert only["vector"] == pytest.approx(state([4], 6, 1))
    assert only["texts"] == "json"


def test_an_entity_may_lie_across_batches() -> None:
    found = run(texts(("a", "raw", "2")), texts(("a", "json", "6"), ("b", "raw", "1")), texts=("raw", "json"))
    assert [(row["entity_id"], row["n_tokens"]) for row in found] == [("a", 2), ("b", 1)]
    assert found[0]["vector"] == pytest.approx(state([4], 4, 0))


def test_layers_are_kept_from_the_same_pass() -> None:
    model = tiny.counting()
    made = list(embed_layers([texts(("a", LONG), ("b", "5"))], model, EmbedOptions(k=(2, 0), max_length=8)))
    passes_made = model.network.model.seen[-1:]
    embeddings, layers = tiny.rows([made[0][0]]), tiny.rows([made[0][1]])
    assert made[0][1].schema == LAYERS
    assert passes_made == [(2, 6)]
    assert [(row["entity_id"], row["layer"]) for row in layers] == [(e, n) for e in "ab" for n in (1, 2, 3, 4)]
    for number in range(1, 5):
        assert layers[number - 1]["vector"] == pytest.approx(state([number], 39 / 6, 2.5))
    for row, first in zip(embeddings[:2], (3, 1), strict=True):
        kept = [layer["vector"] for layer in layers[first - 1 : 4]]
        assert row["vector"] == pytest.approx([sum(column) / len(kept) for column in zip(*kept, strict=True)])
        assert row["source_hash"] == layers[0]["source_hash"]


def test_poolings() -> None:
    model = tiny.counting(tiny.number_tokenizer(bos=True, eos=True))
    text = texts(("a", "7 9"))  # 1 7 9 2
    assert run(text, model=model)[0]["vector"] == pytest.approx(state([4], 19 / 4, 1.5))
    assert run(text, model=model, pooling=Pooling.LAST)[0]["vector"] == pytest.approx(state([4], 2, 3))
    assert run(text, model=model, pooling=Pooling.CONTENT_MEAN)[0]["vector"] == pytest.approx(state([4], 8, 1.5))


def test_texts_of_one_character_and_of_many_tokens() -> None:
    (row,) = run(texts(("a", "5 " * 200_000)), max_length=64, history=History.FULL, batch_tokens=1 << 20)
    assert (row["n_tokens"], row["n_windows"]) == (200_000, 3125)
    assert row["vector"][0] == pytest.approx(50)


def test_parity_with_a_plain_loop_on_a_real_architecture(tmp_path: Any) -> None:
    model = load_model(resolve(str(tiny.save(tmp_path / "m", "llama", bos=True))))
    many = [(f"e{i}", "Header | b\n" + "event | 1\n" * (1 + i)) for i in range(5)]
    found = run(texts(*many), model=model, k=(1, 3, 0), max_length=256)
    for i, (_, text) in enumerate(many):
        encoded = model.tokenizer(text, return_tensors="pt")
        with torch.no_grad():
            states = model.network(**encoded, output_hidden_states=True).hidden_states[1:]  # L of (1, T, D)
        for row, k in zip(found[3 * i : 3 * i + 3], (1, 3, 4), strict=True):
            plain = torch.stack(states[-k:]).mean(0)[0].mean(0)  # (D)
            assert torch.allclose(torch.tensor(row["vector"]), plain, atol=ROUNDING)


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_a_row_is_the_same_in_any_company(architecture: str, tmp_path: Any) -> None:
    """Up to rounding: a processor may take another kernel for another number of windows."""
    model = load_model(resolve(str(tiny.save(tmp_path / "m", architecture))))
    many = texts(*[(f"e{i}", "Header | b\n" + "event | 1\n" * (1 + 5 * i % 7)) for i in range(9)])
    kinds = [run(many, model=model, max_length=64, batch_tokens=budget, k=(1, 3)) for budget in (1, 150, 4096)]
    alone = run(many.slice(1, 1), model=model, max_length=64, k=(1, 3))
    for other in kinds[1:]:
        assert_alike(other, kinds[0])
    assert_alike(alone, kinds[0][2:4])


def assert_alike(some: list[dict[str, Any]], others: list[dict[str, Any]]) -> None:
    """Equal rows whose vectors differ by rounding at most."""
    for row, other in zip(some, others, strict=True):
        assert {**row, "vector": None} == {**other, "vector": None}
        assert row["vector"] == pytest.approx(other["vector"], abs=ROUNDING)


def test_the_tokenizers_padding_does_not_matter(tmp_path: Any) -> None:
    model = load_model(resolve(str(tiny.save(tmp_path / "m", "gpt2"))))
    many = texts(("a", "Header\none"), ("b", "Header\none\ntwo"))
    expected = run(many, model=model, max_length=64)
    model.tokenizer.padding_side = "left"
    assert_alike(run(many, model=model, max_length=64), expected)
    model.tokenizer.pad_token = None
    assert_alike(run(many, model=model, max_length=64), expected)


@pytest.mark.real
def test_parity_and_company_with_real_weights() -> None:
    model = load_model(resolve("smollm2-135m"))
    many = [(f"e{i}", "Title | Rating\n" + "Toy Story (1995) | 5\n" * (2 + 3 * i)) for i in range(3)]
    found = run(texts(*many), model=model, k=(1, 8, 0), max_length=512)
    for i, (_, text) in enumerate(many):
        with torch.no_grad():
            encoded = model.tokenizer(text, return_tensors="pt")
            states = model.network(**encoded, output_hidden_states=True).hidden_states[1:]  # L of (1, T, D)
        for row, k in zip(found[3 * i : 3 * i + 3], (1, 8, 30), strict=True):
            plain = torch.stack(states[-k:]).mean(0)[0].mean(0)  # (D)
            assert torch.allclose(torch.tensor(row["vector"]), plain, atol=1e-4)
    for alone, together in zip(run(texts(many[1]), model=model, k=(1, 8, 0), max_length=512), found[3:6], strict=True):
        assert alone["vector"] == pytest.approx(together["vector"], abs=1e-4)


@pytest.mark.real
def test_sixteen_bits_keep_every_text_s_direction() -> None:
    """What makes --dtype bfloat16 an engine past float32 on processors that have it."""
    many = texts(*((f"e{i}", "Title | Rating\n" + "Toy Story (1995) | 5\n" * (2 + 5 * i)) for i in range(3)))
    ref = resolve("smollm2-135m")
    exact, rounded = (
        run(many, model=load_model(ref, LoadOptions(device=Device.CPU, dtype=dtype)), k=(1, 8, 0), max_length=512)
        for dtype in (Dtype.FLOAT32, Dtype.BFLOAT16)
    )
    for a, b in zip(exact, rounded, strict=True):
        assert b["model"] == "smollm2-135m+bfloat16"
        assert torch.cosine_similarity(torch.tensor(a["vector"]), torch.tensor(b["vector"]), 0) > 0.999
