"""``embed --compile``: the vectors of the plain layers, or one line that says why they were not compiled."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import Tensor

from llm4es import Project
from llm4es.core.errors import OptionError
from llm4es.embed import compiled
from llm4es.inputs.states import layers_to_hook
from llm4es.models import load_model
from llm4es.models.load import Model
from llm4es.models.resolve import resolve
from llm4es.options import EmbedOptions, EngineName

from . import shop, tiny
from .heard import Heard
from .models import CPU
from .test_embed import run


@pytest.fixture(autouse=True)
def traced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Layers are traced as for a compiler and run as they are traced: a compiler of C++ would take a minute."""
    monkeypatch.setattr(compiled, "BACKEND", "eager")


def loaded(folder: Path, architecture: str) -> Model:
    return load_model(resolve(str(tiny.save(folder / architecture, architecture))), CPU)


def vectors(model: Model, **options: Any) -> np.ndarray:
    many = tiny.texts(*[(f"e{i}", "9\n" + "\n".join("5 6" for _ in range(1 + 7 * i % 5))) for i in range(12)])
    rows = run(many, model=model, k=(1, 2, 0), max_length=16, batch_tokens=48, **options)
    return np.array([row["vector"] for row in rows])


@pytest.mark.parametrize("architecture", ["llama", "gpt2", "gemma3"])
def test_vectors_are_those_of_the_plain_layers(tmp_path: Path, architecture: str) -> None:
    model = loaded(tmp_path, architecture)
    plain = vectors(model)
    forwards = [compiled._own(layer) for layer in layers_to_hook(model.network, 4) or ()]
    np.testing.assert_allclose(vectors(model, compile=True), plain, rtol=1e-5, atol=1e-5)
    now = [compiled._own(layer) for layer in layers_to_hook(model.network, 4) or ()]
    assert len(now) == 4
    assert not any(new is old for new, old in zip(now, forwards, strict=True))


def test_it_changes_no_configuration() -> None:
    assert EmbedOptions(compile=True).fingerprint() == EmbedOptions().fingerprint()
    with pytest.raises(OptionError, match=r"^--compile with --engine openai: leave it out"):
        EmbedOptions(compile=True, engine=EngineName.OPENAI)


def test_without_a_compiler_the_layers_run_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_compiler(*_: object) -> None:
        raise RuntimeError("no working C++ compiler\nis found")

    monkeypatch.setattr(compiled, "BACKEND", no_compiler)
    model = loaded(tmp_path, "llama")
    plain = vectors(model)
    with pytest.warns(UserWarning, match=r"^--compile: the layers run as they are \(.*no working C\+\+ compiler is fo"):
        found = vectors(model, compile=True)
    np.testing.assert_array_equal(found, plain)


def test_layers_that_compile_to_something_else_are_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def doubled(graph: Any, _: object) -> Any:
        return lambda *given: [2 * out if isinstance(out, Tensor) else out for out in graph(*given)]

    monkeypatch.setattr(compiled, "BACKEND", doubled)
    model = loaded(tmp_path, "llama")
    plain = vectors(model)
    with pytest.warns(UserWarning, match=r"compiled layers differ by \d+"):
        found = vectors(model, compile=True)
    np.testing.assert_array_equal(found, plain)


def test_the_step_says_so_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = Heard()
    project = Project(str(shop.write(tmp_path / "shop")), tmp_path / "store", observer=heard)
    project.serialize()
    model = tiny.save(tmp_path / "tiny")
    monkeypatch.setattr(compiled, "BACKEND", "no-such-backend")
    assert project.embed(str(model), k=1, max_length=64, compile=True).computed == 20
    assert heard.since().count("--compile: the layers run as they are (") == 1
    assert project.embed(str(model), k=1, max_length=64).computed == 0
