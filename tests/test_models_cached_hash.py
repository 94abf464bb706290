"""What is remembered of weights holds for those weights alone, whatever their path, size and time say."""

import os
from pathlib import Path

import pytest

from llm4es.core.errors import ModelError
from llm4es.core.hashing import file_hash
from llm4es.models import load_model, resolve
from llm4es.models.cached_hash import SAMPLE_BYTES, cached_hash

from . import tiny
from .models import CPU, cache, folder, made

__all__ = ["cache", "folder", "made"]  # fixtures


def put(file: Path, content: bytes, like: os.stat_result) -> None:
    """Other bytes into the same file, of which the times are put back."""
    file.write_bytes(content)
    os.utime(file, ns=(like.st_atime_ns, like.st_mtime_ns))


def test_other_bytes_of_the_same_size_and_time(tmp_path: Path) -> None:
    """The change is where no sample is taken: the time of the inode's change tells."""
    file = tmp_path / "weights"
    content = bytearray(100 * SAMPLE_BYTES)
    file.write_bytes(content)
    before, stat = cached_hash(file), file.stat()
    content[SAMPLE_BYTES + 100] = 1
    put(file, bytes(content), stat)
    assert cached_hash(file) == file_hash(file) != before


def test_other_bytes_that_no_time_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system may give inodes and times of its own making: samples tell."""
    file = tmp_path / "weights"
    file.write_bytes(bytes(100 * SAMPLE_BYTES))
    before, stat = cached_hash(file), file.stat()
    put(file, b"1" * 100 * SAMPLE_BYTES, stat)
    monkeypatch.setattr(Path, "stat", lambda self, **_: stat)
    assert cached_hash(file) != before


def test_a_note_of_the_time_before_samples_is_not_believed(tmp_path: Path, cache: Path) -> None:
    file = tmp_path / "weights"
    file.write_bytes(b"one")
    cached_hash(file)
    (note,) = (cache / "hashes").iterdir()
    stat = file.stat()
    note.write_text(f'{{"size": 3, "mtime_ns": {stat.st_mtime_ns}, "sha256": "of others"}}')
    assert cached_hash(file) == file_hash(file)


def test_weights_replaced_in_place_are_another_model(folder: Path, tmp_path: Path) -> None:
    ref = resolve(str(folder))
    weights = folder / "model.safetensors"
    put(weights, (tiny.save(tmp_path / "other", seed=1) / "model.safetensors").read_bytes(), weights.stat())
    assert resolve(str(folder)).fingerprint != ref.fingerprint
    with pytest.raises(ModelError, match=r"mine was changed on disk after it was looked up \(.*\): start again"):
        load_model(ref, CPU)
