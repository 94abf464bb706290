"""Single events through the model: each against transformers' own pass over context and event."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import torch
from transformers import AutoModel, BertConfig

from llm4es.core.errors import DataError, ModelError, OptionError
from llm4es.core.hashing import text_hash
from llm4es.core.quiet import quiet
from llm4es.core.schemas import EVENT_VECTORS
from llm4es.embed import read_events
from llm4es.models import load_model, resolve
from llm4es.models.load import Model
from llm4es.options import Device, EmbedOptions, LoadOptions, Pooling

from . import tiny

CPU = LoadOptions(device=Device.CPU)
CONTEXT = "Shop | Amount\n"
LINES = ("tea | 1.50", "books | 12", "a", "shoes and much more than that | 99", "tea | 1.51", "milk | 12")


def events(*lines: str, **columns: list[str]) -> pa.RecordBatch:
    return pa.record_batch({"event_hash": [text_hash(line) for line in lines], "event_text": list(lines), **columns})


def read(*lines: str, model: Model, context: str = CONTEXT, **options: Any) -> dict[str, list[dict[str, Any]]]:
    """The rows of each event, layer by layer."""
    ordered = options.pop("ordered", True)
    options = {"max_length": 64, "batch_tokens": 128, **options}
    found: dict[str, list[dict[str, Any]]] = {}
    made = list(read_events([events(*lines)], model, EmbedOptions(**options), context, ordered=ordered))
    assert all(batch.schema == EVENT_VECTORS for batch in made)
    for row in tiny.rows(made):
        found.setdefault(row["event_text"], []).append(row)
    return found


def loaded(folder: Path, architecture: str, bos: bool = False) -> Model:
    with quiet():
        if architecture == "bert":
            torch.manual_seed(0)
            sizes: Any = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 4, "num_attention_heads": 4}
            auto: Any = AutoModel
            auto.from_config(BertConfig(**sizes, **tiny.SIZES)).save_pretrained(folder)
            tiny.byte_tokenizer(bos).save_pretrained(folder)
        else:
            tiny.save(folder, architecture, bos=bos)
        return load_model(resolve(str(folder)), CPU)


def plain(model: Model, context: str, line: str) -> torch.Tensor:
    """Transformers' own states of context and line in one text, of the line's tokens alone: (L, T, D)."""
    ids = model.tokenizer(context + line, return_tensors="pt")["input_ids"]
    before = len(model.tokenizer(context)["input_ids"]) if context else int(ids.shape[1] - len(line.encode()))
    network: Any = model.network.base_model
    with torch.no_grad():
        states = network(ids, output_hidden_states=True).hidden_states[1:]
    return torch.stack(states)[:, 0, before:]


@pytest.mark.parametrize("context", [CONTEXT, ""])
@pytest.mark.parametrize(("pooling", "bos"), [("mean", False), ("mean", True), ("last", True), ("content_mean", True)])
@pytest.mark.parametrize("architecture", [*tiny.ARCHITECTURES, "bert"])
def test_every_layer_is_that_of_the_plain_pass(
    architecture: str, pooling: str, bos: bool, context: str, tmp_path: Path
) -> None:
    model = loaded(tmp_path, architecture, bos)
    found = read(*LINES, model=model, context=context, pooling=Pooling(pooling))
    assert list(found) == list(LINES)
    for line, rows in found.items():
        states = plain(model, context, line)  # (L, T, D)
        expected = states[:, -1] if pooling == "last" else states.mean(1)  # (L, D)
        assert [row["layer"] for row in rows] == [1, 2, 3, 4]
        ours = torch.tensor([row["vector"] for row in rows])
        assert (ours - expected).norm(dim=-1).max() <= 1e-5 * expected.norm(dim=-1).max(), line
        assert {(row["context"], row["pooling"], row["dim"], row["source_hash"]) for row in rows} == {
            (context, pooling, 32, text_hash(line))
        }


def test_rows_come_after_each_pass_and_are_the_same(tmp_path: Path) -> None:
    model = loaded(tmp_path, "llama")
    lines = [f"{word} | {number}" for word in ("tea", "milk", "shoes") for number in range(40)]
    one = read(*lines, model=model, ordered=True)
    other = read(*lines, model=model, ordered=False, batch_tokens=64)
    assert list(one) == lines
    assert sorted(other) == sorted(lines)
    for line, rows in one.items():
        assert [row["layer"] for row in other[line]] == [1, 2, 3, 4]
        assert torch.allclose(
            torch.tensor([row["vector"] for row in rows]),
            torch.tensor([row["vector"] for row in other[line]]),
            atol=1e-5,
        )


def test_an_event_longer_than_a_window_is_read_in_pieces() -> None:
    model = tiny.counting()
    (rows,) = read("1 2 3 4 5 6 7", model=model, context="9 9 ", max_length=5).values()
    assert rows[0]["vector"] == pytest.approx([4, (2 + 2 + 3 + 4 + 2 + 3 + 4) / 7, 1, 1])  # a token, then two of three
    assert rows[0]["n_tokens"] == 13
    (rows,) = read("1 2 3 4 5 6 7", model=model, context="9 9 ", max_length=5, pooling=Pooling.LAST).values()
    assert rows[0]["vector"] == pytest.approx([7, 4, 1, 1])


def test_an_event_without_text_has_zeros_and_the_others_their_vectors() -> None:
    found = read("5", "", "6 7", model=tiny.counting(), context="9 ")
    assert [row["vector"] for row in found[""]] == [[0.0] * 4] * 4
    assert found[""][0]["n_tokens"] == 0
    assert found["6 7"][0]["vector"] == pytest.approx([6.5, 1.5, 1, 1])


def test_datasets_pass_through() -> None:
    batch = events("5", "6", dataset=["a", "b"])
    made = tiny.rows(list(read_events([batch], tiny.counting(), EmbedOptions(max_length=8))))
    assert {(row["event_text"], row["dataset"]) for row in made} == {("5", "a"), ("6", "b")}
    assert read("5", model=tiny.counting())["5"][0]["dataset"] is None


def test_control_tokens_are_read_as_text(tmp_path: Path) -> None:
    model = loaded(tmp_path, "llama")
    (rows,) = read("<eos> tea", model=model).values()
    ids = [*model.tokenizer(CONTEXT)["input_ids"]]
    ids += [*model.tokenizer("<", add_special_tokens=False)["input_ids"]]
    ids += model.tokenizer("eos> tea", add_special_tokens=False)["input_ids"]
    network: Any = model.network.base_model
    with torch.no_grad():
        state = network(torch.tensor([ids]), output_hidden_states=True).hidden_states[1]
    assert rows[0]["vector"] == pytest.approx(state[0, len(CONTEXT) :].mean(0).tolist(), abs=1e-5)
    assert rows[0]["n_tokens"] == len(CONTEXT) + len("<eos> tea")


def test_bad_input_is_refused_in_a_line() -> None:
    model = tiny.counting()
    with pytest.raises(DataError, match=r"no column 'event_text' \(there are event_hash\)"):
        list(read_events([events("1").select(["event_hash"])], model, EmbedOptions(max_length=8)))
    gap = pa.record_batch({"event_hash": ["x"], "event_text": pa.array([None], pa.string())})
    with pytest.raises(DataError, match="'event_text' of the events is null in a row"):
        list(read_events([gap], model, EmbedOptions(max_length=8)))
    with pytest.raises(OptionError, match="--pooling model reads events without a context"):
        list(read_events([events("1")], model, EmbedOptions(max_length=8, pooling=Pooling.MODEL), "9 "))
    with pytest.raises(ModelError, match="--max-length 3 leaves no room"):
        read("1", model=model, context="9 9 9 ", max_length=3)
    with pytest.raises(ModelError, match=r"layer 2 of counting gave NaN or infinity on event '3 99'"):
        read("1", "3 99", model=model)
