"""Models of the Hugging Face hub, without a network."""

import shutil
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from llm4es.core.errors import ModelError
from llm4es.models import hub, pull
from llm4es.models.resolve import resolve

from .models import cache, made

__all__ = ["cache", "made"]  # fixtures


def test_a_model_that_is_not_here_and_no_network() -> None:
    with pytest.raises(ModelError, match=r"no model 'distilgpt2' here, .* cannot be reached: give one of all"):
        resolve("distilgpt2")


def hub_snapshot(tmp_path: Path, made: Path) -> str:
    """Put a repository into the local hub cache as the hub's client would; the commit it is of."""
    commit = "0123456789012345678901234567890123456789"
    repository = tmp_path / "hub" / "models--owner--tiny"
    shutil.copytree(made, repository / "snapshots" / commit)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    return commit


def test_a_model_of_the_local_hub_cache(tmp_path: Path, made: Path) -> None:
    commit = hub_snapshot(tmp_path, made)
    ref = resolve("owner/tiny")
    assert (ref.name, ref.revision) == ("owner/tiny", commit)
    pinned = resolve(f"owner/tiny@{commit}")
    assert (pinned.name, pinned.fingerprint) == (f"owner/tiny@{commit}", ref.fingerprint)


def test_a_half_downloaded_snapshot_is_asked_for_again(tmp_path: Path, made: Path) -> None:
    commit = hub_snapshot(tmp_path, made)
    (tmp_path / "hub/models--owner--tiny/snapshots" / commit / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"owner/tiny is not whole \(.*\): fetch it where the hub can be reached"):
        resolve("owner/tiny")


def test_pull_asks_the_hub(tmp_path: Path, made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    def download(identifier: str, **options: Any) -> str:
        asked.append({"id": identifier, **options})
        return str(made)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    assert pull("owner/tiny@v1").name == "owner/tiny@v1"
    assert [(call["id"], call["revision"], call.get("local_files_only", False)) for call in asked] == [
        ("owner/tiny", "v1", False)
    ]
    assert not any(fnmatch(name, pattern) for name in ("pytorch_model.bin", "model.pt") for pattern in hub.WANTED)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        ("RepositoryNotFoundError", r"no model 'owner/x' on the Hugging Face hub, or none for this token: give one of"),
        ("RevisionNotFoundError", r"owner/x has no revision v9: look it up on huggingface\.co/owner/x"),
    ],
)
def test_what_the_hub_has_not(error: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import httpx2
    from huggingface_hub import errors

    def download(*_: Any, **__: Any) -> str:
        raise getattr(errors, error)("no", response=httpx2.Response(404, request=httpx2.Request("GET", "http://hub")))

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    with pytest.raises(ModelError, match=message):
        pull("owner/x@v9")
