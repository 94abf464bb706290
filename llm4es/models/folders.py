"""What a model folder says of itself, read without loading it.

In: a folder of ``config.json``, tokenizer files and safetensors weights (or of an adapter's). Out: its shape, whether
it is whole, and a fingerprint of everything in it that moves a vector. Imports neither torch nor transformers, so that
a run that finds nothing to do costs nothing. Knows no model by name.
"""

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.errors import ModelError, one_line
from ..core.hashing import canonical_json, text_hash
from .architecture import is_encoder, positions, was_read_causally
from .cached_hash import cached_hash
from .json_files import read_object
from .weight_files import check_weights, weight_files

UNBOUNDED = 1 << 30
"""The context of a model whose positions have no end."""

LAYER_KEYS = ("num_hidden_layers", "n_layer", "num_layers", "n_layers")
WIDTH_KEYS = ("hidden_size", "n_embd", "d_model", "dim", "emb_dim")
CONTEXT_KEYS = ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "max_sequence_length")
"""The names that architectures give to one thing in ``config.json``, the commonest first."""

MOST = {"layers": 10_000, "width": 1_000_000}
"""Sizes above which a setting is a slip, not a model: torch would build it before it finds out."""

ADAPTER_SETTINGS = "adapter_config.json"
"""The file that makes a folder an adapter's."""

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
    """The sizes of a network, and which way it reads."""

    n_layers: int
    """Transformer layers."""

    dim: int
    """Width of a token's state."""

    context: int
    """Tokens that the model has positions for."""

    encoder: bool
    """Whether it reads in both directions: see ``architecture.is_encoder``."""

    was_read_causally: bool
    """Whether versions up to 0.1 read it in one direction."""


def read_shape(folder: Path) -> NetworkShape:
    """The sizes in the folder's ``config.json``."""
    config = read_object(folder / "config.json")
    if config.get("is_encoder_decoder"):
        raise ModelError(
            f"{folder} holds an encoder-decoder ({config.get('model_type')}): give a decoder or an encoder alone"
        )
    text = config.get("text_config")  # models that also see keep the language part's sizes there
    inner = {**config, **text} if isinstance(text, Mapping) else config
    layers = _size(folder, inner, LAYER_KEYS, MOST["layers"])
    if layers is None and isinstance(kinds := inner.get("layers_block_type"), list):  # Nemotron-H says each one's kind
        layers = len(kinds)
    dim = _size(folder, inner, WIDTH_KEYS, MOST["width"])
    if layers is None or dim is None:
        raise ModelError(f"{folder}/config.json says no number of layers or no width: it is no language model's folder")
    context = _size(folder, inner, CONTEXT_KEYS, sys.maxsize, least=0) or UNBOUNDED
    return NetworkShape(
        layers, dim, min(positions(inner, context), UNBOUNDED), is_encoder(config), was_read_causally(config)
    )


def check_folder(folder: Path) -> None:
    """Raise where the folder is no model, has no safetensors, lacks a part of them, or is an adapter's as well."""
    adapter, model = ((folder / name).is_file() for name in (ADAPTER_SETTINGS, "config.json"))
    if adapter and model and weight_files(folder, "model"):
        raise ModelError(
            f"{folder} holds an adapter ({ADAPTER_SETTINGS}) and full weights, and which is meant is open: move"
            " the adapter's files to a folder of their own"
        )
    if adapter:
        base = read_object(folder / ADAPTER_SETTINGS).get("base_model_name_or_path")
        raise ModelError(
            f"{folder} is a LoRA on {base or 'another model'}, not a model: merge them (peft: AutoPeftModelForCausalLM"
            ".from_pretrained(...).merge_and_unload().save_pretrained(...)) and give that folder"
        )
    if not model:
        raise ModelError(f"{folder} is no model folder (no config.json): give the folder that save_pretrained wrote")
    check_weights(folder, "model")


def check_adapter(folder: Path) -> None:
    """Raise where the folder is no adapter, has no safetensors, or lacks a part of them."""
    if not (folder / ADAPTER_SETTINGS).is_file():
        raise ModelError(f"{folder} is no adapter folder (no adapter_config.json): tune the model again")
    check_weights(folder, "adapter_model")


def folder_fingerprint(folder: Path, hash_of: Callable[[Path], str] | None = None) -> str:
    """SHA-256 over weights, tokenizer, settings and code of a model folder.

    ``hash_of`` reads each file; None: ``cached_hash``, which trusts what a file shows.
    """
    hash_of = hash_of or cached_hash
    settings = _settings(folder / "config.json", VOLATILE)
    tokenizer = {name: _content(folder / name, hash_of) for name in TOKENIZER_FILES if (folder / name).is_file()}
    weights = {file.name: hash_of(file) for file in weight_files(folder, "model")}
    code = {file.name: hash_of(file) for file in sorted(folder.glob("*.py"))}  # most models bring none
    return _hashed(folder, {"config": settings, "tokenizer": tokenizer, "weights": weights} | code)


def adapter_fingerprint(folder: Path, base: str, hash_of: Callable[[Path], str] | None = None) -> str:
    """SHA-256 over an adapter and the fingerprint of its base; ``hash_of`` as of ``folder_fingerprint``."""
    settings = _settings(folder / ADAPTER_SETTINGS, VOLATILE_ADAPTER)
    settings |= {name: sorted(settings[name]) for name in UNORDERED_ADAPTER if isinstance(settings.get(name), list)}
    weights = {file.name: (hash_of or cached_hash)(file) for file in weight_files(folder, "adapter_model")}
    return _hashed(folder, {"base": base, "adapter": settings, "weights": weights})


def check_unchanged(name: str, folder: Path, adapter: Path | None, fingerprint: str) -> None:
    """Raise where a model on disk is not the one of that fingerprint any more."""
    now = folder_fingerprint(folder)
    if (now if adapter is None else adapter_fingerprint(adapter, now)) != fingerprint:
        raise ModelError(f"{name} was changed on disk after it was looked up ({adapter or folder}): start again")


def _hashed(folder: Path, what: dict[str, Any]) -> str:
    """SHA-256 of settings and hashes; settings may hold numbers and letters that JSON cannot carry."""
    try:
        return text_hash(canonical_json(what))
    except (ValueError, RecursionError) as error:
        raise ModelError(
            f"the settings in {folder} make no sense ({one_line(error)}): fetch the model again"
        ) from error


def _content(file: Path, hash_of: Callable[[Path], str]) -> Any:
    """A tokenizer file's settings, or its hash where it is none."""
    return _settings(file, VOLATILE) if file.name == "tokenizer_config.json" else hash_of(file)


def _settings(file: Path, volatile: Iterable[str]) -> dict[str, Any]:
    """A JSON file's settings but the volatile ones."""
    return {name: value for name, value in read_object(file).items() if name not in volatile}


def _size(folder: Path, config: Mapping[str, Any], names: Iterable[str], most: int, least: int = 1) -> int | None:
    """The first of these settings that is there; None where there is none."""
    found = next((name for name in names if config.get(name) is not None), None)
    if found is None:
        return None
    value = config[found]
    if type(value) is not int or not least <= value <= most:
        shown = one_line(repr(value), 40)
        raise ModelError(
            f"{folder}/config.json says {found} {shown}, which is no number from {least} to {most}: fetch or save the"
            " model again"
        )
    return value
