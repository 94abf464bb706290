"""The control tokens of a model by their names, read without loading a tokenizer.

In: a model folder. Out: strings. Imports neither tokenizers nor transformers, so that planning costs nothing.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .json_files import read_object

NAMED = ("bos_token", "eos_token", "pad_token", "cls_token", "sep_token", "mask_token")
LISTED = ("additional_special_tokens", "extra_special_tokens")
"""Settings of ``tokenizer_config.json`` that make strings control tokens."""


def control_strings(folder: Path) -> list[str]:
    """Names of special tokens, as ``tokenizer.json`` and ``tokenizer_config.json`` have them, sorted."""
    read = {name: _object(folder / name) for name in ("tokenizer.json", "tokenizer_config.json")}
    settings = read["tokenizer_config.json"]
    decoder = settings.get("added_tokens_decoder")
    added = read["tokenizer.json"].get("added_tokens")
    tokens = [*(added if isinstance(added, list) else []), *(decoder.values() if isinstance(decoder, Mapping) else [])]
    names = [token.get("content") for token in tokens if isinstance(token, Mapping) and token.get("special")]
    names += [_name(settings.get(name)) for name in NAMED]
    for name in LISTED:
        names += [_name(token) for token in _listed(settings.get(name))]
    return sorted({name for name in names if isinstance(name, str) and name})


def _name(token: Any) -> Any:
    """A token is its name, or settings that hold it."""
    return token.get("content") if isinstance(token, Mapping) else token


def _listed(tokens: Any) -> list[Any]:
    """Tokens of a list, or of an object that gives each a use; none of anything else."""
    if isinstance(tokens, Mapping):
        return list(tokens.values())
    return tokens if isinstance(tokens, list) else []


def _object(file: Path) -> dict[str, Any]:
    return read_object(file) if file.is_file() else {}
