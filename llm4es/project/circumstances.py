"""All that decides what states a loaded model gives on this machine: where it is the same, so are they.

In: a loaded model. Out: plain values. Runs no network.
"""

import os
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.hashing import text_hash
from ..core.version import __version__

if TYPE_CHECKING:
    from ..models.load import Model

LIBRARIES = ("torch", "transformers", "tokenizers", "accelerate", "bitsandbytes", "flash-attn", "kernels", "triton")
"""Whose release can change what a network gives, or which kernels it runs on."""

VARIABLES = ("TORCH", "PYTORCH", "TRANSFORMERS", "ATEN", "ONEDNN", "DNNL", "MKL", "CUDA", "CUBLAS", "CUDNN", "NVIDIA")
"""Beginnings of the names of environment variables that can."""


def circumstances(model: "Model") -> dict[str, Any]:
    """All that the states of a loaded model depend on, and the kernels that give them.

    Parameters
    ----------
    model : Model
        Just loaded.

    Returns
    -------
    dict
        Plain values.
    """
    import torch

    network, device = model.network, model.device
    written = Path(str(sys.modules[type(network).__module__].__file__)).stat()
    return {
        "space": model.fingerprint,  # weights, tokenizer, adapter, code of its own, number format, quantization
        "loaded": repr(model.options),
        "attention": getattr(network.config, "_attn_implementation", None),
        "architecture": [type(network).__qualname__, written.st_size, written.st_mtime_ns],
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else str(device),
        "libraries": {name: _release(name) for name in LIBRARIES},
        "torch": [torch.version.git_version, torch.version.cuda, torch.backends.cpu.get_cpu_capability()],
        "settings": [
            torch.get_num_threads(),
            torch.get_float32_matmul_precision(),
            torch.are_deterministic_algorithms_enabled(),
        ],
        "machine": [platform.platform(), platform.machine(), platform.node(), platform.python_version()],
        "environment": {name: os.environ[name] for name in sorted(os.environ) if name.startswith(VARIABLES)},
        "code": [__version__, *_code()],
    }


def _release(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None


def _code() -> Iterator[str]:
    """Hashes of the modules that lay tokens out, take states and sum them."""
    for folder in ("inputs", "embed"):
        for file in sorted((Path(__file__).parent.parent / folder).glob("*.py")):
            yield text_hash(file.read_text(encoding="utf-8"))
