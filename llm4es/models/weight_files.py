"""The safetensors files of a model or an adapter: which they are, and whether they are whole.

In: a folder and the files' stem. Out: paths, or an error that names the file. Reads headers, never a weight.
"""

import json
import struct
from collections.abc import Mapping
from pathlib import Path

from ..core.errors import ModelError
from .json_files import read_object

PICKLED = ("pytorch_model*.bin", "*.pt", "*.pth", "*.ckpt")
"""Weights that run code when they are read: named in the refusal, never opened."""

LONGEST_HEADER = 100_000_000
"""Bytes of a header that the safetensors library reads."""


def weight_files(folder: Path, stem: str) -> list[Path]:
    """The safetensors files that make up the weights, sorted by name."""
    index = folder / f"{stem}.safetensors.index.json"
    if index.is_file():
        parts = read_object(index).get("weight_map")
        if not isinstance(parts, Mapping) or not parts:
            raise ModelError(f"{index} names no files of weights: fetch the model again")
        return sorted({folder / str(name) for name in parts.values()})
    return sorted(folder.glob(f"{stem}*.safetensors"))


def check_weights(folder: Path, stem: str) -> None:
    """Raise where the weights are missing, pickled, or not as long as their headers say."""
    files = weight_files(folder, stem)
    if not files:
        pickled = sorted(file.name for pattern in PICKLED for file in folder.glob(pattern))
        found = f"only pickled ones ({pickled[0]}), which can run code" if pickled else "none at all"
        raise ModelError(f"{folder} has no safetensors weights, {found}: save them with safe_serialization")
    for file in files:
        if not file.is_file():
            raise ModelError(f"{folder} lacks {file.name}, which its index names: fetch the model again")
        if file.stat().st_size != _expected_size(file):
            raise ModelError(f"{file} is cut short or damaged: fetch the model again")


def _expected_size(file: Path) -> int:
    """Bytes that a safetensors file should have by its header; -1 where there is no header."""
    with file.open("rb") as opened:
        start = opened.read(8)
        if len(start) < 8:
            return -1
        (length,) = struct.unpack("<Q", start)
        if length > min(file.stat().st_size, LONGEST_HEADER):
            return -1
        try:
            header = json.loads(opened.read(length))
            ends = [int(entry["data_offsets"][1]) for name, entry in header.items() if name != "__metadata__"]
        except (ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError, RecursionError):
            return -1
    return 8 + int(length) + max(ends, default=0)
