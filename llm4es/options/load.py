"""How a model is loaded: quantization, number format, device, attention.

In: what a user typed. Out: checked values. Imports nothing heavy.
"""

from dataclasses import dataclass
from enum import StrEnum

from .base import Options
from .panels import Panel
from .setting import option


class LoadIn(StrEnum):
    """Quantization of the weights when they are loaded, by bitsandbytes."""

    NONE = "none"
    INT8 = "8bit"
    NF4 = "4bit"


class Dtype(StrEnum):
    """Number format of weights and activations."""

    AUTO = "auto"  # bfloat16 on CUDA devices that have it, else float32
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"


class Device(StrEnum):
    """Where a model runs."""

    AUTO = "auto"  # CUDA where there is one, else an Apple GPU that works, else CPU
    CPU = "cpu"
    CUDA = "cuda"
    MPS = "mps"
    SPLIT = "split"  # one model over all GPUs, and over memory and disk where they lack room


class Attention(StrEnum):
    """Which implementation of attention a model runs."""

    AUTO = "auto"  # FlashAttention on CUDA where it is installed, else what transformers takes for the architecture
    SDPA = "sdpa"  # torch's scaled_dot_product_attention
    EAGER = "eager"  # plain matrix products
    FLASH = "flash_attention_2"  # arXiv 2307.08691; CUDA, half precision


@dataclass(frozen=True)
class LoadOptions(Options):
    """How a model is loaded."""

    load_in: LoadIn = option(
        LoadIn.NONE, "Quantise the weights by bitsandbytes (the extra `quant`).", group=Panel.LOADING
    )

    dtype: Dtype = option(Dtype.AUTO, "Number format of weights and activations.", group=Panel.LOADING)

    device: Device = option(
        Device.AUTO,
        "Where the model runs; auto: CUDA, else MPS, where there is; split: one model over all GPUs.",
        group=Panel.LOADING,
        changes_result=False,
    )
    """``auto`` splits a model by itself where no single GPU has room for it."""

    attention: Attention = option(
        Attention.AUTO,
        "Implementation of attention: they differ by rounding only.",
        group=Panel.LOADING,
        changes_result=False,
    )

    trust_remote_code: bool = option(
        False,
        "Run Python code that comes with the model. Only if you trust it.",
        group=Panel.LOADING,
        changes_result=False,
    )
    """Never on unless typed."""
