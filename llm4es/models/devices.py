"""Which device, number format and attention a load gets.

In: ``LoadOptions``. Out: their names. Torch is asked only where an NVIDIA driver is to be seen, or on a Mac: on other
machines 'auto' is the CPU and float32, and finding that out must cost nothing. Knows no model.
"""

import importlib.util
import sys
from functools import cache
from pathlib import Path

from ..core.errors import ModelError
from ..options import Attention, Device, Dtype, LoadOptions

DRIVERS = ("/proc/driver/nvidia/version", "/dev/nvidiactl", "/dev/dxg", r"C:\Windows\System32\nvcuda.dll")
"""Files one of which is there where CUDA can work (Linux, WSL, Windows)."""


def device_name(options: LoadOptions) -> str:
    """'cpu', 'cuda' or 'mps'."""
    if options.device == Device.SPLIT:
        return "cuda" if _cuda() else "cpu"
    if options.device == Device.AUTO:
        return "cuda" if _cuda() else "mps" if _mps() and _mps_works() else "cpu"
    if options.device == Device.CUDA and not _cuda():
        raise ModelError(
            "--device cuda: torch sees no CUDA device here; give --device cpu, or install a CUDA build of torch"
        )
    if options.device == Device.MPS and not _mps():
        raise ModelError("--device mps: torch sees no Apple GPU here; give --device cpu")
    return options.device.value


def number_format(options: LoadOptions) -> str:
    """'float32', 'bfloat16' or 'float16'."""
    if options.dtype != Dtype.AUTO:
        return options.dtype.value
    if device_name(options) == "cuda":
        import torch

        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    return "float32"


def attention_name(options: LoadOptions) -> str | None:
    """What transformers calls the attention to run; None leaves the choice to it."""
    flash = importlib.util.find_spec("flash_attn") is not None
    if options.attention == Attention.FLASH and not flash:
        raise ModelError(
            "--attention flash_attention_2 needs flash-attn, which is not installed: give --attention sdpa"
        )
    if options.attention != Attention.AUTO:
        return options.attention.value
    fits = device_name(options) == "cuda" and number_format(options) != "float32"
    return Attention.FLASH.value if flash and fits else None


def _cuda() -> bool:
    if not any(Path(driver).exists() for driver in DRIVERS):
        return False
    import torch

    return torch.cuda.is_available()


def _mps() -> bool:
    if sys.platform != "darwin":
        return False
    import torch

    return torch.backends.mps.is_available()


@cache
def _mps_works() -> bool:
    """Whether an Apple GPU multiplies: it is listed in virtual machines that have none, and by torch too old for it."""
    import torch

    try:
        ones = torch.ones(2, 2, device="mps")
        return (ones @ ones).cpu().tolist() == [[2.0, 2.0], [2.0, 2.0]]
    except (RuntimeError, NotImplementedError, AssertionError):
        return False
