"""The safetensors files of a model or an adapter: which they are, and whether they are whole.

In: a folder and the files' stem. Out: paths, or an error that names the file. Reads headers, never a weight.
"""

import json
import re
import struct
from collections.abc import Mapping
from pathlib import Path

from ..core.errors import ModelError
from .json_files import read_object

PICKLED = ("pytorch_model*.bin", "*.pt", "*.pth", "*.ckpt")
"""Weights that run code when they are read: named in the refusal, never opened."""

NAMED = (".safetensors", ".safetensors.index.json")
"""Files of weights that settings may name."""

WHOLE_NUMBERS = re.compile("[IU][0-9]+|BOOL")
"""Number formats that no weight has but quantised ones, and ``config.json`` says that they are."""

EXPERT = re.compile(r"(.*\bexperts\.)(\d{1,4})(\..*)")
"""A tensor of one of a layer's experts: what stands before its number and behind it."""

LONGEST_HEADER = 100_000_000
"""Bytes of a header that the safetensors library reads."""


def weight_files(folder: Path, stem: str) -> list[Path]:
    """The safetensors files that make up the weights, sorted by name: those that transformers reads."""
    whole, index = folder / f"{stem}.safetensors", folder / f"{stem}.safetensors.index.json"
    named = _named(folder, stem)
    if named is not None and not named.name.endswith(".index.json"):
        return [named]
    index = named or index
    if not index.is_file():
        return [index] if named else sorted(folder.glob(f"{stem}*.safetensors"))
    parts = read_object(index).get("weight_map")
    if not isinstance(parts, Mapping) or not parts:
        raise ModelError(f"{index} names no files of weights: fetch the model again")
    files = sorted({folder / str(name) for name in parts.values()})
    left_over = whole not in files and whole.is_file() and named is None  # the index: the whole is what is read
    return [whole] if left_over else files


def _named(folder: Path, stem: str) -> Path | None:
    """The file of weights that the settings name, where they do."""
    settings = folder / "config.json"
    name = read_object(settings).get("transformers_weights") if stem == "model" and settings.is_file() else None
    if name is None:
        return None
    if not isinstance(name, str) or not name.endswith(NAMED):
        raise ModelError(f"{settings} says transformers_weights {name!r}: name a file of safetensors in the folder")
    return folder / name


def check_weights(folder: Path, stem: str) -> None:
    """Raise where the weights are missing, pickled, or not as long as their headers say."""
    files = weight_files(folder, stem)
    if not files:
        pickled = sorted(file.name for pattern in PICKLED for file in folder.glob(pattern))
        found = f"only pickled ones ({pickled[0]}), which can run code" if pickled else "none at all"
        raise ModelError(f"{folder} has no safetensors weights, {found}: save them with safe_serialization")
    for file in files:
        if not file.is_file():
            raise ModelError(f"{folder} lacks the file {file.name}: fetch the model again")
        header = _header(file)
        if header is None:
            raise ModelError(f"{file} is cut short or damaged: fetch the model again")
        whole = [name for name in header if name.endswith(".weight") and WHOLE_NUMBERS.fullmatch(header[name])]
        if whole and not _quantised(folder):
            raise ModelError(
                f"{file} has whole numbers ({header[whole[0]]}) in {whole[0]}, and config.json says of no quantization:"
                " fetch the model again"
            )


def check_experts(name: str, folder: Path) -> None:
    """Raise where one of a layer's experts has not the tensors of the others.

    transformers puts the experts of a file together in the order of their numbers: without one, or with one of another
    number, each would follow another's line of the router.
    """
    names = {key for file in weight_files(folder, "model") for key in _header(file) or {}}
    parts = [found.groups() for found in map(EXPERT.fullmatch, names) if found]
    n_experts: dict[str, int] = {}
    for before, number, _ in parts:
        n_experts[before] = max(n_experts.get(before, 0), int(number) + 1)
    kinds = {(before, after) for before, _, after in parts}
    lacks = sorted({f"{b}{number}{after}" for b, after in kinds for number in range(n_experts[b])} - names)
    if lacks:
        more = f" and {len(lacks) - 1} more" if len(lacks) > 1 else ""
        raise ModelError(
            f"the weights of {name} are not whole: {folder} lacks {lacks[0]}{more}: fetch or save the model again"
        )


def _quantised(folder: Path) -> bool:
    settings = folder / "config.json"
    return settings.is_file() and read_object(settings).get("quantization_config") is not None


def _header(file: Path) -> dict[str, str] | None:
    """Number formats by tensor; None where a safetensors file has no header, or not the length that it says."""
    with file.open("rb") as opened:
        start = opened.read(8)
        if len(start) < 8:
            return None
        (length,) = struct.unpack("<Q", start)
        if length > min(file.stat().st_size, LONGEST_HEADER):
            return None
        try:
            read = json.loads(opened.read(length))
            header = {name: entry for name, entry in read.items() if name != "__metadata__"}
            ends = [int(entry["data_offsets"][1]) for entry in header.values()]
            formats = {name: str(entry["dtype"]) for name, entry in header.items()}
        except (ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError, RecursionError):
            return None
    return formats if file.stat().st_size == 8 + int(length) + max(ends, default=0) else None
