"""8-bit layers: a row is what bitsandbytes makes of it alone, in any company; vectors of before are made anew."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from llm4es import Project
from llm4es.embed import embed
from llm4es.models import load_model, resolve
from llm4es.models.ref import load_fingerprint, space_fingerprint
from llm4es.options import Device, EmbedOptions, LoadIn, LoadOptions
from llm4es_store import Store

from . import shop, tiny
from .heard import Heard
from .models import CPU, folder, made  # noqa: F401  # fixtures

INT8 = LoadOptions(device=Device.CPU, load_in=LoadIn.INT8)

pytest.importorskip("bitsandbytes")


def eight_bit_layer(network: Any) -> Any:
    return next(module for module in network.modules() if type(module).__name__ == "Linear8bitLt")


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_row_is_what_bitsandbytes_makes_of_it_alone(folder: Path, dtype: torch.dtype) -> None:  # noqa: F811
    layer = eight_bit_layer(load_model(resolve(str(folder)), INT8).network)
    torch.manual_seed(0)
    rows = torch.randn(40, layer.in_features) * 2  # (N, D)
    rows[3, 5], rows[7, 1], rows[8, 1], rows[9] = 9, -20, 7, 30
    rows = rows.to(dtype)
    theirs = type(layer).forward
    with torch.no_grad():
        alone = torch.cat([theirs(layer, row[None]) for row in rows])  # (N, F)
        together = theirs(layer, rows)
        tolerance = {torch.float32: 1e-5, torch.bfloat16: 2e-2}[dtype] * alone.abs().max()
        assert (layer(rows) - alone).abs().max() <= tolerance
        assert (layer(rows[None])[0] - alone).abs().max() <= tolerance
        assert layer.state.threshold == 6.0
    if dtype == torch.float32:
        assert (together - alone).abs().max() > 1e-4 * alone.abs().max()  # what is mended


def test_tuning_computes_as_bitsandbytes_does(folder: Path) -> None:  # noqa: F811
    layer = eight_bit_layer(load_model(resolve(str(folder)), INT8).network).train()
    rows = torch.randn(4, layer.in_features, requires_grad=True)
    layer(rows).sum().backward()
    ours, rows.grad = rows.grad, None
    type(layer).forward(layer, rows).sum().backward()
    assert torch.equal(ours, rows.grad)  # type: ignore[arg-type]


def test_vectors_do_not_depend_on_the_batch(tmp_path: Path) -> None:
    network = tiny.network()
    with torch.no_grad():  # large states: outliers in some rows
        for layer in network.model.layers:
            layer.input_layernorm.weight *= 4
            layer.post_attention_layernorm.weight *= 4
    network.save_pretrained(tmp_path / "loud")
    tiny.byte_tokenizer().save_pretrained(tmp_path / "loud")
    model = load_model(resolve(str(tmp_path / "loud")), INT8)
    many = tiny.texts(*[(f"e{i}", "tea and milk\n" + "bread 3\n" * (1 + i % 4)) for i in range(12)])
    one, other = (
        torch.tensor([row["vector"] for row in tiny.rows(list(embed([many], model, options)))])
        for options in (EmbedOptions(k=(1,), max_length=64, batch_tokens=tokens) for tokens in (64, 4096))
    )
    assert (one - other).norm() <= 1e-4 * one.norm()


def test_the_space_of_8_bit_vectors_is_another_one_and_no_other_is(folder: Path) -> None:  # noqa: F811
    ref = resolve(str(folder))
    assert space_fingerprint(ref, INT8) != load_fingerprint(ref, INT8)
    for load_in in (LoadIn.NONE, LoadIn.NF4):
        load = replace(CPU, load_in=load_in)
        assert space_fingerprint(ref, load) == load_fingerprint(ref, load)


def test_vectors_of_before_are_made_anew_under_their_name(
    folder: Path,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recipe = shop.write(tmp_path / "shop")
    words: dict[str, Any] = {"k": 1, "max_length": 64, "load_in": "8bit", "device": "cpu"}
    project = Project(str(recipe), tmp_path / "store", observer="silent")
    project.serialize()
    with monkeypatch.context() as patch:  # as 0.1 had it
        for module in ("project.spaces", "models.load", "models.ref"):
            patch.setattr(f"llm4es.{module}.space_fingerprint", load_fingerprint)
        assert project.embed(str(folder), **words).computed == 20
    heard = Heard()
    again = Project(str(recipe), tmp_path / "store", observer=heard)
    assert again.embed(str(folder), **words).computed == 20
    assert "embed: vectors of mine+8bit depended on the batch that read them: they are computed anew" in heard.said
    assert Store(tmp_path / "store").sql("SELECT model, count(*) FROM embeddings GROUP BY 1").fetchall() == [
        ("mine+8bit", 20)
    ]
    assert again.embed(str(folder), **words).computed == 0
