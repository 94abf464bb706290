"""What a model folder says of itself, read without loading it.

In: a folder of ``config.json``, tokenizer files and safetensors weights (or of an adapter's). Out: its shape, whether
it is whole, and a fingerprint of everything in it that moves a vector. Imports neither torch nor transformers, so that
a run that finds nothing to do costs nothing. Knows no model by name.
"""

import json
import os
import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.cache_folder import cache_dir
from ..core.errors import ModelError, one_line
from ..core.hashing import canonical_json, file_hash, text_hash

UNBOUNDED = 1 << 30
"""The context of a model whose positions have no end."""

LAYER_KEYS = ("num_hidden_layers", "n_layer", "num_layers", "n_layers")
WIDTH_KEYS = ("hidden_size", "n_embd", "d_model", "dim")
CONTEXT_KEYS = ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "max_sequence_length")
"""The names that architectures give to one thing in ``config.json``, the commonest first."""

PICKLED = ("pytorch_model*.bin", "*.pt", "*.pth", "*.ckpt")
"""Weights that run code when they are read: named in the refusal, never opened."""

TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "tokenizer.model",
    "spiece.model",
)

VOLATILE = ("transformers_version", "_name_or_path", "name_or_path", "dtype", "torch_dtype", "use_cache", "is_local")
VOLATILE_ADAPTER = ("base_model_name_or_path", "revision", "peft_version", "inference_mode")
"""Settings that differ between two savings of one model and move no vector."""

UNORDERED_ADAPTER = ("target_modules", "exclude_modules", "modules_to_save")
"""Settings that are sets, and that peft writes in another order in every process."""


@dataclass(frozen=True)
class NetworkShape:
    """The sizes of a decoder."""

    n_layers: int
    """Transformer layers."""

    dim: int
    """Width of a token's state."""

    context: int
    """Tokens that the model has positions for."""


def read_shape(folder: Path) -> NetworkShape:
    """The sizes in the folder's ``config.json``."""
    config = _config(folder / "config.json")
    if config.get("is_encoder_decoder"):
        raise ModelError(f"{folder} holds an encoder-decoder ({config.get('model_type')}): give a decoder-only model")
    inner = {**config, **config.get("text_config", {})}  # models that also see keep the language part's sizes there
    layers, dim = _first(inner, LAYER_KEYS), _first(inner, WIDTH_KEYS)
    if layers is None or dim is None:
        raise ModelError(f"{folder}/config.json says no number of layers or no width: it is no language model's folder")
    return NetworkShape(layers, dim, _first(inner, CONTEXT_KEYS) or UNBOUNDED)


def check_folder(folder: Path) -> None:
    """Raise where the folder is no model, has no safetensors, or lacks a part of them."""
    if not (folder / "config.json").is_file():
        raise ModelError(f"{folder} is no model folder (no config.json): give the folder that save_pretrained wrote")
    _whole_weights(folder, "model")


def check_adapter(folder: Path) -> None:
    """Raise where the folder is no adapter, has no safetensors, or lacks a part of them."""
    if not (folder / "adapter_config.json").is_file():
        raise ModelError(f"{folder} is no adapter folder (no adapter_config.json): tune the model again")
    _whole_weights(folder, "adapter_model")


def folder_fingerprint(folder: Path, hash_of: Callable[[Path], str] | None = None) -> str:
    """SHA-256 over weights, tokenizer, settings and code of a model folder.

    ``hash_of`` reads each file; None: ``cached_hash``, which trusts a file's size and time.
    """
    hash_of = hash_of or cached_hash
    settings = _settings(folder / "config.json", VOLATILE)
    tokenizer = {name: _content(folder / name, hash_of) for name in TOKENIZER_FILES if (folder / name).is_file()}
    weights = {file.name: hash_of(file) for file in _weight_files(folder, "model")}
    code = {file.name: hash_of(file) for file in sorted(folder.glob("*.py"))}  # most models bring none
    return text_hash(canonical_json({"config": settings, "tokenizer": tokenizer, "weights": weights} | code))


def adapter_fingerprint(folder: Path, base: str, hash_of: Callable[[Path], str] | None = None) -> str:
    """SHA-256 over an adapter and the fingerprint of its base; ``hash_of`` as of ``folder_fingerprint``."""
    settings = _settings(folder / "adapter_config.json", VOLATILE_ADAPTER)
    settings |= {name: sorted(settings[name]) for name in UNORDERED_ADAPTER if isinstance(settings.get(name), list)}
    weights = {file.name: (hash_of or cached_hash)(file) for file in _weight_files(folder, "adapter_model")}
    return text_hash(canonical_json({"base": base, "adapter": settings, "weights": weights}))


def cached_hash(file: Path) -> str:
    """SHA-256 of a file, read once a (size, time of change) and remembered in the cache folder."""
    path, stat = file.resolve(), file.stat()
    seen = {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns}
    note = cache_dir() / "hashes" / f"{text_hash(str(path))[:32]}.json"
    try:
        remembered = json.loads(note.read_text())
        if {name: remembered[name] for name in seen} == seen:
            return str(remembered["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # not remembered, or not readable: hash it
    digest = file_hash(path)
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        part = note.with_suffix(f".{os.getpid()}.part")
        part.write_text(json.dumps({**seen, "sha256": digest}))
        part.replace(note)
    except OSError:
        pass  # a cache that cannot be written costs time, nothing else
    return digest


def _weight_files(folder: Path, stem: str) -> list[Path]:
    """The safetensors files that make up the weights, sorted by name."""
    index = folder / f"{stem}.safetensors.index.json"
    if index.is_file():
        parts = _config(index).get("weight_map")
        if not isinstance(parts, Mapping) or not parts:
            raise ModelError(f"{index} names no files of weights: fetch the model again")
        return sorted({folder / str(name) for name in parts.values()})
    return sorted(folder.glob(f"{stem}*.safetensors"))


def _whole_weights(folder: Path, stem: str) -> None:
    """Raise where the weights are missing, pickled, or shorter than their headers say."""
    files = _weight_files(folder, stem)
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
    """Bytes that a safetensors file should have by its header; 0 where there is no header."""
    with file.open("rb") as opened:
        start = opened.read(8)
        if len(start) < 8:
            return 0
        (length,) = struct.unpack("<Q", start)
        if length > file.stat().st_size:
            return 0
        try:
            header = json.loads(opened.read(length))
            ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
        except (ValueError, KeyError, TypeError, IndexError, AttributeError):
            return 0
    return 8 + int(length) + max(ends, default=0)


def _content(file: Path, hash_of: Callable[[Path], str]) -> Any:
    """A tokenizer file's settings, or its hash where it is none."""
    return _settings(file, VOLATILE) if file.name == "tokenizer_config.json" else hash_of(file)


def _settings(file: Path, volatile: Iterable[str]) -> dict[str, Any]:
    """A JSON file's settings but the volatile ones."""
    return {name: value for name, value in _config(file).items() if name not in volatile}


def _config(file: Path) -> dict[str, Any]:
    """A JSON object in a file."""
    try:
        read = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"cannot read {file} ({one_line(error)}): fetch the model again") from error
    if not isinstance(read, dict):
        raise ModelError(f"{file} holds no JSON object: fetch the model again")
    return read


def _first(config: Mapping[str, Any], names: Iterable[str]) -> int | None:
    """The first of these settings that is a number."""
    return next((int(config[name]) for name in names if isinstance(config.get(name), int)), None)
