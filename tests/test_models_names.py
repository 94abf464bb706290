"""A model's name with a slip in it: what was probably meant, in one line."""

from pathlib import Path

import pytest

from llm4es.core.errors import ModelError
from llm4es.models.ref import StoredModel
from llm4es.models.resolve import resolve
from llm4es.models.suggest import remedy

from . import tiny
from .models import cache, folder, made

__all__ = ["cache", "folder", "made"]  # fixtures

STORED = {name: StoredModel(name, Path("nowhere"), "full", "smollm2-135m") for name in ("bank-tuned", "shop-tuned")}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("smollm2-135", "smollm2-135m"),
        ("SmolLM2-135M", "smollm2-135m"),
        ("smolm-135m", "smollm2-135m"),
        ("bank-tunned", "bank-tuned"),
        ("shop-tuned2", "shop-tuned"),
    ],
)
def test_a_near_name_is_suggested(typed: str, meant: str) -> None:
    with pytest.raises(ModelError) as caught:
        resolve(typed, STORED)
    assert str(caught.value).endswith(f": did you mean {meant}?")
    assert str(caught.value).startswith(f"no model {typed!r} here, and the Hugging Face hub cannot be reached: did you")
    assert len(str(caught.value)) < 160  # the hub's paragraph is not in it


def test_a_near_folder_is_suggested_as_it_would_be_typed(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny.save(tmp_path / "tinyllama")
    (tmp_path / "tinyllamas").mkdir()  # no model
    (tmp_path / "model.gguf").write_bytes(b"GGUF")
    monkeypatch.chdir(tmp_path)
    for typed, meant in (
        ("tinylama", "tinyllama"),
        ("./tinylama", "./tinyllama"),
        (f"{tmp_path}/tinyllam", f"{tmp_path}/tinyllama"),
        ("./modell.gguf", "./model.gguf"),
    ):
        with pytest.raises(ModelError) as caught:
            resolve(typed)
        assert str(caught.value).endswith(f": did you mean {meant}?"), typed


def test_a_name_like_no_other_gets_the_names_there_are() -> None:
    known = "all-minilm-l6-v2, bank-tuned, shop-tuned, smollm2-135m"
    with pytest.raises(ModelError, match=rf"be reached: give one of {known}$"):
        resolve("gpt2", STORED)


def test_a_name_of_the_store_and_of_a_folder_is_suggested_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.save(tmp_path / "tiny")
    monkeypatch.chdir(tmp_path)
    assert remedy("tinny", ["tiny", "smollm2-135m"], "") == "did you mean tiny?"


@pytest.mark.parametrize("name", ["", " "])
def test_no_name_is_not_the_folder_that_one_is_in(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.save(tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError) as caught:
        resolve(name, STORED)
    assert str(caught.value) == (
        f"--model {name!r} names no model: give a folder, a .gguf file, a Hugging Face id or one of "
        "all-minilm-l6-v2, bank-tuned, shop-tuned, smollm2-135m"
    )


def test_several_near_names() -> None:
    assert remedy("mine", ["mine-1", "mine-2", "yours"], "") == "did you mean mine-2 or mine-1?"
