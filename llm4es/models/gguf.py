"""A ``.gguf`` file to a folder that loads fast.

In: a GGUF file. Out: a folder of safetensors, config and tokenizer in the cache, made once: transformers dequantises
GGUF weights to full size whenever it reads them, which takes far longer than reading a safetensors file. Knows nothing
of what the model is used for.
"""

import copy
import functools
import importlib
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

from ..core.cache_folder import cache_dir
from ..core.errors import ModelError, one_line
from ..core.phases import importing, phase
from .cached_hash import cached_hash
from .complete import check_complete

MADE_FROM = "made_from.json"
"""File in the folder that says which GGUF it was made from."""


def dequantized(file: Path, to: Path | None = None) -> Path:
    """The safetensors folder of a GGUF file; ``to`` defaults to one in the cache named by the file's content."""
    digest = cached_hash(file)
    folder = to or _folder_of(file, digest)
    if _made_from(folder) == digest:
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(f".{folder.name}.lock")):
            if _made_from(folder) == digest:  # another process made it while this one waited
                return folder
            part = folder.with_name(f".{folder.name}.part")
            shutil.rmtree(part, ignore_errors=True)  # left by a killed process: we hold the lock
            try:
                _convert(file, part)
                (part / MADE_FROM).write_text(json.dumps({"file": file.name, "sha256": digest}))
                shutil.rmtree(folder, ignore_errors=True)
                part.rename(folder)
            finally:
                shutil.rmtree(part, ignore_errors=True)
    except OSError as error:
        raise ModelError(f"cannot write {folder}: {one_line(error)}; free some space, or set LLM4ES_CACHE") from error
    return folder


def is_dequantized(file: Path) -> bool:
    """Whether the safetensors folder of a GGUF file is in the cache already."""
    digest = cached_hash(file)
    return _made_from(_folder_of(file, digest)) == digest


def _folder_of(file: Path, digest: str) -> Path:
    return cache_dir() / "models" / f"{file.stem}-{digest[:12]}"


def _convert(file: Path, to: Path) -> None:
    """Write the weights in float32, the config and the tokenizer of ``file`` into the new folder ``to``."""
    with importing("torch"):
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        from ..core.quiet import quiet

    with quiet(), _one_reading(), _own_progress(), phase(f"dequantising {file.name}"):
        try:
            tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
            made: Any = AutoModelForCausalLM.from_pretrained(
                file.parent, gguf_file=file.name, dtype=torch.float32, output_loading_info=True
            )
            read, info = made
        except Exception as error:  # a parser over foreign bytes: whatever it raises, the file is what is wrong
            reason = one_line(error, 200)
            raise ModelError(f"{file} cannot be read as a GGUF model ({reason}): fetch it again") from error
        if not check_complete(file.name, file, read, info):
            raise ModelError(f"{file} has no head that predicts tokens: take a GGUF of a causal language model")
        config = copy.deepcopy(read.config)
        if hasattr(config, "quantization_config"):
            del config.quantization_config  # else the dequantised weights are refused as quantised ones
        network = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
        network.load_state_dict(read.state_dict())
        network.save_pretrained(to)
        tokenizer.save_pretrained(to)


@contextmanager
def _one_reading() -> Iterator[None]:
    """Transformers parses the whole file for the settings, the tokenizer and the weights each: let one reading do."""
    library: Any = importlib.import_module("gguf")
    own = library.GGUFReader
    library.GGUFReader = functools.cache(own)
    try:
        yield
    finally:
        library.GGUFReader = own


@contextmanager
def _own_progress() -> Iterator[None]:
    """Transformers draws a bar over the tensors, whatever it was told of bars: whoever listens hears of them."""
    reading: Any = importlib.import_module("transformers.modeling_gguf_pytorch_utils")
    own = getattr(reading, "tqdm", None)

    def tensors(items: Sequence[Any], **_: Any) -> Iterator[Any]:
        with phase("reading weights", len(items), "tensors") as advance:
            for item in items:
                yield item
                advance(1)

    reading.tqdm = tensors
    try:
        yield
    finally:
        reading.tqdm = own


def _made_from(folder: Path) -> str | None:
    """The digest of the GGUF file that a folder was made from; None where there is no whole folder."""
    try:
        return str(json.loads((folder / MADE_FROM).read_text())["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
