"""A look at a model is remembered while everything that it depends on is the same, and only then."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from llm4es.embed.drift import canaries
from llm4es.inputs import best_layout, states
from llm4es.inputs.found_out import found_out, take_over
from llm4es.models import load_model
from llm4es.models.load import Model
from llm4es.models.resolve import resolve
from llm4es.options import EmbedOptions, LoadOptions
from llm4es.project import circumstances as around
from llm4es.project import first_look as module
from llm4es.project.canaries import measured
from llm4es.project.first_look import first_look

from . import tiny

OPTIONS = EmbedOptions(k=(1,), max_length=64)


@pytest.fixture
def looks(place: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was tried, of whatever a look tries."""
    tried: list[str] = []

    def noted(what: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            tried.append(what)
            return real(*given, **named)

        return call

    monkeypatch.setattr(module, "measured", noted("texts", measured))
    monkeypatch.setattr(best_layout, "_Trial", noted("layout", best_layout._Trial))
    monkeypatch.setattr(states, "_found", noted("layers", states._found))
    return tried


def loaded(folder: Path, **how: Any) -> Model:
    return load_model(resolve(str(folder)), LoadOptions(**how))


def test_the_second_look_tries_nothing_and_shows_the_same(model: Path, looks: list[str]) -> None:
    rows, sized = first_look(loaded(model), OPTIONS)
    assert sorted(looks) == ["layers", "layout", "texts"]
    looks.clear()
    again = loaded(model)
    rows_again, sized_again = first_look(again, OPTIONS)
    assert not looks
    assert (rows_again, sized_again) == (rows, sized)
    plain = canaries(again)  # layers are hooked as they were found
    for remembered, now in zip(rows_again["vector"].to_pylist(), plain["vector"].to_pylist(), strict=True):
        np.testing.assert_allclose(remembered, now, atol=1e-6)


def test_another_layout_is_looked_for_beside_what_is_remembered(model: Path, looks: list[str]) -> None:
    first_look(loaded(model), OPTIONS)
    looks.clear()
    first_look(loaded(model), OPTIONS, begin_alike=True)
    assert looks == ["layout"]
    looks.clear()
    first_look(loaded(model), OPTIONS, begin_alike=True)
    first_look(loaded(model), OPTIONS)
    assert not looks


OTHERS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "torch": lambda patch: patch.setattr(around, "version", lambda name: f"{name} of tomorrow"),
    "a setting of the libraries": lambda patch: patch.setenv("ONEDNN_DEFAULT_FPMATH_MODE", "BF16"),
    "this program": lambda patch: patch.setattr(around, "__version__", "tomorrow"),
    "a setting of torch": lambda patch: patch.setattr(torch, "get_float32_matmul_precision", lambda: "medium"),
    "a machine with other kernels": lambda patch: patch.setattr(
        torch.backends.cpu, "get_cpu_capability", lambda: "another"
    ),
}


@pytest.mark.parametrize("what", OTHERS)
def test_it_is_looked_anew_with_another(
    what: str, model: Path, looks: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first_look(loaded(model), OPTIONS)
    looks.clear()
    OTHERS[what](monkeypatch)
    first_look(loaded(model), OPTIONS)
    assert sorted(looks) == ["layers", "layout", "texts"]


@pytest.mark.parametrize("how", [{"dtype": "bfloat16"}, {"attention": "eager"}])
def test_it_is_looked_anew_when_loaded_otherwise(how: dict[str, Any], model: Path, looks: list[str]) -> None:
    first_look(loaded(model), OPTIONS)
    looks.clear()
    first_look(loaded(model, **how), OPTIONS)
    assert {"texts", "layout"} <= {*looks}


def test_it_is_looked_anew_at_other_weights_under_the_same_name(tmp_path: Path, looks: list[str]) -> None:
    before = loaded(tiny.save(tmp_path / "mine"))
    first_look(before, OPTIONS)
    looks.clear()
    with torch.no_grad():
        next(before.network.parameters()).add_(0.1)
    before.network.save_pretrained(tmp_path / "mine")
    first_look(loaded(tmp_path / "mine"), OPTIONS)
    assert sorted(looks) == ["layers", "layout", "texts"]


@pytest.mark.parametrize("damage", [b"", b"ARROW1\0\0 and nothing more", None])
def test_a_damaged_note_is_made_anew(damage: bytes | None, model: Path, looks: list[str], place: Path) -> None:
    first_look(loaded(model), OPTIONS)
    (note,) = (place / "cache" / "first_looks").iterdir()
    note.write_bytes(note.read_bytes()[:-200] if damage is None else damage)
    looks.clear()
    first_look(loaded(model), OPTIONS)
    assert sorted(looks) == ["layers", "layout", "texts"]
    looks.clear()
    first_look(loaded(model), OPTIONS)
    assert not looks


def test_what_is_told_of_another_network_is_not_taken_over() -> None:
    network = tiny.network()
    layout = [[[4, [9, 40, 21], 512, ["padded"]], "sideways"]]
    for wrong in ({"layers": "model.none", "layouts": []}, {"layers": "lm_head", "layouts": []}, {"layouts": layout}):
        with pytest.raises((AttributeError, ValueError)):
            take_over(network, wrong)
    assert found_out(network) == {"layouts": []}
